/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Counters: one lane for each writer (a CPU under XDP, a worker under DPDK), so that no writer ever
 * shares a cache line or needs an atomic; a reader maps all lanes and adds them up.
 *
 * Memory: lanes x pt_lane_bytes(capacity), the lanes one behind the other. They live outside of the
 * swapped table and only ever grow, but for an index whose owner changed, which the engine zeroes
 * while no packet can reach it.
 *
 * Threading: a lane is written by its own CPU or worker alone; readers use relaxed 64-bit loads and
 * may see a packet's outcome a moment before its bytes.
 */
#ifndef PEERTAG_COUNTERS_H
#define PEERTAG_COUNTERS_H

#include <peertag/types.h>

#define PT_PORTS_MAX  32
#define PT_LANE_ALIGN 64

#define PT_COUNTER_NONE 0xffffffff /* beyond every capacity */

struct pt_count {
	__u64 packets;
	__u64 bytes;
};

struct pt_connection_counters {
	struct pt_count direction[PT_DIRECTIONS];
};
_Static_assert(sizeof(struct pt_connection_counters) == 32, "the promise: 32 bytes a connection");

struct pt_port_counters {
	struct pt_count
		received[PT_OUTCOMES];	   /* what arrived: their sum is what the port received */
	struct pt_count sent[PT_OUTCOMES]; /* what the host sent, by the egress program */
	__u64 tagged[PT_CARRIERS];
	__u64 tag_failures[PT_CARRIERS];
	__u64 forward_drops;
	__u64 reserved[5];
};
_Static_assert(sizeof(struct pt_port_counters) == 256, "four cache lines a port");

struct pt_lane {
	struct pt_port_counters ports[PT_PORTS_MAX]; /* by port slot */
	struct pt_connection_counters connections[]; /* by pt_class.counter, capacity of them */
};

/* Bytes of one lane that holds `capacity` connections. */
PT_INLINE __u64 pt_lane_bytes(__u32 capacity)
{
	__u64 bytes = sizeof(struct pt_lane) + capacity * sizeof(struct pt_connection_counters);

	return (bytes + PT_LANE_ALIGN - 1) / PT_LANE_ALIGN * PT_LANE_ALIGN;
}

/* Of one counter index; it outlives the process, where the engine keeps its counters. */
struct pt_owner {
	__u32 connection; /* id; 0: nobody's yet */
	__u32 in_use;	  /* the set that packets see may count here */
};
_Static_assert(sizeof(struct pt_owner) == 8, "pt_owner outlives the process");

PT_INLINE void pt_count_add(struct pt_count *count, __u64 packets, __u64 bytes)
{
	count->packets += packets;
	count->bytes += bytes;
}

/* A counter beyond the capacity (the snapshot's verifier refuses one) is not written elsewhere. */
PT_INLINE void pt_count_connection(struct pt_lane *lane, __u32 capacity, __u32 counter,
				   enum pt_direction direction, __u64 packets, __u64 bytes)
{
	if (counter < capacity)
		pt_count_add(&lane->connections[counter].direction[direction], packets, bytes);
}

/*
 * Counts a looked up packet on its connections and returns its outcome. source, destination:
 * counter indexes, PT_COUNTER_NONE for an address that is in no class. `packets` is 1, or the
 * number of segments that a sender's offload will make of it.
 */
PT_INLINE enum pt_outcome pt_count_classes(struct pt_lane *lane, __u32 capacity, __u32 source,
					   __u32 destination, __u64 packets, __u64 bytes)
{
	enum pt_outcome outcome = PT_OUTCOME_UNMATCHED;

	if (source != PT_COUNTER_NONE) {
		outcome = PT_OUTCOME_MATCHED;
		pt_count_connection(lane, capacity, source, PT_RECEIVE, packets, bytes);
	}
	if (destination != PT_COUNTER_NONE) {
		outcome = PT_OUTCOME_MATCHED;
		pt_count_connection(lane, capacity, destination, PT_TRANSMIT, packets, bytes);
	}
	return outcome;
}

/* All lanes, as a reader has them mapped. */
struct pt_counters {
	const __u8 *lanes;
	__u32 lane_count;
	__u32 capacity; /* connections in a lane */
};

PT_INLINE const struct pt_lane *pt_counters_lane(const struct pt_counters *counters, __u32 lane)
{
	return (const struct pt_lane *)(counters->lanes + lane * pt_lane_bytes(counters->capacity));
}

/* Adds `words` 64-bit counters at `from`, which other CPUs are writing, onto `to`. */
PT_INLINE void pt_counters_sum(__u64 *to, const __u64 *from, __u32 words)
{
	for (__u32 i = 0; i < words; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* The connection counter at `index`, over all lanes, added onto *sum. index < capacity. */
PT_INLINE void pt_counters_connection(const struct pt_counters *counters, __u32 index,
				      struct pt_connection_counters *sum)
{
	for (__u32 lane = 0; lane < counters->lane_count; lane++)
		pt_counters_sum(
			(__u64 *)sum,
			(const __u64 *)&pt_counters_lane(counters, lane)->connections[index],
			sizeof(*sum) / sizeof(__u64));
}

/* The counters of the port in `slot`, over all lanes, added onto *sum. slot < PT_PORTS_MAX. */
PT_INLINE void pt_counters_port(const struct pt_counters *counters, __u32 slot,
				struct pt_port_counters *sum)
{
	for (__u32 lane = 0; lane < counters->lane_count; lane++)
		pt_counters_sum((__u64 *)sum,
				(const __u64 *)&pt_counters_lane(counters, lane)->ports[slot],
				sizeof(*sum) / sizeof(__u64));
}

/* The sum over a row of outcomes: what a port received, or the host sent. */
PT_INLINE struct pt_count pt_count_total(const struct pt_count outcomes[PT_OUTCOMES])
{
	struct pt_count total = {};

	for (int outcome = 0; outcome < PT_OUTCOMES; outcome++)
		pt_count_add(&total, outcomes[outcome].packets, outcomes[outcome].bytes);
	return total;
}

#endif
