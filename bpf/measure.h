/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The stage that measures round-trip times, of packets whose classes asked for it. It is a function
 * of its own, whose arguments are numbers: the kernel's verifier then looks at it once, and not for
 * each of the many ways that lead to an IP header, and what a packet costs that is not measured
 * stays as it is. Headers that are not in the frame's linear part are not measured.
 */
#ifndef PEERTAG_BPF_MEASURE_H
#define PEERTAG_BPF_MEASURE_H

#include "frame.h"

#include <peertag/rtt.h>

static __always_inline __u64 measure_now(void *clock)
{
	(void)clock;
	return bpf_ktime_get_ns();
}

static __always_inline void measure_packet(const struct pt_packet *packet, const __u8 *end,
					   __u32 source_slot, __u32 destination_slot)
{
	__u32 first = 0, cpu = bpf_get_smp_processor_id();
	struct pt_rtt rtt = {.slots = options.latency_slots,
			     .window_ms = options.latency_window_ms,
			     .secret = options.latency_secret};
	struct pt_tcp tcp;

	rtt.table = bpf_map_lookup_elem(&flows, &first);
	rtt.lane = bpf_map_lookup_elem(&latency, &cpu);
	if (!rtt.table || !rtt.lane || !pt_tcp_parse(&tcp, packet, end))
		return;
	if (destination_slot)
		pt_rtt_transmit(&rtt, pt_rtt_hash_transmit(&rtt, packet, &tcp), &tcp, measure_now,
				NULL);
	if (source_slot)
		pt_rtt_receive(&rtt, pt_rtt_hash_receive(&rtt, packet, &tcp), packet, &tcp,
			       source_slot, measure_now, NULL);
}

/* The frame's linear part is from data to end. */
static __always_inline void measure_frame(__u8 *data, const __u8 *end, __u32 ip_offset,
					  __u32 source_slot, __u32 destination_slot)
{
	struct pt_packet packet;

	if (ip_offset >= PT_HEADERS_MAX)
		return;
	packet.ip = data + ip_offset;
	/* With IPv4 that is the least as well: a TCP header is behind its own. */
	if (packet.ip + PT_IPV6_BYTES > end)
		return;
	packet.family = packet.ip[0] >> 4;
	measure_packet(&packet, end, source_slot, destination_slot);
}

/* Slots: 0 for an address that is not measured. */
__noinline int pt_measure_xdp(struct xdp_md *md, __u32 ip_offset, __u32 source_slot,
			      __u32 destination_slot)
{
	measure_frame((__u8 *)(long)md->data, (__u8 *)(long)md->data_end, ip_offset, source_slot,
		      destination_slot);
	return 0;
}

__noinline int pt_measure_tc(struct __sk_buff *skb, __u32 ip_offset, __u32 source_slot,
			     __u32 destination_slot)
{
	measure_frame((__u8 *)(long)skb->data, (__u8 *)(long)skb->data_end, ip_offset, source_slot,
		      destination_slot);
	return 0;
}

static __always_inline _Bool frame_is_measured(const struct frame *frame)
{
	return frame->source_slot | frame->destination_slot;
}

#endif
