/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of max_connections or max_prefixes. The size of a map is fixed, so the counters move to
 * new maps, which are pinned beside the old ones (their size is in their names), while programs
 * count on:
 *
 *  1. state_open() makes the new maps, and notes the size as `next_capacity`.
 *  2. Every port is updated to programs that count in the new maps, from 0; then nothing writes
 *     the old ones any more.
 *  3. capacity_carry() puts the sums of the old lanes into the last lane of the new ones, which no
 *     CPU writes, and then changes the one word that says which maps count.
 *
 * The tables move more simply, since nobody writes them meanwhile: the active one is copied before
 * step 2, and the old map unpinned in step 3. No count is lost, and what was killed in between is
 * continued by the next start: the last lane is set, not added to. Threading: at start, before
 * anybody is answered.
 */
#ifndef PEERTAG_DATAPLANE_XDP_CAPACITY_H
#define PEERTAG_DATAPLANE_XDP_CAPACITY_H

#include <peertag/xdp.h>

#include "../message.h"

struct state;

/* Bytes of one side of a map of tables with this room. */
__u32 capacity_side_bytes(__u32 table_room);

/* Whether a change from what is `pinned` may begin, if there is any. Returns 0, or -errno and why.
 */
int capacity_check(const struct state *state, const struct pt_xdp_state *pinned,
		   struct message *message);

/*
 * Unpins counters of sizes that are neither in use nor being changed to, which a start that was
 * killed left behind: a later change to that size would take what is in them for its own.
 */
void capacity_sweep(const struct state *state, const struct pt_xdp_state *pinned);

/* Copies the active table from a map of another room. Returns 0 or -errno. */
int capacity_carry_table(const struct state *state);

/* Step 3, once no program writes the old counters. Returns 0, or -errno and why. */
int capacity_carry(struct state *state, struct message *message);

#endif
