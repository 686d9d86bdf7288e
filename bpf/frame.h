/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A frame on its way through the stages parse, look up, count, tag, forward. Each stage takes the
 * frame and leaves what the next one needs in it. What XDP and tc do alike is here.
 */
#ifndef PEERTAG_BPF_FRAME_H
#define PEERTAG_BPF_FRAME_H

#include "maps.h"

#include <peertag/packet.h>
#include <peertag/tag.h>

/*
 * A copy of the first bytes of a frame whose headers are not all in its linear part. The verifier
 * wants aligned access to the stack: the two bytes in front align the IP header to four.
 */
struct window {
	__u8 pad[2];
	__u8 bytes[PT_HEADERS_MAX];
	__u8 tail[2];
} __attribute__((aligned(4)));

/*
 * How much of a frame goes into the window; 0: nothing. Not inferred but checked, for the verifier
 * to see. The index of the last byte is what is checked, before one is added: Linux 6.1 does not
 * learn from a comparison with 0 that a size is at least 1.
 */
static __always_inline __u32 window_bytes(__u64 frame_bytes)
{
	__u64 last = (frame_bytes < PT_HEADERS_MAX ? frame_bytes : PT_HEADERS_MAX) - 1;

	asm volatile("" : "+r"(last));
	if (last >= PT_HEADERS_MAX)
		return 0;
	asm volatile("" : "+r"(last));
	return last + 1;
}

struct frame {
	struct pt_packet packet;
	enum pt_outcome outcome;
	__u64 ip_offset; /* of the IP header in the frame, where there is one */
	const struct pt_class *source;
	const struct pt_class *destination;
	__u64 packets;
	__u64 bytes; /* of all packets, on the wire */
};

/* Parses the bytes from start to end, which are the frame's first. */
static __always_inline void frame_parse(struct frame *frame, __u8 *start, __u8 *end)
{
	frame->outcome = pt_packet_parse(&frame->packet, start, end);
	if (frame->outcome == PT_OUTCOME_UNMATCHED)
		frame->ip_offset = frame->packet.ip - start;
}

static __always_inline void frame_lookup_ipv4(struct frame *frame, __u32 side)
{
	struct pt_xdp_key4 key = {.len = 32};
	void *rules = bpf_map_lookup_elem(&sets4, &side);

	if (!rules)
		return;
	key.addr_be = *(__u32 *)(frame->packet.ip + 12);
	frame->source = bpf_map_lookup_elem(rules, &key);
	key.addr_be = *(__u32 *)(frame->packet.ip + 16);
	frame->destination = bpf_map_lookup_elem(rules, &key);
}

static __always_inline void key6_fill(struct pt_xdp_key6 *key, const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;

	key->addr_be[0] = words[0];
	key->addr_be[1] = words[1];
	key->addr_be[2] = words[2];
	key->addr_be[3] = words[3];
}

static __always_inline void frame_lookup_ipv6(struct frame *frame, __u32 side)
{
	struct pt_xdp_key6 key = {.len = 128};
	void *rules = bpf_map_lookup_elem(&sets6, &side);

	if (!rules)
		return;
	key6_fill(&key, frame->packet.ip + 8);
	frame->source = bpf_map_lookup_elem(rules, &key);
	key6_fill(&key, frame->packet.ip + 24);
	frame->destination = bpf_map_lookup_elem(rules, &key);
}

/* The side that packets are looked up in: read once for each packet, never twice. */
static __always_inline __u32 side_active(void)
{
	__u32 first = 0;
	struct pt_xdp_state *shared = bpf_map_lookup_elem(&state, &first);

	return shared ? *(volatile __u32 *)&shared->active : PT_XDP_SIDE_NONE;
}

static __always_inline void frame_lookup(struct frame *frame)
{
	if (frame->outcome != PT_OUTCOME_UNMATCHED)
		return;
	if (frame->packet.family == 4)
		frame_lookup_ipv4(frame, side_active());
	else
		frame_lookup_ipv6(frame, side_active());
}

/* Counts on the connections; the outcome is then final, and the caller counts it on the port. */
static __always_inline void frame_count_classes(struct frame *frame, struct pt_lane *lane)
{
	if (frame->outcome == PT_OUTCOME_UNMATCHED)
		frame->outcome = pt_count_classes(lane, options.capacity, frame->source,
						  frame->destination, frame->packets, frame->bytes);
}

/* The counters of this instance's port. */
static __always_inline struct pt_port_counters *lane_port(struct pt_lane *lane)
{
	return &lane->ports[options.slot % PT_PORTS_MAX];
}

static __always_inline struct pt_xdp_report *report_open(void)
{
	__u32 first = 0;

	return options.report ? bpf_map_lookup_elem(&report, &first) : NULL;
}

static __always_inline void report_frame(const struct frame *frame)
{
	struct pt_xdp_report *told = report_open();

	if (!told)
		return;
	told->outcome = frame->outcome;
	told->source_class = frame->source ? frame->source->class : 0;
	told->destination_class = frame->destination ? frame->destination->class : 0;
}

/* Counts a tag that was due. */
static __always_inline void count_tag(struct pt_lane *lane, enum pt_carrier carrier, __u64 packets,
				      _Bool written)
{
	struct pt_port_counters *port = lane_port(lane);
	struct pt_xdp_report *told = report_open();

	if (written)
		port->tagged[carrier] += packets;
	else
		port->tag_failures[carrier] += packets;
	if (told && written)
		told->tagged[carrier] = 1;
	else if (told)
		told->failed[carrier] = 1;
}

#endif
