/* SPDX-License-Identifier: BSD-3-Clause */
#include "structure.h"

#include <string.h>

#include "draft.h"

/*
 * A rule needs a group for each byte but its last, behind the third. Those that it shares with
 * longer rules before it are there already; and since rules are sorted, the one before it is
 * enough.
 */
__u32 structure_groups(const struct workload *workload)
{
	struct workload_prefix before = {};
	__u32 groups = 0;

	for (__u32 i = 0; i < workload->count; i++) {
		struct workload_prefix prefix = workload_prefix(workload, i);

		for (unsigned int bits = 24; bits < prefix.len; bits += 8)
			if (before.len <= bits || (before.addr ^ prefix.addr) & addr_mask(bits))
				groups++;
		before = prefix;
	}
	return groups;
}

void structure_classes_narrow(const union results *results, __u32 *ret_classes)
{
	memcpy(ret_classes, results->narrow, sizeof(results->narrow));
}

void structure_classes_wide(const union results *results, __u32 *ret_classes)
{
	for (int i = 0; i < LOOKUP_BURST; i++)
		ret_classes[i] = results->wide[i];
}
