/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The document of `peertag status`: the registry's view joined with what the engines say and count.
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include "engines.h"
#include "../registry/view.h"

/* NULL without memory. */
json_t *status_json(const struct view *view, const struct engines *engines, const char *site);

/* Packets that arrived on all ports of all engines, by outcome. */
json_t *status_outcomes_json(const struct engines *engines);

/* The port's counters: all lanes, read in one pass. */
struct pt_port_counters status_port_counters(const struct engine *engine, size_t port);

/*
 * Bytes that engine->held.table_bytes may grow to, 0 where nobody can tell: the limit is one of the
 * compiled table, which a table of the platform's own comes on top of.
 */
uint64_t status_table_room(const struct engine *engine);

/* What a worker polls: "PORT:QUEUE PORT:QUEUE" as a list. */
json_t *status_queues_json(const char *queues);

/* How long the worker was busy with packets, in seconds since the engine started. */
double status_busy_seconds(const struct engine *engine, size_t worker);
/* It has not come around for a while; nobody knows of an engine that is away. */
bool status_stuck(const struct engine *engine, size_t worker);

#endif
