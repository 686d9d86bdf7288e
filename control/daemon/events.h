/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Server-sent events: what changes, told to everybody who listens on /v1/events, and once a second
 * what was counted, to those who asked for it. A listener that reads too slowly loses whole events
 * and is told how many, of either kind.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "counter_feed.h"
#include "http.h"

struct events;

int events_new(sd_event *loop, struct events **ret_events);
/* After http_free(): nobody listens any more. */
void events_free(struct events *events);

/*
 * Answers the request with the stream of events. `feed`, which is taken over, adds the counters to
 * it; NULL: none. False: there are too many listeners of this kind.
 */
bool events_subscribe(struct events *events, struct http_request *request,
		      struct counter_feed *feed);

/* `document`, an object, is taken over; "time" and "event" are added to it. */
void events_emit(struct events *events, const char *event, json_t *document);

#endif
