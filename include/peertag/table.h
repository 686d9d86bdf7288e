/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The table: longest prefix match over an image that control compiles once and every engine reads.
 *
 * STRUCTURE. All rules of a family cut its addresses into runs that share one answer, the class.
 * The image holds runs, not prefixes, so that a lookup never backtracks. It is one block of memory
 * without pointers: nodes of one cache line (64 bytes) each. A reference is the offset of a node
 * from the image's start; that is a multiple of 64, so there is room in it for a depth (below).
 *
 *   IPv4  root4 has an entry for each /16: the node that holds its runs. A bit of `starts` is set
 *         where a run begins, so counting the bits up to an address (the rank) numbers its run.
 *         A value names the class; or, with the bit `split`, the child that does the same for the
 *         last 8 bits: only /24s that hold longer prefixes have one.
 *   IPv6  root6 has an entry for each /12: an array of references, of one to 4096 by how full the
 *         /12 is. Each leads to a B-tree over the next 32 bits of the address, a window. A leaf
 *         holds up to 10 runs by the last window that each covers, a branch up to 16 children; the
 *         rank is the number of keys that are less. How many branches come before the leaf is the
 *         depth. A window that longer prefixes divide splits: into the B-tree of the next 32 bits.
 *   Both  `values` of a node is the index of its first value, which lies in the node itself where
 *         there are few (10, or 5 wide ones), else elsewhere. Nothing branches on which it is.
 *
 * INVARIANT. Every entry of a root leads to a node, and every rank of a node to a value: an address
 * that is in no prefix has the default class, or 0. Engines check that before they use an image
 * (pt_table_verify), once; the lookup checks nothing.
 *
 * COST. Cache lines: IPv4 root, node, perhaps a value (seldom a child and its value). IPv6 root,
 * array, 0 to 2 branches, leaf. Branches are taken on what is rare (split) or known early (how many
 * levels), since a misprediction behind a miss costs as much as the miss.
 *
 * WHY THIS ONE. At a million prefixes it takes 7 bytes a prefix and stays in the cache, where a
 * direct index of the /24s (32 MiB) goes to memory: see the measurements in perf/README.md. The
 * rank needs no search, and of popcount, which BPF has not, only one; a B-tree on 32 bits of an
 * IPv6 address has half the levels of one on 64.
 *
 * Sources: runs and rank are those of Poptrie (Asai, Ohara, SIGCOMM 2015) and DXR (Zec, Rizzo,
 * Mikuc, CCR 2012), the search over intervals that of Lampson, Srinivasan, Varghese (ToN 1999).
 *
 * In BPF an offset is masked for the kernel's verifier; `mask` is what a caller there knows of its
 * map, and in user space ~0. Threading: an image is immutable.
 */
#ifndef PEERTAG_TABLE_H
#define PEERTAG_TABLE_H

#include <peertag/bytes.h>
#include <peertag/types.h>

#define PT_TABLE_LINE_BITS   6
#define PT_TABLE_LINE	     (1 << PT_TABLE_LINE_BITS)
#define PT_TABLE_LEVELS	     8 /* of a B-tree, the leaves among them */
#define PT_TABLE_DEPTH	     (PT_TABLE_LEVELS - 1)
#define PT_TABLE_LAYERS	     4 /* of B-trees, for the 116 bits behind root6 */
#define PT_TABLE_ROOT4	     (1 << 16)
#define PT_TABLE_ROOT6_BITS  12
#define PT_TABLE_ROOT6	     (1 << PT_TABLE_ROOT6_BITS)
#define PT_TABLE_ROOT6_REST  0xfffff /* bits of the first 32 that are behind root6's */
#define PT_TABLE_SHIFT_MIN   8
#define PT_TABLE_SHIFT_MAX   20
#define PT_TABLE_LEAF_RUNS   10
#define PT_TABLE_BRANCH_SIZE 16
#define PT_TABLE_KEY_MAX     0xffffffffu /* of an unused key: nothing is above it */

/* Up to this many classes values have 16 bits. */
#define PT_TABLE_NARROW_CLASSES 0x7fff

#define PT_TABLE_OWN_BYTES 20

/* A node of IPv4. `values` is the index of the value of rank 0: see pt_table_value(). */
struct pt_node {
	__u64 starts[4]; /* bit i % 64 of word i / 64: a run begins at i */
	__u8 before[4];	 /* runs that begin in the words before */
	__u32 values;
	__u32 children;		      /* reference of child 0; they follow one another */
	__u8 own[PT_TABLE_OWN_BYTES]; /* values, where they fit */
};
_Static_assert(sizeof(struct pt_node) == PT_TABLE_LINE, "one cache line");

