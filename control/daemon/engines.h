/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All engines of the configuration, and the one set that they shall hold.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_ENGINES_H
#define CONTROL_ENGINES_H

#include "engine.h"
#include "../registry/view.h"

#include <peertag/config.h>

struct engines;

/* What the daemon learns of. */
struct engines_observer {
	/* The set of the last view is on its way to the engine. */
	void (*publishing)(void *closure, const struct engine *engine);
	/* An engine came, went, took or refused a set, or a port or worker of it changed. */
	void (*changed)(void *closure, const struct engine *engine);
	/* Every engine of the configuration now holds this generation or a later one. */
	void (*acknowledged)(void *closure, uint64_t generation);
	void *closure;
};

/* Returns 0 or -errno. */
int engines_new(sd_event *loop, const struct pt_config *config,
		const struct engines_observer *observer, struct engines **ret_engines);
void engines_free(struct engines *engines);

/*
 * Publishes the snapshot of `view` from the sealed memfd `fd`, which it takes. Engines that are
 * away get it when they come.
 */
void engines_publish(struct engines *engines, const struct view *view, int fd);

size_t engines_count(const struct engines *engines);
const struct engine *engines_at(const struct engines *engines, size_t at);

/* Bytes that a table may have for all engines that were met to take it; 0: no limit. */
uint64_t engines_table_room(const struct engines *engines);

uint64_t engines_desired(const struct engines *engines);
/* True if the engine is up and holds the desired set. */
bool engines_current(const struct engines *engines, const struct engine *engine);
/* Every engine is current. */
bool engines_ready(const struct engines *engines);
/* Every engine is up, or was not to be had when it was last tried. */
bool engines_met(const struct engines *engines);

/* Adds what the connection counted, over all engines whose set has it, onto *sum. */
void engines_connection_counters(const struct engines *engines, const struct connection *connection,
				 struct pt_connection_counters *sum);

/* A question to every engine that is up: STATUS or LOOKUP. */
struct engines_question {
	struct pt_engine_request request;
	/* For each good answer; NULL if what matters is that engine->status is up to date. */
	void (*told)(void *closure, const struct engine *engine,
		     const struct pt_engine_reply *reply);
	/* Once, the last of the calls: all have answered, or had a second for it. */
	void (*done)(void *closure);
	void *closure;
};

void engines_ask(struct engines *engines, const struct engines_question *question);

/*
 * Calls `settled` once each engine that is connected holds `generation` or has refused it, at the
 * latest after `timeout_us`; perhaps at once.
 */
void engines_wait(struct engines *engines, uint64_t generation, uint64_t timeout_us,
		  void (*settled)(void *closure), void *closure);

#endif
