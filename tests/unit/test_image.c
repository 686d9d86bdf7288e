/* SPDX-License-Identifier: BSD-3-Clause */
/* The compiled table: that its bytes repeat, how long it is, and that it answers as the oracle
 * does. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/snapshot.h>

#include "oracle.h"
#include "table_sets.h"

#define RANDOM_ADDRESSES 2000

static void verify(const struct pt_snapshot *snapshot, const char *name)
{
	const char *why = "";

	if (pt_snapshot_verify(snapshot, snapshot->bytes,
			       &(struct pt_snapshot_limits){UINT32_MAX, UINT32_MAX}, &why))
		fail_msg("%s: %s", name, why);
}

/* What malloc hands out is full of one byte, then of another. */
static void the_same_rules_give_the_same_bytes(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (size_t i = 0; i < table_set_count; i++) {
		struct pt_snapshot *one, *two;
		struct rule_set set;

		table_set_make(&table_sets[i], &random, &set);
		mallopt(M_PERTURB, 0x5a);
		one = rule_set_snapshot(&set, 1);
		mallopt(M_PERTURB, 0xc3);
		two = rule_set_snapshot(&set, 1);
		mallopt(M_PERTURB, 0);
		assert_int_equal(one->bytes, two->bytes);
		if (memcmp(one, two, one->bytes))
			fail_msg("%s", table_sets[i].name);
		free(one);
		free(two);
		rule_set_done(&set);
	}
}

static uint32_t lookup(const struct pt_snapshot *snapshot, int family, const uint8_t *addr)
{
	const struct pt_table *table = pt_snapshot_table(snapshot);

	if (family == 4)
		return pt_table_lookup4(table, pt_load_be32(addr));
	return pt_table_lookup6(table, pt_load_be64(addr), pt_load_be64(addr + 8));
}

static void compare(const struct pt_snapshot *snapshot, struct oracle_table *oracle,
		    const char *name, int family, const uint8_t *addr)
{
	uint32_t ours = lookup(snapshot, family, addr);
	uint32_t theirs = oracle_table_lookup(oracle, family, addr);

	if (ours == theirs)
		return;
	for (int i = 0; i < (family == 4 ? 4 : 16); i++)
		print_error("%02x", addr[i]);
	fail_msg(": %s: class %u instead of %u", name, ours, theirs);
}

/* Around every prefix, and anywhere; half of the latter beside a rule. */
static void compare_family(const struct rule_set *set, const struct pt_snapshot *snapshot,
			   struct oracle_table *oracle, const char *name, int family,
			   struct random *random)
{
	struct boundaries boundaries;
	uint8_t addr[16];

	boundaries_init(&boundaries, set, family);
	for (size_t i = 0; i < boundaries.count; i++)
		compare(snapshot, oracle, name, family, boundaries.addrs[i]);
	for (int i = 0; i < RANDOM_ADDRESSES; i++) {
		random_fill(random, addr, sizeof(addr));
		if (boundaries.count && random_chance(random, 50))
			memcpy(addr, boundaries.addrs[random_below(random, boundaries.count)],
			       1 + random_below(random, 15));
		compare(snapshot, oracle, name, family, addr);
	}
	for (int byte = 0x00; byte <= 0xff; byte += 0xff) {
		memset(addr, byte, sizeof(addr));
		compare(snapshot, oracle, name, family, addr);
	}
	boundaries_done(&boundaries);
}

static void every_set_is_looked_up_as_the_oracle_does(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (size_t i = 0; i < table_set_count; i++) {
		const char *name = table_sets[i].name;
		struct oracle_table *oracle;
		struct pt_snapshot *snapshot;
		struct rule_set set;

		table_set_make(&table_sets[i], &random, &set);
		snapshot = rule_set_snapshot(&set, 1);
		oracle = rule_set_oracle(&set);
		verify(snapshot, name);
		compare_family(&set, snapshot, oracle, name, 4, &random);
		compare_family(&set, snapshot, oracle, name, 6, &random);
		oracle_table_free(oracle);
		free(snapshot);
		rule_set_done(&set);
	}
}

/* Small sets at random, since what goes wrong mostly does so with a few rules. */
static void many_small_sets_are_looked_up_as_the_oracle_does(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (int i = 0; i < 300; i++) {
		struct oracle_table *oracle;
		struct pt_snapshot *snapshot;
		struct boundaries boundaries;
		struct rule_set set;

		rule_set_random(&set, &random, random_below(&random, 30), 1 + i % 7);
		set.default_class[PT_IPV4] = random_below(&random, 2);
		set.default_class[PT_IPV6] = random_below(&random, 2);
		snapshot = rule_set_snapshot(&set, 1);
		oracle = rule_set_oracle(&set);
		for (int family = 4; family <= 6; family += 2) {
			boundaries_init(&boundaries, &set, family);
			for (size_t k = 0; k < boundaries.count; k++)
				compare(snapshot, oracle, "small", family, boundaries.addrs[k]);
			boundaries_done(&boundaries);
		}
		oracle_table_free(oracle);
		free(snapshot);
		rule_set_done(&set);
	}
}

/* What a set's image is made of, besides the head: counted by hand. */
struct made_of {
	const char *what;
	struct rule rules[12];
	uint32_t classes;
	uint32_t array_lines, nodes, children, levels[3], values;
};

