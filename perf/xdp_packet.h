/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What perf/xdp_packet.bpf.c, perf/xdp_live.bpf.c and their programs share. */
#ifndef PERF_XDP_PACKET_H
#define PERF_XDP_PACKET_H

#include <linux/types.h>

#define PACKET_STREAM_MAX (1 << 19) /* pairs of IPv4 addresses; half as many of IPv6 */
#define PACKET_BYTES4	  60
#define PACKET_BYTES6	  64

/* The sum over an IPv4 header without addresses: UDP, time to live 64. */
#define PACKET_SUM4 (0x4500 + PACKET_BYTES4 - 14 + 0x4011)

/* The map `addrs`: source and destination of packet after packet, as they are in them. */
struct packet_addrs {
	union {
		__u32 ipv4[PACKET_STREAM_MAX][2];
		__u32 ipv6[PACKET_STREAM_MAX / 2][8];
	};
};

#endif
