/* SPDX-License-Identifier: BSD-3-Clause */
/* What a contest comes to: items for report.py, and lines for who watches. Threading: one thread.
 */
#ifndef PERF_ITEMS_H
#define PERF_ITEMS_H

#include <jansson.h>

#include "contest.h"

/* Build time, memory and the cost of a change: ours against each peer's. */
void items_add_structures(json_t *items, const struct contest *contest);
/* A lookup: ours against each peer's ways, against the floor, and our other ways. */
void items_add_lookups(json_t *items, const struct contest *contest, enum stream_kind kind,
		       double hits);

/* To stderr. */
void items_print_structures(const struct contest *contest);
void items_print_lookups(const struct contest *contest, enum stream_kind kind, double hits);

#endif
