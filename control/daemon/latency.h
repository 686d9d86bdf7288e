/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times from the engines' shared memory (include/peertag/latency.h) to what is
 * published: just behind the end of each window it is read from every engine, judged
 * (disclosure.h), and made part of the report (latency_report.h).
 *
 * What was measured counts for its owner only if the slot was his in that engine for all of the
 * window (latency_slots.h). So after a start of the daemon, or a change of what is selected, the
 * window that runs is lost for those whom it concerns.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_LATENCY_H
#define CONTROL_LATENCY_H

#include "engines.h"
#include "latency_report.h"

struct latency;

struct latency_observer {
	/* A window ended with figures of this connection; `closed` may be NULL. */
	void (*closed)(void *closure, const struct connection *connection, double p90_seconds);
	/* Behind all of these, where anything is selected: how many owners have figures or not. */
	void (*ended)(void *closure, size_t published, size_t withheld);
	void *closure;
};

/* Borrows all of them. Returns 0 or -errno. */
int latency_new(sd_event *loop, const struct pt_config *config, const struct engines *engines,
		const struct latency_observer *observer, struct latency **ret_latency);
void latency_free(struct latency *latency);

/* The view whose set engines shall hold from now on; before it is offered to them. */
void latency_set_view(struct latency *latency, struct view *view);
/* The set of that view is being sent to the engine. */
void latency_engine_publishing(struct latency *latency, const struct engine *engine);
/* The engine came, went, took or refused a set. */
void latency_engine_changed(struct latency *latency, const struct engine *engine);

/* The current report; whoever keeps it takes a reference. */
struct latency_report *latency_report(const struct latency *latency);

/* Some engine measures, in windows of the length that is configured. */
bool latency_is_measured(const struct latency *latency);

/* Samples that the engine lost, as of the end of the last window. */
uint64_t latency_samples_lost(const struct latency *latency, const struct engine *engine);

#endif
