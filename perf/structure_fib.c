/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's rte_fib (DIR-24-8) and rte_fib6 (a trie of bytes), scalar and with AVX-512. */
#include <errno.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_memory.h>

#include "structure.h"

#define GROUPS_SPARE 256    /* for changes */
#define NARROW_MAX   0x7fff /* of next hops and groups in 2 bytes */

/* The 16-byte addresses of a stream; DPDK's prototypes have no const. */
typedef __u8 (*addrs6)[16];

static void fib_free(void *table)
{
	rte_fib_free(table);
}

static int fib_build(const struct workload *workload, enum rte_fib_dir24_8_nh_sz size,
		     const char *name, void **ret_table)
{
	struct rte_fib_conf config = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = workload->count + GROUPS_SPARE,
		.dir24_8 = {.nh_sz = size, .num_tbl8 = structure_groups(workload) + GROUPS_SPARE},
	};
	struct rte_fib *fib = rte_fib_create(name, SOCKET_ID_ANY, &config);
	int error = 0;

	if (!fib)
		return -rte_errno;
	for (__u32 i = 0; !error && i < workload->count; i++) {
		const struct pt_rule4 *rule = &workload->rules4[i];

		error = rte_fib_add(fib, rule->addr, rule->len, rule->class);
	}
	if (error) {
		rte_fib_free(fib);
		return error;
	}
	*ret_table = fib;
	return 0;
}

static int fib_build_2b(const struct workload *workload, void **ret_table)
{
	if (workload->classes > NARROW_MAX ||
	    structure_groups(workload) + GROUPS_SPARE > NARROW_MAX)
		return -ENOTSUP;
	return fib_build(workload, RTE_FIB_DIR24_8_2B, "bench 2B", ret_table);
}

static int fib_build_4b(const struct workload *workload, void **ret_table)
{
	return fib_build(workload, RTE_FIB_DIR24_8_4B, "bench 4B", ret_table);
}

static int fib_change(void *table, const struct workload *workload, __u32 index, bool present)
{
	const struct pt_rule4 *rule = &workload->rules4[index];

	return present ? rte_fib_add(table, rule->addr, rule->len, rule->class)
		       : rte_fib_delete(table, rule->addr, rule->len);
}

static int fib_select_scalar(void *table)
{
	return rte_fib_select_lookup(table, RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO) ? -ENOTSUP : 0;
}

static int fib_select_avx512(void *table)
{
	return rte_fib_select_lookup(table, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512) ? -ENOTSUP : 0;
}

static void fib_lookup(void *table, const void *addrs, union results *ret_results)
{
	rte_fib_lookup_bulk(table, (__u32 *)addrs, (uint64_t *)ret_results->wide, LOOKUP_BURST);
}

const struct structure structure_fib_2b = {
	.name = "rte_fib 2B",
	.family = PT_IPV4,
	.build = fib_build_2b,
	.free = fib_free,
	.change = fib_change,
	.ways = {{"scalar", fib_select_scalar, fib_lookup, structure_classes_wide},
		 {"avx512", fib_select_avx512, fib_lookup, structure_classes_wide}},
};

const struct structure structure_fib_4b = {
	.name = "rte_fib 4B",
	.family = PT_IPV4,
	.build = fib_build_4b,
	.free = fib_free,
	.change = fib_change,
	.ways = {{"scalar", fib_select_scalar, fib_lookup, structure_classes_wide},
		 {"avx512", fib_select_avx512, fib_lookup, structure_classes_wide}},
};

static void fib6_free(void *table)
{
	rte_fib6_free(table);
}

/*
 * rte_fib6 reserves a group for every byte of a rule below the rule around it, also where rules
 * share one: more than it ever uses. This many are enough for any set.
 */
static __u32 fib6_groups(const struct workload *workload)
{
	__u32 groups = GROUPS_SPARE;

	for (__u32 i = 0; i < workload->count; i++)
		if (workload->rules6[i].len > 24)
			groups += (workload->rules6[i].len - 24 + 7) / 8;
	return groups;
}

static int fib6_build(const struct workload *workload, void **ret_table)
{
	struct rte_fib6_conf config = {
		.type = RTE_FIB6_TRIE,
		.max_routes = workload->count + GROUPS_SPARE,
		.trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = fib6_groups(workload)},
	};
	struct rte_fib6 *fib = rte_fib6_create("bench6", SOCKET_ID_ANY, &config);
	int error = 0;

	if (!fib)
		return -rte_errno;
	for (__u32 i = 0; !error && i < workload->count; i++) {
		const struct pt_rule6 *rule = &workload->rules6[i];

		error = rte_fib6_add(fib, rule->addr, rule->len, rule->class);
	}
	if (error) {
		rte_fib6_free(fib);
		return error;
	}
	*ret_table = fib;
	return 0;
}

static int fib6_change(void *table, const struct workload *workload, __u32 index, bool present)
{
	const struct pt_rule6 *rule = &workload->rules6[index];

	return present ? rte_fib6_add(table, rule->addr, rule->len, rule->class)
		       : rte_fib6_delete(table, rule->addr, rule->len);
}

static int fib6_select_scalar(void *table)
{
	return rte_fib6_select_lookup(table, RTE_FIB6_LOOKUP_TRIE_SCALAR) ? -ENOTSUP : 0;
}

static int fib6_select_avx512(void *table)
{
	return rte_fib6_select_lookup(table, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512) ? -ENOTSUP : 0;
}

static void fib6_lookup(void *table, const void *addrs, union results *ret_results)
{
	rte_fib6_lookup_bulk(table, (addrs6)addrs, (uint64_t *)ret_results->wide, LOOKUP_BURST);
}

const struct structure structure_fib6 = {
	.name = "rte_fib6",
	.family = PT_IPV6,
	.build = fib6_build,
	.free = fib6_free,
	.change = fib6_change,
	.ways = {{"scalar", fib6_select_scalar, fib6_lookup, structure_classes_wide},
		 {"avx512", fib6_select_avx512, fib6_lookup, structure_classes_wide}},
};
