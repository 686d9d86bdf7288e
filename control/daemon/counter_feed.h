/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The `counters` event for one listener of /v1/events: what every connection has counted, the first
 * time, and from then on those that differ from what this listener was told last.
 *
 * An event is written piece by piece as the listener takes it, for the same reason as /metrics, so
 * it needs no buffer: what a feed holds is a copy of the counters, 40 bytes a connection. A
 * listener that is still reading when the next event is due misses that one; because a feed
 * remembers what was told and not what happened, the one after it makes up for it.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_COUNTER_FEED_H
#define CONTROL_COUNTER_FEED_H

#include <stdbool.h>
#include <sys/types.h>

struct service;
struct counter_feed;

/* NULL without memory. */
struct counter_feed *counter_feed_new(struct service *service);
void counter_feed_free(struct counter_feed *feed);

/* Begins an event. False without memory; not while one is being read. */
bool counter_feed_begin(struct counter_feed *feed);
/* An event has begun and was not read to its end. */
bool counter_feed_busy(const struct counter_feed *feed);
/* Goes on with it; of `bytes`, at least COUNTER_FEED_ENTRY_MAX. Returns how many, above 0. */
ssize_t counter_feed_read(struct counter_feed *feed, char *buffer, size_t bytes);

#define COUNTER_FEED_ENTRY_MAX 1024

#endif
