/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that looks up: both addresses of all packets of a burst, in one go for each family.
 * Threading: as in burst.h.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_LOOKUP_H
#define PEERTAG_DATAPLANE_DPDK_LOOKUP_H

#include <rte_lpm.h>
#include <rte_lpm6.h>

#include "burst.h"

#define LOOKUP_CLASS4_MASK (RTE_LPM_LOOKUP_SUCCESS - 1)

PT_INLINE void burst_lookup_ipv4(struct burst *burst, const struct table_set *set)
{
	const struct burst_addrs4 *addrs = &burst->ipv4;
	__u32 hops[BURST_MAX][2];

	rte_lpm_lookup_bulk(set->lpm4, addrs->addr[0], hops[0], 2 * addrs->count);
	for (__u16 n = 0; n < addrs->count; n++) {
		for (int end = 0; end < 2; end++)
			hops[n][end] = hops[n][end] & RTE_LPM_LOOKUP_SUCCESS
					       ? hops[n][end] & LOOKUP_CLASS4_MASK
					       : set->default_class[PT_IPV4];
		burst->source[addrs->packet[n]] = hops[n][0];
		burst->destination[addrs->packet[n]] = hops[n][1];
	}
}

PT_INLINE void burst_lookup_ipv6(struct burst *burst, const struct table_set *set)
{
	struct burst_addrs6 *addrs = &burst->ipv6;
	__s32 hops[BURST_MAX][2];

	rte_lpm6_lookup_bulk_func(set->lpm6, addrs->addr[0], hops[0], 2 * addrs->count);
	for (__u16 n = 0; n < addrs->count; n++) {
		for (int end = 0; end < 2; end++)
			if (hops[n][end] < 0)
				hops[n][end] = set->default_class[PT_IPV6];
		burst->source[addrs->packet[n]] = hops[n][0];
		burst->destination[addrs->packet[n]] = hops[n][1];
	}
}

/* A family without rules has no table: its packets are the default class's. */
PT_INLINE void burst_lookup_none(struct burst *burst, const __u8 *packets, __u16 count,
				 __u32 default_class)
{
	for (__u16 n = 0; n < count; n++) {
		burst->source[packets[n]] = default_class;
		burst->destination[packets[n]] = default_class;
	}
}

PT_INLINE void burst_prefetch_classes(const struct burst *burst, const struct table_set *set)
{
	for (__u16 i = 0; i < burst->count; i++) {
		if (burst->source[i])
			rte_prefetch0(&set->classes[burst->source[i] - 1]);
		if (burst->destination[i])
			rte_prefetch0(&set->classes[burst->destination[i] - 1]);
	}
}

/* Fills source and destination. A set of NULL: none was published yet, nothing matches. */
PT_INLINE void burst_lookup(struct burst *burst, const struct table_set *set)
{
	if (unlikely(!set))
		return;
	if (likely(set->lpm4))
		burst_lookup_ipv4(burst, set);
	else
		burst_lookup_none(burst, burst->ipv4.packet, burst->ipv4.count,
				  set->default_class[PT_IPV4]);
	if (set->lpm6 && burst->ipv6.count)
		burst_lookup_ipv6(burst, set);
	else
		burst_lookup_none(burst, burst->ipv6.packet, burst->ipv6.count,
				  set->default_class[PT_IPV6]);
	burst_prefetch_classes(burst, set);
}

#endif
