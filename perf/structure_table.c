/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ours: the compiled table, in pages of 4 KiB as an engine maps it, whatever the peers have. There
 * is no change of one rule: see publish.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "batch.h"
#include "structure.h"

static int table_build(const struct workload *workload, void **ret_table)
{
	return workload_snapshot(workload, 0, (struct pt_snapshot **)ret_table);
}

static size_t table_bytes(const void *table)
{
	return pt_snapshot_table(table)->bytes;
}

static int select_batch(const struct batch *batch)
{
	for (const struct batch *const *usable = batch_usable(); *usable; usable++)
		if (*usable == batch)
			return 0;
	return -ENOTSUP;
}

#define LOOKUPS(variant)                                                                           \
	static int select_##variant(void *table)                                                   \
	{                                                                                          \
		(void)table;                                                                       \
		return select_batch(&batch_##variant);                                             \
	}                                                                                          \
	static void lookup4_##variant(void *table, const void *addrs, union results *ret)          \
	{                                                                                          \
		batch_##variant.lookup4(pt_snapshot_table(table), addrs, ret->narrow,              \
					LOOKUP_BURST);                                             \
	}                                                                                          \
	static void lookup6_##variant(void *table, const void *addrs, union results *ret)          \
	{                                                                                          \
		batch_##variant.lookup6(pt_snapshot_table(table), addrs, ret->narrow,              \
					LOOKUP_BURST);                                             \
	}
LOOKUPS(scalar)
LOOKUPS(avx2)
LOOKUPS(avx512)

const struct structure structure_table4 = {
	.name = "table",
	.family = PT_IPV4,
	.ours = true,
	.build = table_build,
	.free = free,
	.bytes = table_bytes,
	.ways = {{"scalar", select_scalar, lookup4_scalar, structure_classes_narrow},
		 {"avx2", select_avx2, lookup4_avx2, structure_classes_narrow},
		 {"avx512", select_avx512, lookup4_avx512, structure_classes_narrow}},
};
const struct structure structure_table6 = {
	.name = "table",
	.family = PT_IPV6,
	.ours = true,
	.build = table_build,
	.free = free,
	.bytes = table_bytes,
	.ways = {{"scalar", select_scalar, lookup6_scalar, structure_classes_narrow},
		 {"avx2", select_avx2, lookup6_avx2, structure_classes_narrow},
		 {"avx512", select_avx512, lookup6_avx512, structure_classes_narrow}},
};
