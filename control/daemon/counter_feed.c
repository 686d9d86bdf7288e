/* SPDX-License-Identifier: BSD-3-Clause */
#include "counter_feed.h"
#include "quoted.h"
#include "service.h"
#include "status.h"
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Connections looked at in one read: what keeps a set that stands still from holding up the loop.
 */
#define LOOKED_AT_MAX 8192

/* Of one counter index: whose counts were told, and which. */
struct told {
	uint32_t connection; /* id; 0: nobody's yet */
	struct pt_connection_counters counters;
};

struct counter_feed {
	struct service *service;
	struct told *told; /* by counter index */
	size_t capacity;   /* of told */
	uint64_t revision; /* of the view that it was last seen to be large enough for */
	/* The event being read; view is NULL if there is none. */
	struct view *view;
	char *head;
	bool head_sent;
	bool followed; /* a connection was written, the next is behind a comma */
	size_t next;   /* of view->by_name */
};

struct counter_feed *counter_feed_new(struct service *service)
{
	struct counter_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->service = service;
	return feed;
}

static void feed_end(struct counter_feed *feed)
{
	view_unref(feed->view);
	free(feed->head);
	feed->view = NULL;
	feed->head = NULL;
}

void counter_feed_free(struct counter_feed *feed)
{
	if (!feed)
		return;
	feed_end(feed);
	free(feed->told);
	free(feed);
}

bool counter_feed_busy(const struct counter_feed *feed)
{
	return feed->view;
}

/* All up to the first connection. */
static char *head_text(const struct engines *engines)
{
	json_t *document = status_outcomes_json(engines);
	char *outcomes = document ? json_dumps(document, JSON_COMPACT) : NULL;
	struct timespec now;
	char *text;

	json_decref(document);
	clock_gettime(CLOCK_REALTIME, &now);
	if (!outcomes ||
	    asprintf(&text,
		     "data: {\"event\":\"counters\",\"time\":%lld.%03ld,\"outcomes\":%s,"
		     "\"connections\":{",
		     (long long)now.tv_sec, now.tv_nsec / 1000000, outcomes) < 0)
		text = NULL;
	free(outcomes);
	return text;
}

/* Room for every counter index of the view. False: no memory. */
static bool told_reserve(struct counter_feed *feed, const struct view *view)
{
	size_t wanted = feed->capacity;
	struct told *told;

	if (feed->told && feed->revision == view->revision)
		return true;
	for (size_t i = 0; i < view->by_name.count; i++)
		if (view->by_name.items[i]->counter >= wanted)
			wanted = view->by_name.items[i]->counter + 1;
	if (!feed->told || wanted > feed->capacity) {
		told = realloc(feed->told, (wanted + 1) * sizeof(*told));
		if (!told)
			return false;
		memset(told + feed->capacity, 0, (wanted - feed->capacity) * sizeof(*told));
		feed->told = told;
		feed->capacity = wanted;
	}
	feed->revision = view->revision;
	return true;
}

bool counter_feed_begin(struct counter_feed *feed)
{
	if (!told_reserve(feed, feed->service->view))
		return false;
	feed->head = head_text(feed->service->engines);
	if (!feed->head)
		return false;
	feed->view = view_ref(feed->service->view);
	feed->head_sent = false;
	feed->followed = false;
	feed->next = 0;
	return true;
}

/* Whether the listener has not heard of this, and if so, that now it will have. */
static bool told_differs(struct told *told, uint32_t id, const struct pt_connection_counters *sum)
{
	if (told->connection == id && !memcmp(&told->counters, sum, sizeof(*sum)))
		return false;
	told->connection = id;
	told->counters = *sum;
	return true;
}

static char *write_entry(char *pos, struct counter_feed *feed, const struct connection *connection)
{
	struct pt_connection_counters sum = {};
	const struct pt_count *receive = &sum.direction[PT_RECEIVE];
	const struct pt_count *transmit = &sum.direction[PT_TRANSMIT];

	engines_connection_counters(feed->service->engines, connection, &sum);
	if (!told_differs(&feed->told[connection->counter], connection->id, &sum))
		return pos;
	pos = stpcpy(pos, feed->followed ? "," : "");
	feed->followed = true;
	pos = quoted_write(pos, connection->name);
	return pos + sprintf(pos, ":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
			     (uint64_t)receive->packets, (uint64_t)receive->bytes,
			     (uint64_t)transmit->packets, (uint64_t)transmit->bytes);
}

ssize_t counter_feed_read(struct counter_feed *feed, char *buffer, size_t bytes)
{
	const struct connection_set *set = &feed->view->by_name;
	char *pos = buffer;

	if (!feed->head_sent)
		pos = stpcpy(pos, feed->head);
	feed->head_sent = true;
	for (size_t looked_at = 0; feed->next < set->count && looked_at < LOOKED_AT_MAX &&
				   pos + COUNTER_FEED_ENTRY_MAX <= buffer + bytes;
	     looked_at++)
		pos = write_entry(pos, feed, set->items[feed->next++]);
	if (feed->next == set->count && pos + COUNTER_FEED_ENTRY_MAX <= buffer + bytes) {
		pos = stpcpy(pos, "}}\n\n");
		feed_end(feed);
	}
	/* Nothing to tell so far, and more to look at: a space, which JSON does not mind. */
	if (pos == buffer)
		*pos++ = ' ';
	return pos - buffer;
}
