/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The documents of `peertag status` and `peertag counters`: the registry's view joined with what
 * the engines say and count. Threading: the event loop's thread only.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include "engines.h"
#include "view.h"

/* NULL without memory, as below. */
json_t *status_json(const struct view *view, const struct engines *engines, const char *site);

/* Of the connection `name` alone unless that is NULL; it must be in the view. */
json_t *counters_json(const struct view *view, const struct engines *engines, const char *name);

/* The port's counters: all lanes, read in one pass. */
struct pt_port_counters status_port_counters(const struct engine *engine, size_t port);

#endif