/* A leaf of IPv6. */
struct pt_leaf {
	__u32 last[PT_TABLE_LEAF_RUNS - 1]; /* the last window of each run but the last */
	__u32 values;
	__u32 children;
	__u8 own[PT_TABLE_OWN_BYTES];
};
_Static_assert(sizeof(struct pt_leaf) == PT_TABLE_LINE, "one cache line");

struct pt_branch {
	__u32 last[PT_TABLE_BRANCH_SIZE - 1]; /* the last window of each child but the last */
	__u32 children;			      /* reference of child 0 */
};
_Static_assert(sizeof(struct pt_branch) == PT_TABLE_LINE, "one cache line");

/*
 * The 20 bits behind root6's, without the last `shift`, choose from an array. The window of the
 * B-tree is the 32 bits behind those that chose it, all of them in the high half of the address.
 */
struct pt_root6 {
	__u32 array; /* offset of its first entry */
	__u32 shift; /* PT_TABLE_SHIFT_MIN to PT_TABLE_SHIFT_MAX */
};

/*
 * The image's head. Behind it, each from a line on and without gaps but for the padding to a line:
 * root4, root6, the classes, root6's arrays, the nodes of IPv4 and their children, the levels of
 * IPv6 from the leaves up, the values that are in no node, and one line that is empty.
 */
struct pt_table {
	/* What a lookup reads. */
	__u32 value_shift; /* 1: values have 16 bits; 2: 32 */
	__u32 value_mask;  /* 0xffff or 0xffffffff */
	__u32 split;	   /* its highest bit */
	__u32 counted;	   /* classes up to this one have the counter of their number - 1 */
	__u32 unmeasured;  /* classes up to this one have no latency slot */
	/* What the verifier reads. */
	__u32 class_count;
	__u32 array_lines;		    /* of root6's arrays */
	__u32 node_count;		    /* of IPv4, children not counted */
	__u32 level_count[PT_TABLE_LEVELS]; /* of IPv6; 0: leaves */
	__u64 bytes;			    /* of the image, a multiple of a line */
	__u32 value_count;		    /* outside of nodes */
	__u32 child_count;		    /* of IPv4 */
	__u32 padding[12];
	__u32 root4[PT_TABLE_ROOT4]; /* references */
	struct pt_root6 root6[PT_TABLE_ROOT6];
	struct pt_class classes[]; /* classes[i] is class i + 1 */
};
_Static_assert(__builtin_offsetof(struct pt_table, root4) == 2 * PT_TABLE_LINE, "whole lines");
_Static_assert(sizeof(struct pt_table) % PT_TABLE_LINE == 0, "whole lines");

/* A 128-bit address in host byte order. */
struct pt_addr6 {
	__u64 high;
	__u64 low;
};

#ifdef __POPCNT__
PT_INLINE __u32 pt_table_popcount(__u64 bits)
{
	return __builtin_popcountll(bits);
}
#else
/* Neither BPF nor the x86-64 baseline has the instruction. */
PT_INLINE __u32 pt_table_popcount(__u64 bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return bits * 0x0101010101010101 >> 56;
}
#endif

PT_INLINE const void *pt_table_at(const struct pt_table *table, __u64 offset, __u64 mask)
{
	return (const char *)table + (offset & mask);
}

/* The node that a reference names. */
PT_INLINE const void *pt_table_line(const struct pt_table *table, __u32 ref, __u64 mask)
{
	return pt_table_at(table, ref, mask & ~(__u64)(PT_TABLE_LINE - 1));
}

/* A value may lie at any of its own multiples, and four bytes from there on are readable. */
PT_INLINE __u32 pt_table_value(const struct pt_table *table, __u32 index, __u64 mask)
{
	__u64 offset = (__u64)index << table->value_shift;

	return pt_load_u32(pt_table_at(table, offset, mask)) & table->value_mask;
}

/* How many runs of an IPv4 node begin up to `byte`: from 1, since one begins at 0. */
PT_INLINE __u32 pt_node_rank4(const struct pt_node *node, __u32 byte)
{
	__u32 word = byte >> 6 & 3;

	return node->before[word] + pt_table_popcount(node->starts[word] << (~byte & 63));
}

/* How many of `count` keys are less than `window`. */
PT_INLINE __u32 pt_keys_rank(const __u32 *last, int count, __u32 window)
{
	__u32 rank = 0;

	PT_UNROLL_FAST
	for (int i = 0; i < count; i++) {
		__u64 below = (__u64)last[i] - window;

		PT_OPAQUE(below); /* else clang makes a branch of it */
		rank += below >> 63;
	}
	return rank;
}

