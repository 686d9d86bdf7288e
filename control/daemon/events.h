/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Server-sent events: what changes, told to everybody who listens on /v1/events. A listener that
 * reads too slowly loses events and is told how many.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "http.h"

struct events;

int events_new(sd_event *loop, struct events **ret_events);
/* After http_free(): nobody listens any more. */
void events_free(struct events *events);

/* Answers the request with the stream of events. False: there are too many listeners. */
bool events_subscribe(struct events *events, struct http_request *request);

/* `document`, an object, is taken over; "time" and "event" are added to it. */
void events_emit(struct events *events, const char *event, json_t *document);

#endif
