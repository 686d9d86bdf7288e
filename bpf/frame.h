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
	__u64 ip_offset;    /* of the IP header in the frame, where there is one */
	__u32 source_class; /* 0: none */
	__u32 destination_class;
	__u32 source_counter; /* PT_COUNTER_NONE: none */
	__u32 destination_counter;
	const struct pt_class *source; /* NULL: none */
	const struct pt_class *destination;
	__u32 source_slot; /* of latency; 0: not measured */
	__u32 destination_slot;
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

static __always_inline __u32 trie_find(void *rules, const void *key)
{
	const __u32 *class = bpf_map_lookup_elem(rules, key);

	return class ? *class : 0;
}

static __always_inline void frame_find_tries4(struct frame *frame, __u32 side)
{
	struct pt_xdp_key4 key = {.len = 32};
	void *rules = bpf_map_lookup_elem(&sets4, &side);

	if (!rules)
		return;
	key.addr_be = *(__u32 *)(frame->packet.ip + 12);
	frame->source_class = trie_find(rules, &key);
	key.addr_be = *(__u32 *)(frame->packet.ip + 16);
	frame->destination_class = trie_find(rules, &key);
}

static __always_inline void key6_fill(struct pt_xdp_key6 *key, const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;

	key->addr_be[0] = words[0];
	key->addr_be[1] = words[1];
	key->addr_be[2] = words[2];
	key->addr_be[3] = words[3];
}

static __always_inline void frame_find_tries6(struct frame *frame, __u32 side)
{
	struct pt_xdp_key6 key = {.len = 128};
	void *rules = bpf_map_lookup_elem(&sets6, &side);

	if (!rules)
		return;
	key6_fill(&key, frame->packet.ip + 8);
	frame->source_class = trie_find(rules, &key);
	key6_fill(&key, frame->packet.ip + 24);
	frame->destination_class = trie_find(rules, &key);
}

static __always_inline struct pt_addr6 addr6(const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;
	struct pt_addr6 halves;

	halves.high = (__u64)__builtin_bswap32(words[0]) << 32 | __builtin_bswap32(words[1]);
	halves.low = (__u64)__builtin_bswap32(words[2]) << 32 | __builtin_bswap32(words[3]);
	return halves;
}

/*
 * Both addresses of an IPv6 packet: the source's class, and in the high half the destination's. It
 * is a function of its own, whose arguments are numbers, so that the kernel's verifier walks the
 * loops in it once, and not for each of the many ways that lead to an IP header.
 */
__noinline __u64 pt_find6(__u32 side, __u64 source_high, __u64 source_low, __u64 destination_high,
			  __u64 destination_low)
{
	const struct pt_table *table = bpf_map_lookup_elem(&tables, &side);
	struct pt_addr6 source = {source_high, source_low};
	struct pt_addr6 destination = {destination_high, destination_low};
	__u64 mask = options.table_mask;

	if (!table)
		return 0;
	return (__u64)pt_table_find6(table, destination, mask) << 32 |
	       pt_table_find6(table, source, mask);
}

static __always_inline void frame_find6(struct frame *frame, __u32 side)
{
	struct pt_addr6 source = addr6(frame->packet.ip + 8);
	struct pt_addr6 destination = addr6(frame->packet.ip + 24);
	__u64 both = pt_find6(side, source.high, source.low, destination.high, destination.low);

	frame->source_class = both;
	frame->destination_class = both >> 32;
}

static __always_inline void frame_find(struct frame *frame, const struct pt_table *table,
				       __u32 side)
{
	const __u8 *ip = frame->packet.ip;
	__u64 mask = options.table_mask;

	if (frame->packet.family == 4) {
		frame->source_class =
			pt_table_find4(table, __builtin_bswap32(*(__u32 *)(ip + 12)), mask);
		frame->destination_class =
			pt_table_find4(table, __builtin_bswap32(*(__u32 *)(ip + 16)), mask);
	} else {
		frame_find6(frame, side);
	}
}

/* The side that packets are looked up in: read once for each packet, never twice. */
static __always_inline __u32 side_active(void)
{
	__u32 first = 0;
	struct pt_xdp_state *shared = bpf_map_lookup_elem(&state, &first);

	return shared ? *(volatile __u32 *)&shared->active : PT_XDP_SIDE_NONE;
}

static __always_inline const struct pt_class *class_find(const struct pt_table *table, __u32 class)
{
	__u64 offset = sizeof(*table) + (class - 1) * (__u64)sizeof(struct pt_class);

	return class ? pt_table_at(table, offset, options.table_mask) : NULL;
}

static __always_inline __u32 counter_find(const struct pt_table *table, __u32 class,
					  const struct pt_class *descriptor)
{
	return descriptor ? pt_table_counter(table, class, descriptor) : PT_COUNTER_NONE;
}

static __always_inline __u32 slot_find(const struct pt_table *table, __u32 class,
				       const struct pt_class *descriptor)
{
	return descriptor && class > table->unmeasured ? descriptor->latency_slot : 0;
}

static __always_inline void frame_lookup(struct frame *frame)
{
	const struct pt_table *table;
	__u64 side; /* of 8 bytes, so that nothing the verifier keeps track of shares its place */

	if (frame->outcome != PT_OUTCOME_UNMATCHED)
		return;
	frame->source_counter = PT_COUNTER_NONE;
	frame->destination_counter = PT_COUNTER_NONE;
	side = side_active();
	table = bpf_map_lookup_elem(&tables, &side);
	if (!table)
		return;
	if (!options.tries)
		frame_find(frame, table, side);
	else if (frame->packet.family == 4)
		frame_find_tries4(frame, side);
	else
		frame_find_tries6(frame, side);
	frame->source = class_find(table, frame->source_class);
	frame->destination = class_find(table, frame->destination_class);
	frame->source_counter = counter_find(table, frame->source_class, frame->source);
	frame->destination_counter =
		counter_find(table, frame->destination_class, frame->destination);
	if (!options.latency_slots)
		return;
	frame->source_slot = slot_find(table, frame->source_class, frame->source);
	frame->destination_slot = slot_find(table, frame->destination_class, frame->destination);
}

/* Counts on the connections; the outcome is then final, and the caller counts it on the port. */
static __always_inline void frame_count_classes(struct frame *frame, struct pt_lane *lane)
{
	if (frame->outcome == PT_OUTCOME_UNMATCHED)
		frame->outcome =
			pt_count_classes(lane, options.capacity, frame->source_counter,
					 frame->destination_counter, frame->packets, frame->bytes);
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
	told->source_class = frame->source_class;
	told->destination_class = frame->destination_class;
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
