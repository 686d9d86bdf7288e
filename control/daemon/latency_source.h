/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An engine's round-trip times: its memory, and whose the slots in it are.
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_LATENCY_SOURCE_H
#define CONTROL_LATENCY_SOURCE_H

#include "disclosure.h"
#include "engine.h"
#include "latency_slots.h"

struct latency_source {
	const struct engine *engine;
	uint64_t window_ns; /* as configured; an engine that has another one does not count */
	struct pt_engine_set
		set; /* whose slots these are; generation 0: unknown, and so are they */
	struct latency_slots slots;
	struct view *sent; /* on its way to the engine; NULL: none */
	bool unanswered;   /* an earlier one is, and no answer will come */
	uint64_t lost;	   /* samples, when it was last asked */
	bool lost_known;
};

void latency_source_done(struct latency_source *source);

/* The set of `view` is being sent. */
void latency_source_sending(struct latency_source *source, struct view *view);
/* The engine came, went, took a set or refused one; `view` is the last that was to be sent. */
void latency_source_changed(struct latency_source *source, const struct view *view,
			    uint64_t now_ns);

/* A window of the monotonic clock that has ended. */
struct ended_window {
	uint64_t number;
	uint64_t start_ns;
};

/*
 * Adds the owner's times and hosts. False, and nothing is added, where the slot was not his for all
 * of the window. Cursor as in latency_slots_next().
 */
bool latency_source_read(const struct latency_source *source, const struct ended_window *window,
			 const struct latency_owner *owner, size_t *cursor, struct histogram *times,
			 struct host_set *hosts);

/* The engine measures, in windows of the length that is configured. */
bool latency_source_measures(const struct latency_source *source);
void latency_source_count_lost(struct latency_source *source);

#endif
