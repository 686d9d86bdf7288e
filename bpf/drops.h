/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What redirection lost: the kernel tells only its tracepoints. They fire on the CPU, and in the
 * softirq, of the packet, so they may write this CPU's lane. Interfaces are known by number and
 * network namespace, whose places in the kernel's structs libbpf finds at load.
 */
#ifndef PEERTAG_BPF_DROPS_H
#define PEERTAG_BPF_DROPS_H

#include "maps.h"

#include <bpf/bpf_core_read.h>

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

/* Counts packets that came in by `device`, were redirected, and did not go out. */
static __always_inline void drops_count(const struct net_device *device, __u64 packets)
{
	struct pt_lane *lane = lane_of_this_cpu();
	__u32 ifindex, *slot;

	if (!packets || !lane || BPF_CORE_READ(device, nd_net.net, ns.inum) != options.netns)
		return;
	ifindex = BPF_CORE_READ(device, ifindex);
	slot = bpf_map_lookup_elem(&inputs, &ifindex);
	if (slot && *slot < PT_PORTS_MAX)
		lane->ports[*slot].forward_drops += packets;
}

#endif
