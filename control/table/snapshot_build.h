/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot of include/peertag/snapshot.h from its parts: their layout, and the compiled table.
 * The same parts give the same bytes. Threading: a pure function.
 */
#ifndef CONTROL_TABLE_SNAPSHOT_BUILD_H
#define CONTROL_TABLE_SNAPSHOT_BUILD_H

#include <peertag/snapshot.h>

struct snapshot_parts {
	__u64 generation;
	__u8 registry[PT_REGISTRY_BYTES];
	__u32 counters; /* every class's counter is below */
	__u32 class_count;
	const struct pt_class *classes;
	const __u32 *connections;
	__u32 default_class[PT_FAMILIES];
	__u32 rule_count[PT_FAMILIES];
	const struct pt_rule4 *rules4; /* sorted as the snapshot has them */
	const struct pt_rule6 *rules6;
};

/*
 * Returns 0 and *ret_snapshot, to be freed by free(); -ENOMEM; or -E2BIG for a table that
 * references cannot name.
 */
int snapshot_build(const struct snapshot_parts *parts, struct pt_snapshot **ret_snapshot);

#endif
