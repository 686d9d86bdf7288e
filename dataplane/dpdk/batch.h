/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lookups in bulk: what include/peertag/table.h does for one address, for all addresses of a burst
 * at once. Each step is taken for all of them before the next one, and asks for the cache lines of
 * the next one, so that their misses overlap.
 *
 * There is one source (batch_lookup.c), built for several kinds of CPU; batch_best() chooses by the
 * CPU that it runs on. Threading: pure functions.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_BATCH_H
#define PEERTAG_DATAPLANE_DPDK_BATCH_H

#include <peertag/table.h>

#define BATCH_MAX 64

struct batch {
	const char *name; /* "scalar", "avx2", "avx512" */
	/* addrs: host byte order; ret: class numbers, 0 for none; count: up to BATCH_MAX. */
	void (*lookup4)(const struct pt_table *table, const __u32 *addrs, __u32 *ret, __u32 count);
	/* addrs: network byte order. */
	void (*lookup6)(const struct pt_table *table, const __u8 (*addrs)[16], __u32 *ret,
			__u32 count);
};

extern const struct batch batch_scalar, batch_avx2, batch_avx512;

/* All that this CPU can run, the best one first; ends with NULL. */
const struct batch *const *batch_usable(void);

static inline const struct batch *batch_best(void)
{
	return batch_usable()[0];
}

#endif
