/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that is published of round-trip times, as of the end of a window: of each connection and
 * prefix that is selected, what the window had, and what came together since control started. The
 * next window's end makes a new report of the old one, so whoever reads twice in between reads the
 * same.
 *
 * Memory: some 600 bytes for each selected prefix and each connection that has one.
 *
 * Threading: immutable once it is shown; references are the event loop's thread's.
 */
#ifndef CONTROL_LATENCY_REPORT_H
#define CONTROL_LATENCY_REPORT_H

#include "histogram.h"
#include "latency_slots.h"

/* Of one window, in seconds. */
struct latency_figures {
	uint64_t samples; /* 0: withheld */
	double p50;
	double p90;
	double p99;
	double mean;
	struct buckets buckets;
};

struct latency_entry {
	struct latency_owner owner;
	bool measured; /* for all of the window */
	struct latency_figures last;
	struct buckets total; /* since control started */
};

struct latency_report {
	unsigned references;
	double end_time;  /* of the window, in seconds of the wall clock; 0: none has ended */
	size_t published; /* entries that have figures */
	size_t count;
	struct latency_entry entries[]; /* sorted by owner */
};

/* Empty, with room for `capacity` entries and one reference. NULL without memory. */
struct latency_report *latency_report_new(size_t capacity);
struct latency_report *latency_report_ref(struct latency_report *report);
void latency_report_unref(struct latency_report *report);

/* For who makes it, owner by owner in their order: what came together is taken from `before`. */
struct latency_entry *latency_report_add(struct latency_report *report,
					 const struct latency_report *before, size_t *cursor,
					 const struct latency_owner *owner);
/* `times` NULL, or without samples: withheld. */
void latency_report_fill(struct latency_report *report, struct latency_entry *entry, bool measured,
			 const struct histogram *times);

const struct latency_entry *latency_report_find(const struct latency_report *report,
						const struct latency_owner *owner);

/* The entry's connection, if something was ever published and the view has the owner; else NULL. */
const struct connection *latency_report_exports(const struct view *view,
						const struct latency_entry *entry);

#endif
