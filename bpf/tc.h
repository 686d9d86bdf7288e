/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The stages as tc has them: what the host sends. Packets are only read directly, and written by
 * helpers: a direct write anywhere would make the kernel copy the head of every packet of a TCP
 * stream, whether it is tagged or not.
 */
#ifndef PEERTAG_BPF_TC_H
#define PEERTAG_BPF_TC_H

#include "frame.h"
#include "measure.h"

#include <linux/in.h>

#define TC_DATA(skb)	  ((__u8 *)(long)(skb)->data)
#define TC_DATA_END(skb)  ((__u8 *)(long)(skb)->data_end)
#define TC_DATA_META(skb) ((__u8 *)(long)(skb)->data_meta)

static __always_inline void tc_parse(struct frame *frame, struct __sk_buff *skb)
{
	frame_parse(frame, TC_DATA(skb), TC_DATA_END(skb));
}

static __always_inline void tc_parse_window(struct frame *frame, struct __sk_buff *skb,
					    struct window *window)
{
	__u32 bytes = window_bytes(skb->len);

	if (frame->outcome != PT_OUTCOME_MALFORMED || skb->len <= skb->data_end - skb->data)
		return;
	*window = (struct window){};
	if (bytes == 0 || bpf_skb_load_bytes(skb, 0, window->bytes, bytes))
		return;
	frame_parse(frame, window->bytes, window->bytes + bytes);
}

/* Bytes in front of what segmentation offload cuts; 0: not known. */
static __always_inline __u32 tc_headers(const struct frame *frame, struct __sk_buff *skb)
{
	__u32 offset = frame->ip_offset;
	__u8 ip[10], protocol, words;

	if (frame->outcome != PT_OUTCOME_UNMATCHED ||
	    bpf_skb_load_bytes(skb, offset, ip, sizeof(ip)))
		return 0;
	protocol = frame->packet.family == 4 ? ip[9] : ip[6];
	offset += frame->packet.family == 4 ? (ip[0] & 0x0f) * 4 : PT_IPV6_BYTES;
	if (protocol == IPPROTO_UDP)
		return offset + 8;
	if (protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, offset + 12, &words, sizeof(words)))
		return 0;
	return offset + (words >> 4) * 4;
}

/* A virtual machine's packets do not say into how many segments they will be cut. */
static __always_inline __u32 tc_segments(const struct frame *frame, struct __sk_buff *skb)
{
	__u32 headers, bytes = skb->len;

	if (skb->gso_segs || !skb->gso_size)
		return skb->gso_segs ? skb->gso_segs : 1;
	headers = tc_headers(frame, skb);
	if (!headers || bytes <= headers)
		return 1;
	return (bytes - headers + skb->gso_size - 1) / skb->gso_size;
}

/*
 * A packet that segmentation offload will cut counts as its segments, with all their headers
 * (wire_len has those), and with the VLAN tags that the kernel keeps beside the packet.
 */
static __always_inline void tc_measure(struct frame *frame, struct __sk_buff *skb)
{
	frame->packets = tc_segments(frame, skb);
	frame->bytes = skb->wire_len;
	if (skb->vlan_present)
		frame->bytes += frame->packets * PT_VLAN_BYTES;
}

static __always_inline _Bool tc_write_dscp(struct frame *frame, struct __sk_buff *skb, __u8 dscp)
{
	__u32 header[PT_DSCP_SPAN / 4];
	struct pt_packet copy = {.ip = (__u8 *)header, .family = frame->packet.family};

	if (bpf_skb_load_bytes(skb, frame->ip_offset, header, sizeof(header)))
		return 0;
	pt_tag_dscp(&copy, dscp);
	return !bpf_skb_store_bytes(skb, frame->ip_offset, header, sizeof(header), 0);
}

static __always_inline void tc_tag(struct frame *frame, struct __sk_buff *skb, struct pt_lane *lane)
{
	const struct pt_class *class = pt_tag_class(frame->source, frame->destination);

	if (!class)
		return;
	if (options.carrier_dscp && class->dscp != PT_DSCP_NONE)
		count_tag(lane, PT_CARRIER_DSCP, frame->packets,
			  tc_write_dscp(frame, skb, class->dscp));
	if (!options.carrier_mark)
		return;
	skb->mark = pt_tag_mark(skb->mark, class->mark, options.mark_mask);
	count_tag(lane, PT_CARRIER_MARK, frame->packets, 1);
}

/* Whether a program of ours counted this packet when it arrived, and the kernel forwards it. */
static __always_inline _Bool tc_was_counted(struct __sk_buff *skb)
{
	__u32 input = skb->ingress_ifindex;

	return input && bpf_map_lookup_elem(&inputs, &input);
}

static __always_inline void tc_run(struct frame *frame, struct __sk_buff *skb)
{
	struct pt_lane *lane = lane_of_this_cpu();

	if (!lane)
		return;
	frame_lookup(frame);
	frame_count_classes(frame, lane);
	pt_count_add(&lane_port(lane)->sent[frame->outcome], frame->packets, frame->bytes);
	report_frame(frame);
	if (frame_is_measured(frame))
		pt_measure_tc(skb, frame->ip_offset, frame->source_slot, frame->destination_slot);
	tc_tag(frame, skb, lane);
}

#endif
