/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that looks up: both addresses of all packets of a burst, in one go for each family. It
 * leaves the classes of each packet, and lists of what is in one, so that what follows has no
 * branch that depends on whether a packet matches. Threading: as in burst.h.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_LOOKUP_H
#define PEERTAG_DATAPLANE_DPDK_LOOKUP_H

#include <rte_lpm.h>
#include <rte_lpm6.h>

#include "batch.h"
#include "burst.h"

#define LOOKUP_CLASS4_MASK (RTE_LPM_LOOKUP_SUCCESS - 1)

_Static_assert(BATCH_MAX >= BURST_MAX * BURST_ENDS, "a burst is one batch");

/* From the order of a family's addresses to that of the burst. */
PT_INLINE void burst_put_classes(struct burst *burst, const __u8 *packets,
				 __u32 (*classes)[BURST_ENDS], __u16 count)
{
	for (__u16 n = 0; n < count; n++)
		memcpy(burst->class[packets[n]], classes[n], sizeof(classes[n]));
}

PT_INLINE void burst_lookup_lpm4(struct burst *burst, const struct table_set *set)
{
	const struct burst_addrs4 *addrs = &burst->ipv4;
	__u32 hops[BURST_MAX][BURST_ENDS];

	rte_lpm_lookup_bulk(set->lpm4, addrs->addr[0], hops[0], BURST_ENDS * addrs->count);
	for (__u16 n = 0; n < addrs->count; n++)
		for (int end = 0; end < BURST_ENDS; end++)
			hops[n][end] = hops[n][end] & RTE_LPM_LOOKUP_SUCCESS
					       ? hops[n][end] & LOOKUP_CLASS4_MASK
					       : set->default_class[PT_IPV4];
	burst_put_classes(burst, addrs->packet, hops, addrs->count);
}

PT_INLINE void burst_lookup_lpm6(struct burst *burst, const struct table_set *set)
{
	struct burst_addrs6 *addrs = &burst->ipv6;
	__s32 hops[BURST_MAX][BURST_ENDS];

	rte_lpm6_lookup_bulk_func(set->lpm6, addrs->addr[0], hops[0], BURST_ENDS * addrs->count);
	for (__u16 n = 0; n < addrs->count; n++)
		for (int end = 0; end < BURST_ENDS; end++)
			if (hops[n][end] < 0)
				hops[n][end] = set->default_class[PT_IPV6];
	burst_put_classes(burst, addrs->packet, (__u32(*)[BURST_ENDS])hops, addrs->count);
}

/* A family without rules has no table: its packets are the default class's. */
PT_INLINE void burst_lookup_default(struct burst *burst, const __u8 *packets, __u16 count,
				    __u32 default_class)
{
	for (__u16 n = 0; n < count; n++)
		for (int end = 0; end < BURST_ENDS; end++)
			burst->class[packets[n]][end] = default_class;
}

static inline void burst_lookup_lpm(struct burst *burst, const struct table_set *set)
{
	if (set->lpm4)
		burst_lookup_lpm4(burst, set);
	else
		burst_lookup_default(burst, burst->ipv4.packet, burst->ipv4.count,
				     set->default_class[PT_IPV4]);
	if (set->lpm6 && burst->ipv6.count)
		burst_lookup_lpm6(burst, set);
	else
		burst_lookup_default(burst, burst->ipv6.packet, burst->ipv6.count,
				     set->default_class[PT_IPV6]);
}

PT_INLINE void burst_lookup_flat(struct burst *burst, const struct table_set *set)
{
	const struct burst_addrs4 *ipv4 = &burst->ipv4;
	const struct burst_addrs6 *ipv6 = &burst->ipv6;
	__u32 classes[BURST_MAX][BURST_ENDS];

	if (likely(ipv4->count == burst->count)) {
		set->batch->lookup4(set->image, ipv4->addr[0], burst->class[0],
				    BURST_ENDS * ipv4 -> count);
		return;
	}
	set->batch->lookup4(set->image, ipv4->addr[0], classes[0], BURST_ENDS * ipv4->count);
	burst_put_classes(burst, ipv4->packet, classes, ipv4->count);
	set->batch->lookup6(set->image, ipv6->addr[0], classes[0], BURST_ENDS * ipv6->count);
	burst_put_classes(burst, ipv6->packet, classes, ipv6->count);
}

/*
 * Each end writes a hit, and keeps it if it has a class. What tags a packet is the first of its
 * hits, as pt_tag_class() has it: the source's class, else the destination's.
 */
PT_INLINE void burst_collect(struct burst *burst)
{
	__u16 count = burst->count, hits = 0, matches = 0;

	for (__u16 i = 0; i < count; i++) {
		__u32 source = burst->class[i][BURST_SOURCE];
		__u32 destination = burst->class[i][BURST_DESTINATION];

		burst->matches[matches] = hits;
		matches += (source | destination) != 0;
		burst->hits[hits] = (struct burst_hit){source, i, BURST_SOURCE};
		hits += source != 0;
		burst->hits[hits] = (struct burst_hit){destination, i, BURST_DESTINATION};
		hits += destination != 0;
	}
	burst->hit_count = hits;
	burst->match_count = matches;
}

/* Fills the classes and the hits. A set of NULL: none was published yet, nothing matches. */
PT_INLINE void burst_lookup(struct burst *burst, const struct table_set *set)
{
	burst->hit_count = 0;
	burst->match_count = 0;
	if (unlikely(!set || burst->ipv4.count + burst->ipv6.count != burst->count))
		memset(burst->class, 0, sizeof(burst->class));
	if (unlikely(!set))
		return;
	if (likely(set->image))
		burst_lookup_flat(burst, set);
	else
		burst_lookup_lpm(burst, set);
	burst_collect(burst);
	for (__u16 n = 0; n < burst->hit_count; n++)
		rte_prefetch0(burst_class(set, &burst->hits[n]));
}

#endif
