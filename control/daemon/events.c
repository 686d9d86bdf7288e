/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define SUBSCRIBERS_MAX 64
#define QUEUE_BYTES	(64 * 1024)
#define HEARTBEAT_US	10000000

struct subscriber {
	LIST_ENTRY(subscriber) link;
	struct events *events;
	struct http_request *request;
	char queue[QUEUE_BYTES];
	size_t queued;
	unsigned long lost;
};

struct events {
	LIST_HEAD(, subscriber) subscribers;
	unsigned count;
	sd_event_source *heartbeat;
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

static ssize_t subscriber_read(void *closure, char *buffer, size_t bytes)
{
	struct subscriber *subscriber = closure;
	size_t n = subscriber->queued < bytes ? subscriber->queued : bytes;
	char lost[80];

	memcpy(buffer, subscriber->queue, n);
	memmove(subscriber->queue, subscriber->queue + n, subscriber->queued - n);
	subscriber->queued -= n;
	if (subscriber->lost && !subscriber->queued) {
		snprintf(lost, sizeof(lost), "data: {\"event\":\"lost\",\"events\":%lu}\n\n",
			 subscriber->lost);
		subscriber->lost = 0;
		subscriber_add(subscriber, lost);
	}
	return n;
}

static void subscriber_close(void *closure)
{
	struct subscriber *subscriber = closure;

	LIST_REMOVE(subscriber, link);
	subscriber->events->count--;
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

int events_new(sd_event *loop, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return -ENOMEM;
	LIST_INIT(&events->subscribers);
	r = sd_event_add_time_relative(loop, &events->heartbeat, CLOCK_MONOTONIC, HEARTBEAT_US, 0,
				       events_beat, events);
	if (r < 0) {
		free(events);
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
	free(events);
}

bool events_subscribe(struct events *events, struct http_request *request)
{
	struct subscriber *subscriber;

	if (events->count == SUBSCRIBERS_MAX)
		return false;
	subscriber = calloc(1, sizeof(*subscriber));
	if (!subscriber)
		return false;
	subscriber->events = events;
	subscriber->request = request;
	LIST_INSERT_HEAD(&events->subscribers, subscriber, link);
	events->count++;
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
