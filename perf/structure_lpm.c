/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's rte_lpm and rte_lpm6. */
#include <errno.h>
#include <rte_errno.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_memory.h>

#include "structure.h"

#define GROUPS_SPARE 256      /* for changes */
#define CLASS_MAX    0xffffff /* of a next hop */
#define CLASS6_MAX   0x1fffff

/* The 16-byte addresses of a stream; DPDK's prototypes have no const. */
typedef __u8 (*addrs6)[16];

static void lpm_free(void *table)
{
	rte_lpm_free(table);
}

static int lpm_build(const struct workload *workload, void **ret_table)
{
	struct rte_lpm_config config = {
		.max_rules = workload->count + 1,
		.number_tbl8s = structure_groups(workload) + GROUPS_SPARE,
	};
	struct rte_lpm *lpm;
	int error = 0;

	if (workload->classes > CLASS_MAX)
		return -ENOTSUP;
	lpm = rte_lpm_create("bench", SOCKET_ID_ANY, &config);
	if (!lpm)
		return -rte_errno;
	for (__u32 i = 0; !error && i < workload->count; i++) {
		const struct pt_rule4 *rule = &workload->rules4[i];

		error = rte_lpm_add(lpm, rule->addr, rule->len, rule->class);
	}
	if (error) {
		rte_lpm_free(lpm);
		return error;
	}
	*ret_table = lpm;
	return 0;
}

static int lpm_change(void *table, const struct workload *workload, __u32 index, bool present)
{
	const struct pt_rule4 *rule = &workload->rules4[index];

	return present ? rte_lpm_add(table, rule->addr, rule->len, rule->class)
		       : rte_lpm_delete(table, rule->addr, rule->len);
}

static void lpm_lookup_bulk(void *table, const void *addrs, union results *ret_results)
{
	rte_lpm_lookup_bulk(table, addrs, ret_results->narrow, LOOKUP_BURST);
}

static void lpm_classes_bulk(const union results *results, __u32 *ret_classes)
{
	for (int i = 0; i < LOOKUP_BURST; i++) {
		__u32 result = results->narrow[i];

		ret_classes[i] = result & RTE_LPM_LOOKUP_SUCCESS ? result & CLASS_MAX : 0;
	}
}

static void lpm_lookup_x4(void *table, const void *addrs, union results *ret_results)
{
	const __u32 *addr = addrs;

	for (int i = 0; i < LOOKUP_BURST; i += 4)
		rte_lpm_lookupx4(table, _mm_loadu_si128((const __m128i *)(addr + i)),
				 ret_results->narrow + i, 0);
}

const struct structure structure_lpm = {
	.name = "rte_lpm",
	.family = PT_IPV4,
	.slow = true,
	.build = lpm_build,
	.free = lpm_free,
	.change = lpm_change,
	.ways = {{"bulk", NULL, lpm_lookup_bulk, lpm_classes_bulk},
		 {"x4", NULL, lpm_lookup_x4, structure_classes_narrow}},
};

static void lpm6_free(void *table)
{
	rte_lpm6_free(table);
}

static int lpm6_build(const struct workload *workload, void **ret_table)
{
	struct rte_lpm6_config config = {
		.max_rules = workload->count + 1,
		.number_tbl8s = structure_groups(workload) + GROUPS_SPARE,
	};
	struct rte_lpm6 *lpm;
	int error = 0;

	if (workload->classes > CLASS6_MAX || config.number_tbl8s > CLASS6_MAX)
		return -ENOTSUP;
	lpm = rte_lpm6_create("bench6", SOCKET_ID_ANY, &config);
	if (!lpm)
		return -rte_errno;
	for (__u32 i = 0; !error && i < workload->count; i++) {
		const struct pt_rule6 *rule = &workload->rules6[i];

		error = rte_lpm6_add(lpm, rule->addr, rule->len, rule->class);
	}
	if (error) {
		rte_lpm6_free(lpm);
		return error;
	}
	*ret_table = lpm;
	return 0;
}

static int lpm6_change(void *table, const struct workload *workload, __u32 index, bool present)
{
	const struct pt_rule6 *rule = &workload->rules6[index];

	return present ? rte_lpm6_add(table, rule->addr, rule->len, rule->class)
		       : rte_lpm6_delete(table, rule->addr, rule->len);
}

static void lpm6_lookup(void *table, const void *addrs, union results *ret_results)
{
	rte_lpm6_lookup_bulk_func(table, (addrs6)addrs, (int32_t *)ret_results->narrow,
				  LOOKUP_BURST);
}

static void lpm6_classes(const union results *results, __u32 *ret_classes)
{
	for (int i = 0; i < LOOKUP_BURST; i++)
		ret_classes[i] = results->narrow[i] == -1u ? 0 : results->narrow[i];
}

const struct structure structure_lpm6 = {
	.name = "rte_lpm6",
	.family = PT_IPV6,
	.build = lpm6_build,
	.free = lpm6_free,
	.change = lpm6_change,
	.ways = {{"bulk", NULL, lpm6_lookup, lpm6_classes}},
};
