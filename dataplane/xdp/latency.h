/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The maps of round-trip times: a lane of histograms for each possible CPU, and the table of flows.
 * Only programs write them, so both are frozen for user space. They are pinned, like all that
 * outlives the process; but what they hold is of one window, so that a change of the number of
 * slots begins with an empty map, and the one before is let go.
 *
 * Threading: at start, before anybody is answered.
 */
#ifndef PEERTAG_DATAPLANE_XDP_LATENCY_H
#define PEERTAG_DATAPLANE_XDP_LATENCY_H

#include <peertag/types.h>

struct state;

/* Before the maps are made: their size and their pins. Returns 0 or -errno. */
int latency_prepare(const struct state *state);

/* Once they are made. Returns 0 or -errno. */
int latency_settle(const struct state *state);

/* Lanes of histograms: the possible CPUs. */
__u32 latency_lanes(void);

#endif
