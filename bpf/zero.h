/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Zeroing a range of connection counters in one lane. No packet may be counting there. */
#ifndef PEERTAG_BPF_ZERO_H
#define PEERTAG_BPF_ZERO_H

#include "maps.h"

struct zero_range {
	__u32 lane;
	__u32 first;
};

/* A callback of bpf_loop: 0 goes on, 1 stops. */
static long zero_counter(__u32 i, void *argument)
{
	const struct zero_range *range = argument;
	struct pt_lane *lane = bpf_map_lookup_elem(&counters, &range->lane);
	__u32 counter = range->first + i;

	if (!lane || counter >= options.capacity)
		return 1;
	lane->connections[counter] = (struct pt_connection_counters){};
	return 0;
}

#endif
