/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of prefixes of either family that is being collected, until it becomes a workload.
 * Threading: none.
 */
#ifndef PERF_DRAFT_H
#define PERF_DRAFT_H

#include <stdbool.h>

#include "random.h"
#include "workload.h"

struct draft {
	enum pt_family family;
	__u32 count, room;
	struct workload_prefix *prefixes;
	struct random random;
	bool failed; /* no memory: draft_finish says so */
};

void draft_init(struct draft *draft, enum pt_family family, __u64 seed);
void draft_done(struct draft *draft);
/* Bits below the length are cleared. */
void draft_add(struct draft *draft, workload_addr addr, unsigned int len, __u32 class);
/* Sorts, and drops what is there twice. */
void draft_sort(struct draft *draft);
/* Random classes, 1 to `classes`; of neighbours half are the same. The draft is sorted. */
void draft_classes(struct draft *draft, __u32 classes);
/* Sorts, and makes a workload of it. Returns 0 or -ENOMEM; the draft is empty then. */
int draft_finish(struct draft *draft, const char *name, struct workload **ret_workload);

/* 128 random bits. */
workload_addr random_addr(struct random *random);

static inline workload_addr addr_mask(unsigned int len)
{
	return len ? ~(workload_addr)0 << (128 - len) : 0;
}

#endif
