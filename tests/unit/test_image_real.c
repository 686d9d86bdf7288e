/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real world's tables, compiled: every address around every prefix. The reference keeps the
 * prefixes of each length sorted, as the oracle does, which a sample is held against as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/snapshot.h>

#include "oracle.h"
#include "real_table.h"

#define SAMPLE 997 /* one of so many addresses is asked of the oracle, too */

typedef unsigned __int128 number;

struct entry {
	number addr; /* its bits behind the length are 0; IPv4 in the first 32 */
	uint32_t class;
};

/* Prefixes of one family by length, each length sorted: a set's rules are. */
struct reference {
	struct entry *entries[129];
	size_t counts[129];
};

static number addr_number(const uint8_t *addr, int family)
{
	number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | (family == 6 || i < 4 ? addr[i] : 0);
	return n;
}

static void reference_init(struct reference *reference, const struct rule_set *set, int family)
{
	memset(reference, 0, sizeof(*reference));
	for (size_t i = 0; i < set->count; i++)
		reference->counts[set->rules[i].length] += set->rules[i].family == family;
	for (int length = 0; length <= 128; length++) {
		reference->entries[length] =
			malloc((reference->counts[length] + 1) * sizeof(struct entry));
		reference->counts[length] = 0;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct rule *rule = &set->rules[i];
		size_t *count = &reference->counts[rule->length];

		if (rule->family == family)
			reference->entries[rule->length][(*count)++] =
				(struct entry){addr_number(rule->addr, family), rule->class};
	}
}

static void reference_done(struct reference *reference)
{
	for (int length = 0; length <= 128; length++)
		free(reference->entries[length]);
}

static int entry_compare(const void *key, const void *element)
{
	const number *addr = key;
	const struct entry *entry = element;

	return *addr < entry->addr ? -1 : *addr > entry->addr;
}

static uint32_t reference_lookup(const struct reference *reference, number addr)
{
	for (int length = 128; length >= 1; length--) {
		number first = addr >> (128 - length) << (128 - length);
		const struct entry *found;

		if (!reference->counts[length])
			continue;
		found = bsearch(&first, reference->entries[length], reference->counts[length],
				sizeof(*found), entry_compare);
		if (found)
			return found->class;
	}
	return 0;
}

static uint32_t lookup(const struct pt_table *table, int family, number addr)
{
	return family == 4 ? pt_table_lookup4(table, addr >> 96)
			   : pt_table_lookup6(table, addr >> 64, addr);
}

static void compare_family(const struct rule_set *set, const struct pt_table *table,
			   struct oracle_table *oracle, int family)
{
	struct boundaries boundaries;
	struct reference reference;

	reference_init(&reference, set, family);
	boundaries_init(&boundaries, set, family);
	for (size_t i = 0; i < boundaries.count; i++) {
		const uint8_t *bytes = boundaries.addrs[i];
		number addr = addr_number(bytes, family);
		uint32_t class = lookup(table, family, addr);

		if (class != reference_lookup(&reference, addr) ||
		    (i % SAMPLE == 0 && class != oracle_table_lookup(oracle, family, bytes)))
			fail_msg("%016llx%016llx: class %u instead of %u",
				 (unsigned long long)(addr >> 64), (unsigned long long)addr, class,
				 oracle_table_lookup(oracle, family, bytes));
	}
	print_message("# IPv%d: %zu addresses\n", family, boundaries.count);
	boundaries_done(&boundaries);
	reference_done(&reference);
}

static void compare_set(const struct rule_set *set)
{
	struct pt_snapshot *snapshot = rule_set_snapshot(set, 1);
	struct oracle_table *oracle = rule_set_oracle(set);
	const char *why = "";

	if (pt_snapshot_verify(snapshot, snapshot->bytes,
			       &(struct pt_snapshot_limits){UINT32_MAX, UINT32_MAX}, &why))
		fail_msg("%s", why);
	print_message("# %zu prefixes: %llu bytes\n", set->count,
		      (unsigned long long)pt_snapshot_table(snapshot)->bytes);
	compare_family(set, pt_snapshot_table(snapshot), oracle, 4);
	compare_family(set, pt_snapshot_table(snapshot), oracle, 6);
	oracle_table_free(oracle);
	free(snapshot);
}

static void a_full_routing_table_is_looked_up_right(void **state)
{
	struct rule_set set;
	uint32_t *networks;

	(void)state;
	real_table_networks(256, &set, &networks);
	compare_set(&set);
	free(networks);
	rule_set_done(&set);
}

static void the_prefixes_of_all_countries_are_looked_up_right(void **state)
{
	struct rule_set set;

	(void)state;
	real_table_countries(&set);
	assert_int_equal(set.count, 243034);
	compare_set(&set);
	rule_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_routing_table_is_looked_up_right),
		cmocka_unit_test(the_prefixes_of_all_countries_are_looked_up_right),
	};

	if (!real_table_is_there(REAL_TABLE_NETWORKS) || !real_table_is_there(REAL_TABLE_COUNTRIES))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
