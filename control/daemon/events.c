/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define SUBSCRIBERS_MAX 64
#define FEEDS_MAX	16 /* of them, with the counters */
#define QUEUE_BYTES	(64 * 1024)
#define HEARTBEAT_US	10000000
#define FEED_US		1000000
#define FEED_SPARE_US	5000 /* that the loop may be late with it */

struct subscriber {
	LIST_ENTRY(subscriber) link;
	struct events *events;
	struct http_request *request;
	char queue[QUEUE_BYTES];
	size_t queued;
	unsigned long lost;
	struct counter_feed *feed; /* NULL: not asked for */
	bool feed_due;
	unsigned long feed_lost;
};

struct events {
	LIST_HEAD(, subscriber) subscribers;
	unsigned count;
	unsigned feeds;
	sd_event_source *heartbeat;
	sd_event_source *second; /* off while nobody asked for the counters */
};

static void subscriber_add(struct subscriber *subscriber, const char *text)
{
	size_t bytes = strlen(text);

	if (subscriber->queued + bytes > QUEUE_BYTES) {
		subscriber->lost++;
		return;
	}
	memcpy(subscriber->queue + subscriber->queued, text, bytes);
	subscriber->queued += bytes;
	http_stream_more(subscriber->request);
}

static void subscriber_tell_lost(struct subscriber *subscriber, const char *what,
				 unsigned long *lost)
{
	char text[80];

	if (!*lost)
		return;
	snprintf(text, sizeof(text), "data: {\"event\":\"lost\",\"%s\":%lu}\n\n", what, *lost);
	*lost = 0;
	subscriber_add(subscriber, text);
}

static ssize_t queue_read(struct subscriber *subscriber, char *buffer, size_t bytes)
{
	size_t n;

	if (!subscriber->queued) {
		subscriber_tell_lost(subscriber, "events", &subscriber->lost);
		subscriber_tell_lost(subscriber, "counters", &subscriber->feed_lost);
	}
	n = subscriber->queued < bytes ? subscriber->queued : bytes;
	memcpy(buffer, subscriber->queue, n);
	memmove(subscriber->queue, subscriber->queue + n, subscriber->queued - n);
	subscriber->queued -= n;
	return n;
}

/*
 * What is queued goes first, and an event with the counters, once begun, to its end: neither is
 * written into the other.
 */
static ssize_t subscriber_read(void *closure, char *buffer, size_t bytes)
{
	struct subscriber *subscriber = closure;
	struct counter_feed *feed = subscriber->feed;

	if (feed && subscriber->feed_due && !subscriber->queued) {
		subscriber->feed_due = false;
		subscriber->feed_lost += !counter_feed_begin(feed);
	}
	if (feed && counter_feed_busy(feed))
		return counter_feed_read(feed, buffer, bytes);
	return queue_read(subscriber, buffer, bytes);
}

static void subscriber_close(void *closure)
{
	struct subscriber *subscriber = closure;
	struct events *events = subscriber->events;

	LIST_REMOVE(subscriber, link);
	events->count--;
	if (subscriber->feed && --events->feeds == 0)
		sd_event_source_set_enabled(events->second, SD_EVENT_OFF);
	counter_feed_free(subscriber->feed);
	free(subscriber);
}

static void events_send(struct events *events, const char *text)
{
	struct subscriber *subscriber;

	LIST_FOREACH(subscriber, &events->subscribers, link)
	subscriber_add(subscriber, text);
}

/* A comment now and then: it finds out who has gone, and keeps proxies from closing. */
static int events_beat(sd_event_source *timer, uint64_t usec, void *userdata)
{
	(void)usec;
	events_send(userdata, ":\n\n");
	sd_event_source_set_time_relative(timer, HEARTBEAT_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

static void subscriber_feed(struct subscriber *subscriber)
{
	if (subscriber->feed_due || counter_feed_busy(subscriber->feed))
		subscriber->feed_lost++;
	else
		subscriber->feed_due = true;
	http_stream_more(subscriber->request);
}

static int events_second(sd_event_source *timer, uint64_t usec, void *userdata)
{
	struct events *events = userdata;
	struct subscriber *subscriber;

	(void)usec;
	LIST_FOREACH(subscriber, &events->subscribers, link)
	if (subscriber->feed)
		subscriber_feed(subscriber);
	sd_event_source_set_time_relative(timer, FEED_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

int events_new(sd_event *loop, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return -ENOMEM;
	LIST_INIT(&events->subscribers);
	r = sd_event_add_time_relative(loop, &events->heartbeat, CLOCK_MONOTONIC, HEARTBEAT_US, 0,
				       events_beat, events);
	if (r >= 0)
		r = sd_event_add_time_relative(loop, &events->second, CLOCK_MONOTONIC, FEED_US,
					       FEED_SPARE_US, events_second, events);
	if (r >= 0)
		r = sd_event_source_set_enabled(events->second, SD_EVENT_OFF);
	if (r < 0) {
		events_free(events);
		return r;
	}
	*ret_events = events;
	return 0;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	sd_event_source_disable_unref(events->heartbeat);
	sd_event_source_disable_unref(events->second);
	free(events);
}

/* The first of those who want the counters starts the clock. */
static void subscriber_start_feed(struct subscriber *subscriber, struct counter_feed *feed)
{
	struct events *events = subscriber->events;

	subscriber->feed = feed;
	subscriber->feed_due = true;
	if (events->feeds++)
		return;
	sd_event_source_set_time_relative(events->second, FEED_US);
	sd_event_source_set_enabled(events->second, SD_EVENT_ONESHOT);
}

bool events_subscribe(struct events *events, struct http_request *request,
		      struct counter_feed *feed)
{
	bool full = events->count == SUBSCRIBERS_MAX || (feed && events->feeds == FEEDS_MAX);
	struct subscriber *subscriber = full ? NULL : calloc(1, sizeof(*subscriber));

	if (!subscriber) {
		counter_feed_free(feed);
		return false;
	}
	subscriber->events = events;
	subscriber->request = request;
	LIST_INSERT_HEAD(&events->subscribers, subscriber, link);
	events->count++;
	if (feed)
		subscriber_start_feed(subscriber, feed);
	http_respond_stream(request, "text/event-stream", subscriber_read, subscriber_close,
			    subscriber);
	subscriber_add(subscriber, ":\n\n");
	return true;
}

void events_emit(struct events *events, const char *event, json_t *document)
{
	struct timespec now;
	char *text, *line;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(document, "event", json_string(event));
	json_object_set_new(document, "time", json_real(now.tv_sec + now.tv_nsec / 1000000 / 1e3));
	text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(13));
	json_decref(document);
	if (text && asprintf(&line, "data: %s\n\n", text) >= 0) {
		events_send(events, line);
		free(line);
	}
	free(text);
}