static const struct made_of made_of[] = {
	{"nothing", {{0}}, 0, 1, 1, 0, {1}, 0},
	/* A /16 of its own, and one for all others. */
	{"a /24", {{4, 24, {8, 8, 8}, 1}}, 1, 1, 2, 0, {1}, 0},
	{"a /16", {{4, 16, {8, 8}, 1}}, 1, 1, 2, 0, {1}, 0},
	{"two /16s of a class", {{4, 16, {8, 8}, 1}, {4, 16, {8, 10}, 1}}, 1, 1, 2, 0, {1}, 0},
	{"a /25", {{4, 25, {8, 8, 8}, 1}}, 1, 1, 2, 1, {1}, 0},
	{"a /24 in a class of its own",
	 {{4, 16, {8, 8}, 1}, {4, 24, {8, 8, 8}, 1}},
	 1,
	 1,
	 2,
	 0,
	 {1},
	 0},
	/* Nine /24s with gaps are 19 runs, too many for a node to hold their values. */
	{"nine /24s",
	 {{4, 24, {8, 8, 1}, 1},
	  {4, 24, {8, 8, 3}, 1},
	  {4, 24, {8, 8, 5}, 1},
	  {4, 24, {8, 8, 7}, 1},
	  {4, 24, {8, 8, 9}, 1},
	  {4, 24, {8, 8, 11}, 1},
	  {4, 24, {8, 8, 13}, 1},
	  {4, 24, {8, 8, 15}, 1},
	  {4, 24, {8, 8, 17}, 1}},
	 1,
	 1,
	 2,
	 0,
	 {1},
	 19},
	/* Three runs in the /12: an array of one, and a leaf besides that of all other /12s. */
	{"a /44", {{6, 44, {0x20, 1, 13}, 1}}, 1, 2, 1, 0, {2}, 0},
	{"a /12", {{6, 12, {0x20}, 1}}, 1, 2, 1, 0, {2}, 0},
	/* The window of the /12's B-tree ends with bit 44. */
	{"a /45", {{6, 45, {0x20, 1, 13}, 1}}, 1, 2, 1, 0, {3}, 0},
	{"a /128", {{6, 128, {0x20, 1, 13}, 1}}, 1, 2, 1, 0, {5}, 0},
	/* Eleven rules are 23 runs: 32 trees, of which the one with all of them has three leaves.
	 */
	{"eleven /48s",
	 {{6, 48, {0x20, 1, 0, 0, 0, 1}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 3}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 5}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 7}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 9}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 11}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 13}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 15}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 17}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 19}, 1},
	  {6, 48, {0x20, 1, 0, 0, 0, 21}, 1}},
	 1,
	 3,
	 1,
	 0,
	 {4, 1},
	 0},
	{"wide values", {{4, 24, {8, 8, 8}, 40000}}, 40000, 1, 2, 0, {1}, 0},
	/* Seven runs of wide values are too many for a node. */
	{"three /24s of wide values",
	 {{4, 24, {8, 8, 1}, 1}, {4, 24, {8, 8, 3}, 1}, {4, 24, {8, 8, 5}, 1}},
	 40000,
	 1,
	 2,
	 0,
	 {1},
	 7},
};

static uint64_t lines(uint64_t bytes)
{
	return (bytes + PT_TABLE_LINE - 1) / PT_TABLE_LINE;
}

static void an_image_is_as_long_as_its_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(made_of) / sizeof(*made_of); i++) {
		const struct made_of *expected = &made_of[i];
		struct rule_set set = {0};
		struct pt_snapshot *snapshot;
		const struct pt_table *table;
		uint64_t behind = 1;

		for (const struct rule *rule = expected->rules; rule->family; rule++)
			rule_set_add(&set, rule->family, rule->addr, rule->length, rule->class);
		rule_set_sort(&set);
		rule_set_describe(&set, expected->classes);
		snapshot = rule_set_snapshot(&set, 1);
		verify(snapshot, expected->what);
		table = pt_snapshot_table(snapshot);
		print_message("# %s: %u %u %u, %u %u %u, %u\n", expected->what, table->array_lines,
			      table->node_count, table->child_count, table->level_count[0],
			      table->level_count[1], table->level_count[2], table->value_count);
		assert_int_equal(table->array_lines, expected->array_lines);
		assert_int_equal(table->node_count, expected->nodes);
		assert_int_equal(table->child_count, expected->children);
		for (int level = 0; level < 3; level++) {
			assert_int_equal(table->level_count[level], expected->levels[level]);
			behind += expected->levels[level];
		}
		assert_int_equal(table->value_count, expected->values);
		behind += lines(expected->classes * sizeof(struct pt_class));
		behind += lines(expected->values * (expected->classes < 0x8000 ? 2 : 4));
		behind += expected->array_lines + expected->nodes + expected->children;
		assert_int_equal(table->bytes, sizeof(*table) + behind * PT_TABLE_LINE);
		free(snapshot);
		rule_set_done(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_rules_give_the_same_bytes),
		cmocka_unit_test(every_set_is_looked_up_as_the_oracle_does),
		cmocka_unit_test(many_small_sets_are_looked_up_as_the_oracle_does),
		cmocka_unit_test(an_image_is_as_long_as_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
