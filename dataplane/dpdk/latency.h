/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of round-trip times: lanes of histograms, which control is given to read, and the
 * flows that samples are under way in. It ends with the process, as the workers do. A slot takes
 * memory from its first sample on.
 *
 * Threading: made before the workers start; a lane is its worker's, the flows are all workers'.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_LATENCY_H
#define PEERTAG_DATAPLANE_DPDK_LATENCY_H

#include <peertag/rtt.h>

#include "../message.h"

struct latency {
	struct pt_rtt_table *flows;
	void *lanes;
	__u32 lane_count;
	__u32 slots;
	__u32 window_ms;
	__u64 secret;
	int fd; /* of the lanes; cannot be mapped writable any more */
};

/* Returns 0 and *ret, which latency_free() frees, or -errno and why. */
int latency_new(__u32 lane_count, __u32 slots, __u32 window_ms, struct latency **ret,
		struct message *message);
void latency_free(struct latency *latency);

/* What the worker of lane number `lane` measures with. */
struct pt_rtt latency_rtt(const struct latency *latency, __u32 lane);

#endif
