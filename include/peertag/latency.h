/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Round-trip times on their way from the fast path to control: a histogram for each latency slot,
 * in shared memory, one lane for each writer, as the counters have it.
 *
 * Time is cut into windows, numbered by the monotonic clock: window n is what lies between n and
 * n + 1 times the length of a window. A slot has two of them, and each sample goes into the one of
 * its number's parity, which the first sample of a window empties. So nobody but the packets writes
 * here, nothing has to be told when a window ends, and a dead process leaves no window open. A
 * reader takes window n while n + 1 is filled.
 *
 * Beside the times, a window has a small set of the customer's hosts (of IPv6: /64s) that they are
 * of: bits that a secret hash chooses. The bits that are set are at most the hosts, so a reader who
 * asks for ten bits has ten hosts at least. No address is stored.
 *
 * Memory: lanes x pt_latency_lane_bytes(slots). Threading: a lane is written by its own CPU or
 * worker alone; readers may see a sample's count a moment before its place.
 */
#ifndef PEERTAG_LATENCY_H
#define PEERTAG_LATENCY_H

#include <peertag/histogram.h>
#include <peertag/types.h>

#define PT_LATENCY_SLOTS_MAX  65536 /* 159 MB a lane */
#define PT_LATENCY_HOST_BITS  256
#define PT_LATENCY_HOST_WORDS (PT_LATENCY_HOST_BITS / 64)
#define PT_LATENCY_WINDOWS    2
#define PT_LATENCY_ALIGN      64

struct pt_latency_window {
	__u32 number; /* low 32 bits of the window's number; what is in here is of that one */
	__u32 reserved;
	__u64 hosts[PT_LATENCY_HOST_WORDS];
	struct pt_bin bins[PT_HISTOGRAM_BINS];
};
_Static_assert(sizeof(struct pt_latency_window) == 1216, "19 cache lines");

struct pt_latency_slot {
	struct pt_latency_window windows[PT_LATENCY_WINDOWS]; /* by the parity of the number */
};

struct pt_latency_lane {
	__u64 lost; /* samples that were begun, or were due, and came to nothing */
	__u64 reserved[7];
	struct pt_latency_slot slots[]; /* [i] is slot i + 1's: 0 in a class is none */
};
_Static_assert(sizeof(struct pt_latency_lane) == PT_LATENCY_ALIGN, "a cache line");

PT_INLINE __u64 pt_latency_lane_bytes(__u32 slots)
{
	return sizeof(struct pt_latency_lane) + slots * (__u64)sizeof(struct pt_latency_slot);
}

/* Word by word: BPF has no memset, and clang would make one of any other loop. */
PT_INLINE void pt_latency_window_begin(struct pt_latency_window *window, __u32 number)
{
	__u64 *words = (__u64 *)window;

	for (__u32 i = 0; i < sizeof(*window) / sizeof(*words); i++) {
		words[i] = 0;
		PT_OPAQUE(i);
	}
	window->number = number;
}

/*
 * Adds a sample. slot: from 1 to `slots`, the slots of the lane (another is lost). host: the secret
 * hash of the customer's host. number: of the window that is now.
 */
PT_INLINE void pt_latency_add(struct pt_latency_lane *lane, __u32 slots, __u32 slot, __u64 host,
			      __u64 rtt_ns, __u32 number)
{
	struct pt_latency_window *window;
	__u32 index = slot - 1, bit = host % PT_LATENCY_HOST_BITS;

	if (index >= slots) {
		lane->lost++;
		return;
	}
	window = &lane->slots[index].windows[number % PT_LATENCY_WINDOWS];
	if (window->number != number)
		pt_latency_window_begin(window, number);
	if (!pt_histogram_add(window->bins, rtt_ns)) {
		lane->lost++;
		return;
	}
	window->hosts[bit / 64] |= 1ull << bit % 64;
}

/* All lanes of an engine, as a reader has them mapped. */
struct pt_latency {
	const __u8 *lanes; /* NULL: the engine has none */
	__u32 lane_count;
	__u32 slots;	 /* of a lane */
	__u32 window_ms; /* how long a window is */
};

/* The number of the window at a time of CLOCK_MONOTONIC. */
PT_INLINE __u32 pt_latency_number(__u64 now_ns, __u32 window_ms)
{
	return now_ns / (window_ms * 1000000ull);
}

PT_INLINE const struct pt_latency_lane *pt_latency_lane(const struct pt_latency *latency,
							__u32 lane)
{
	return (const void *)(latency->lanes + lane * pt_latency_lane_bytes(latency->slots));
}

#endif
