/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Writes the next two addresses of the stream into a frame. */
#ifndef PERF_XDP_PACKET_BPF_H
#define PERF_XDP_PACKET_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <peertag/packet.h>

#include "xdp_packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_addrs);
} addrs SEC(".maps");

__u32 packet_next; /* which pair */

/* A right checksum: the kernel's GRO looks at it. */
static __always_inline void packet_sum4(__u8 *ip, __u32 source, __u32 destination)
{
	__u32 sum = PACKET_SUM4;

	sum += (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	pt_store_be16(ip + 10, ~sum);
}

static __always_inline void packet_write4(__u8 *ip, const struct packet_addrs *from, __u32 index)
{
	const __u32 *pair = from->ipv4[index & (PACKET_STREAM_MAX - 1)];

	*(__u16 *)ip = __builtin_bswap16(0x4500); /* no DSCP; as wide as it is read */
	*(__u32 *)(ip + 12) = pair[0];
	*(__u32 *)(ip + 16) = pair[1];
	packet_sum4(ip, __builtin_bswap32(pair[0]), __builtin_bswap32(pair[1]));
}

static __always_inline void packet_write6(__u8 *ip, const struct packet_addrs *from, __u32 index)
{
	const __u32 *pair = from->ipv6[index & (PACKET_STREAM_MAX / 2 - 1)];
	__u32 *to = (__u32 *)(ip + 8);

	PT_UNROLL
	for (int i = 0; i < 8; i++)
		to[i] = pair[i];
}

/* Whether the frame is IPv4 or IPv6 is known by its type. */
static __always_inline void packet_write(struct xdp_md *md)
{
	__u8 *data = (__u8 *)(long)md->data, *end = (__u8 *)(long)md->data_end;
	__u8 *ip = data + PT_ETHERNET_BYTES;
	__u32 first = 0;
	const struct packet_addrs *from = bpf_map_lookup_elem(&addrs, &first);

	if (!from || ip + PT_IPV6_BYTES > end)
		return;
	if (data[PT_MAC_BYTES] == PT_ETHERTYPE_IPV4 >> 8)
		packet_write4(ip, from, packet_next++);
	else
		packet_write6(ip, from, packet_next++);
}

#endif