PT_INLINE __u32 pt_table_node4(const struct pt_table *table, const struct pt_node *node, __u32 byte,
			       __u64 mask)
{
	return pt_table_value(table, node->values + pt_node_rank4(node, byte), mask);
}

/* The class number of an IPv4 address in host byte order; 0: none. */
PT_INLINE __u32 pt_table_find4(const struct pt_table *table, __u32 addr, __u64 mask)
{
	const struct pt_node *node = pt_table_line(table, table->root4[addr >> 16], mask);
	__u32 value = pt_table_node4(table, node, addr >> 8 & 0xff, mask);

	if (!(value & table->split))
		return value;
	node = pt_table_line(table, node->children + ((value ^ table->split) << PT_TABLE_LINE_BITS),
			     mask);
	return pt_table_node4(table, node, addr & 0xff, mask);
}

/* Takes `bits` (1 to 63) off the front of an address. */
PT_INLINE void pt_addr6_shift(struct pt_addr6 *addr, __u32 bits)
{
	addr->high = addr->high << bits | addr->low >> (64 - bits);
	addr->low <<= bits;
}

/* Where the reference of the B-tree is that an address's high half leads to. */
PT_INLINE const void *pt_root6_array(const struct pt_table *table, const struct pt_root6 *root,
				     __u64 high, __u64 mask)
{
	__u32 index = (high >> 32 & PT_TABLE_ROOT6_REST) >> (root->shift & 31);

	return pt_table_at(table, root->array + (__u64)index * 4, mask);
}

PT_INLINE const struct pt_root6 *pt_table_root6(const struct pt_table *table, __u64 high)
{
	return &table->root6[high >> (64 - PT_TABLE_ROOT6_BITS)];
}

/* The class number of an address in the B-tree that `ref` names. */
PT_INLINE __u32 pt_table_btree6(const struct pt_table *table, __u32 ref, struct pt_addr6 addr,
				__u64 mask)
{
	for (int step = 0; step < PT_TABLE_LEVELS * PT_TABLE_LAYERS; step++) {
		const void *line = pt_table_line(table, ref, mask);
		const struct pt_branch *branch = line;
		const struct pt_leaf *leaf = line;
		__u32 window = addr.high >> 32, value;

		if (ref & PT_TABLE_DEPTH) {
			ref = branch->children +
			      (pt_keys_rank(branch->last, PT_TABLE_BRANCH_SIZE - 1, window)
			       << PT_TABLE_LINE_BITS);
			continue;
		}
		value = pt_table_value(
			table,
			leaf->values + pt_keys_rank(leaf->last, PT_TABLE_LEAF_RUNS - 1, window),
			mask);
		if (!(value & table->split))
			return value;
		ref = leaf->children + ((value ^ table->split) << PT_TABLE_LINE_BITS);
		pt_addr6_shift(&addr, 32);
	}
	return 0; /* which a verified image does not lead to */
}

/* The class number of an IPv6 address; 0: none. */
PT_INLINE __u32 pt_table_find6(const struct pt_table *table, struct pt_addr6 addr, __u64 mask)
{
	const struct pt_root6 *root = pt_table_root6(table, addr.high);
	__u32 ref = pt_load_u32(pt_root6_array(table, root, addr.high, mask));

	pt_addr6_shift(&addr, 32 - (root->shift & 31));
	return pt_table_btree6(table, ref, addr, mask);
}

/*
 * The counter index of a class, which is not 0. Of most classes it is known without their
 * descriptor, so that a packet need not wait for one line of memory to ask for the next.
 */
PT_INLINE __u32 pt_table_counter(const struct pt_table *table, __u32 class,
				 const struct pt_class *descriptor)
{
	return class <= table->counted ? class - 1 : descriptor->counter;
}

#ifndef __bpf__

/* An address in network byte order. */
PT_INLINE struct pt_addr6 pt_addr6_load(const __u8 *from)
{
	return (struct pt_addr6){pt_load_be64(from), pt_load_be64(from + 8)};
}

/* In user space, of an image that was verified. */
PT_INLINE __u32 pt_table_lookup4(const struct pt_table *table, __u32 addr)
{
	return pt_table_find4(table, addr, ~(__u64)0);
}

PT_INLINE __u32 pt_table_lookup6(const struct pt_table *table, __u64 high, __u64 low)
{
	return pt_table_find6(table, (struct pt_addr6){high, low}, ~(__u64)0);
}

#endif

#endif
