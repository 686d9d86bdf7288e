/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a view to the snapshot of include/peertag/snapshot.h. The same view and tag settings give
 * the same bytes.
 *
 * Classes are numbered from 1 in the order of the counter indexes: first each connection's own,
 * then those of the prefixes selected for latency. Latency slots count from 1 in the same order.
 * Those that are too fine (selection.h) report into a slot of their connection.
 *
 * Threading: pure functions.
 */
#ifndef CONTROL_COMPILE_H
#define CONTROL_COMPILE_H

#include "view.h"

#include <peertag/config.h>
#include <peertag/snapshot.h>

/* Who reports into latency_slot = index + 1. It borrows from the view. */
struct latency_slot {
	const struct connection *connection;
	const struct prefix *prefix; /* NULL: the connection's own */
};

struct compiled {
	struct pt_snapshot *snapshot; /* snapshot->bytes long */
	struct latency_slot *slots;
	uint32_t slot_count;
};

/* Returns 0, -ENOMEM, or -E2BIG for more classes than 32 bits number. */
int compile(const struct view *view, const struct pt_config_tag *tag,
	    struct compiled *ret_compiled);
void compiled_done(struct compiled *compiled);

/* The class that packets of @prefix, one of the view's, are given; 0 if it is not in there. */
uint32_t compiled_class(const struct compiled *compiled, const struct prefix *prefix);

/* The bytes in a memfd sealed against every change. Returns the descriptor or -errno. */
int compiled_memfd(const struct compiled *compiled);

/* How long the table in it is. */
uint64_t compiled_bytes(const struct compiled *compiled);

#endif
