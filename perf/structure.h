/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is compared: structures that hold a workload, and the ways there are to look up in each.
 *
 * To add one: write a `struct structure` (see structure_lpm.c), name it below, and put it into the
 * table in lookup.c. A structure of ours has `ours` set. Of the ways of ours those are listed last
 * that are best: the last one that this machine can do is the one compared with the peers.
 *
 * Threading: one thread.
 */
#ifndef PERF_STRUCTURE_H
#define PERF_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "workload.h"

#define LOOKUP_BURST 64 /* addresses at a time: source and destination of 32 packets */
#define WAYS_MAX     6

/* What a way gives for a burst, in the form that is its own. */
union results {
	__u32 narrow[LOOKUP_BURST];
	__u64 wide[LOOKUP_BURST];
};

struct way {
	const char *name;
	/* Switches the table to this way. -ENOTSUP: not on this machine. NULL: nothing to switch.
	 */
	int (*select)(void *table);
	/* LOOKUP_BURST addresses as struct stream has them. This is what is timed. */
	void (*lookup)(void *table, const void *addrs, union results *ret_results);
	/* The same as class numbers, 0 for none. This is not timed. */
	void (*classes)(const union results *results, __u32 *ret_classes);
};

struct structure {
	const char *name;
	enum pt_family family;
	bool ours;
	/* True: takes so long to build from many prefixes that it is left out above a limit. */
	bool slow;
	/* 0 and the table; -ENOTSUP: it cannot hold such a set; else -errno. */
	int (*build)(const struct workload *workload, void **ret_table);
	void (*free)(void *table);
	/* Takes a rule out, or puts it back. Returns 0 or -errno. */
	int (*change)(void *table, const struct workload *workload, __u32 rule, bool present);
	/* Memory. NULL: what DPDK's heap has become larger by. */
	size_t (*bytes)(const void *table);
	struct way ways[WAYS_MAX]; /* up to the first without a name */
};

extern const struct structure structure_table4;
extern const struct structure structure_table6;
extern const struct structure structure_lpm;
extern const struct structure structure_lpm6;
extern const struct structure structure_fib_2b;
extern const struct structure structure_fib_4b;
extern const struct structure structure_fib6;

/* How many tables of 256 entries a trie by bytes has below the first 24 bits. */
__u32 structure_groups(const struct workload *workload);

/* Results that are class numbers already. */
void structure_classes_narrow(const union results *results, __u32 *ret_classes);
void structure_classes_wide(const union results *results, __u32 *ret_classes);

#endif
