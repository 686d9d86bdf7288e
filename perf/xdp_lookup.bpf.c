/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Lookups alone, without packets: a loop over a stream of addresses. Each way has a program whose
 * lookups are independent of one another, so that the processor overlaps them, and one where each
 * address depends on the class before, which leaves its value as it is.
 */
#include "frame.h"

#include "xdp_lookup.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lookup_addrs);
} addrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lookup_answers);
} answers SEC(".maps");

char dual_license[] SEC("license") = "Dual BSD/GPL";

enum way {
	WAY_FLOOR, /* reads the addresses */
	WAY_FLAT,
	WAY_TRIE,
};

/* What a loop goes over, and what it found so far. */
struct loop {
	__u32 first;
	__u32 found;
};

/* What all lookups of a turn have in common. */
struct turn {
	const struct pt_table *table;
	void *rules;
	const struct lookup_addrs *addrs;
	__u32 index; /* of the first address */
};

static __always_inline __u32 find4(const struct turn *turn, enum way way, __u32 index, __u32 bias)
{
	__u32 addr_be = turn->addrs->ipv4[index & (LOOKUP_STREAM_MAX - 1)] + bias;
	struct pt_xdp_key4 key = {.len = 32, .addr_be = addr_be};

	if (way == WAY_FLAT)
		return pt_table_find4(turn->table, __builtin_bswap32(addr_be), options.table_mask);
	if (way == WAY_TRIE)
		return trie_find(turn->rules, &key);
	return addr_be >> 1;
}

static __always_inline __u32 find6(const struct turn *turn, enum way way, __u32 index, __u32 bias)
{
	const __u8 *addr = turn->addrs->ipv6[index & (LOOKUP_STREAM_MAX / 2 - 1)];
	struct pt_xdp_key6 key = {.len = 128};
	struct pt_addr6 halves;

	if (way == WAY_TRIE) {
		key6_fill(&key, addr);
		key.addr_be[0] += bias;
		return trie_find(turn->rules, &key);
	}
	halves = addr6(addr);
	halves.high += bias;
	if (way == WAY_FLAT)
		return pt_table_find6(turn->table, halves, options.table_mask);
	return (halves.high ^ halves.low) >> 33;
}

static __always_inline _Bool turn_begin(struct turn *turn, const struct loop *loop, __u32 i,
					void *sets, enum way way)
{
	__u32 side = side_active(), first = 0;

	turn->table = bpf_map_lookup_elem(&tables, &side);
	turn->rules = way == WAY_TRIE ? bpf_map_lookup_elem(sets, &side) : NULL;
	turn->addrs = bpf_map_lookup_elem(&addrs, &first);
	turn->index = loop->first + i * LOOKUP_STEP;
	return turn->table && turn->addrs && (way != WAY_TRIE || turn->rules);
}

static __always_inline void answer_keep(__u32 index, __u32 class)
{
	__u32 first = 0;
	struct lookup_answers *kept = bpf_map_lookup_elem(&answers, &first);

	if (kept)
		kept->classes[index & (LOOKUP_STREAM_MAX - 1)] = class;
}

/* What is done with a lookup's class. */
enum use {
	USE_SUM,
	USE_NEXT, /* the next address depends on it */
	USE_KEEP, /* and adds it up: to be checked */
};

static __always_inline void turn_run(const struct turn *turn, struct loop *loop, int family,
				     enum way way, enum use use)
{
	__u32 found = loop->found;

	PT_UNROLL
	for (__u32 j = 0; j < LOOKUP_STEP; j++) {
		__u32 bias = use == USE_NEXT ? found >> 31 : 0;
		__u32 class = family == 4 ? find4(turn, way, turn->index + j, bias)
					  : find6(turn, way, turn->index + j, bias);

		found = use == USE_NEXT ? class : found + class;
		if (use == USE_KEEP)
			answer_keep(turn->index + j, class);
	}
	loop->found = found;
}

static __always_inline int loop_run(struct xdp_md *md, void *turn)
{
	const struct lookup_pass *pass = (const void *)(long)md->data;
	struct loop loop = {};

	if ((const void *)(pass + 1) > (const void *)(long)md->data_end)
		return XDP_ABORTED;
	loop.first = pass->first;
	bpf_loop(pass->count / LOOKUP_STEP, turn, &loop, 0);
	return loop.found & 1 ? XDP_DROP : XDP_PASS;
}

/* A program, and the turn of its loop. */
#define PROGRAM(name, sets, family, way, use)                                                      \
	static long name##_turn(__u32 i, struct loop *loop)                                        \
	{                                                                                          \
		struct turn turn;                                                                  \
                                                                                                   \
		if (!turn_begin(&turn, loop, i, sets, way))                                        \
			return 1;                                                                  \
		turn_run(&turn, loop, family, way, use);                                           \
		return 0;                                                                          \
	}                                                                                          \
	SEC("xdp")                                                                                 \
	int name(struct xdp_md *md)                                                                \
	{                                                                                          \
		return loop_run(md, name##_turn);                                                  \
	}

PROGRAM(floor4_sum, &sets4, 4, WAY_FLOOR, USE_SUM)
PROGRAM(floor4_next, &sets4, 4, WAY_FLOOR, USE_NEXT)
PROGRAM(flat4_sum, &sets4, 4, WAY_FLAT, USE_SUM)
PROGRAM(flat4_next, &sets4, 4, WAY_FLAT, USE_NEXT)
PROGRAM(flat4_keep, &sets4, 4, WAY_FLAT, USE_KEEP)
PROGRAM(trie4_sum, &sets4, 4, WAY_TRIE, USE_SUM)
PROGRAM(trie4_next, &sets4, 4, WAY_TRIE, USE_NEXT)
PROGRAM(trie4_keep, &sets4, 4, WAY_TRIE, USE_KEEP)
PROGRAM(floor6_sum, &sets6, 6, WAY_FLOOR, USE_SUM)
PROGRAM(floor6_next, &sets6, 6, WAY_FLOOR, USE_NEXT)
PROGRAM(flat6_sum, &sets6, 6, WAY_FLAT, USE_SUM)
PROGRAM(flat6_next, &sets6, 6, WAY_FLAT, USE_NEXT)
PROGRAM(flat6_keep, &sets6, 6, WAY_FLAT, USE_KEEP)
PROGRAM(trie6_sum, &sets6, 6, WAY_TRIE, USE_SUM)
PROGRAM(trie6_next, &sets6, 6, WAY_TRIE, USE_NEXT)
PROGRAM(trie6_keep, &sets6, 6, WAY_TRIE, USE_KEEP)
