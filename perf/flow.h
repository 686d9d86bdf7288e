/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Segments of TCP flows between a customer and somebody else, written one after the other into one
 * frame: data to the customer, and his acknowledgements, in turn. Each has a timestamp of its own,
 * and an acknowledgement echoes that of FLOW_LAG data segments before. So a sample of the
 * round-trip time is under way for 2 x FLOW_LAG segments, and then the next one begins. For BPF and
 * user space.
 */
#ifndef PERF_FLOW_H
#define PERF_FLOW_H

#include <peertag/bytes.h>
#include <peertag/packet.h>

#define FLOWS	    10000
#define FLOW_STRIDE 7919 /* a prime: flows follow one another in no order of theirs */
#define FLOW_LAG    10
#define FLOW_BYTES  74 /* of a frame: Ethernet, IPv4, TCP with timestamps, 8 bytes of data */

/* As they are in packets to the customer. */
struct flow {
	__u32 customer_be;
	__u32 other_be;
	__u32 ports_be; /* the other's, and the customer's */
	__u32 padding;	/* an array map has multiples of eight bytes */
};

/* What does not change from segment to segment. frame: FLOW_BYTES, zeroes. */
PT_INLINE void flow_frame(__u8 *frame)
{
	__u8 *ip = frame + PT_ETHERNET_BYTES, *tcp = ip + PT_IPV4_BYTES;

	frame[0] = frame[6] = 2; /* locally administered */
	frame[5] = 1;
	frame[11] = 2;
	pt_store_be16(frame + PT_MAC_BYTES, PT_ETHERTYPE_IPV4);
	ip[0] = 0x45;
	pt_store_be16(ip + 2, FLOW_BYTES - PT_ETHERNET_BYTES);
	ip[8] = 64;
	ip[9] = 6;
	tcp[12] = 8 << 4;
	tcp[13] = 0x18;
	pt_store_be16(tcp + 20, 0x0101);
	pt_store_be16(tcp + 22, 0x080a);
}

/* Segment number `step` of the flow, which is from the customer where that is odd. */
PT_INLINE void flow_write(__u8 *ip, const struct flow *flow, __u32 step)
{
	_Bool answers = step & 1;
	__u32 ports = flow->ports_be, stamp = 1 + step / 2;

	pt_store_u32(ip + 12, answers ? flow->customer_be : flow->other_be);
	pt_store_u32(ip + 16, answers ? flow->other_be : flow->customer_be);
	pt_store_u32(ip + 20, answers ? ports << 16 | ports >> 16 : ports);
	pt_store_u32(ip + 44, __builtin_bswap32(stamp));
	pt_store_u32(ip + 48, __builtin_bswap32(stamp - FLOW_LAG));
}

#endif
