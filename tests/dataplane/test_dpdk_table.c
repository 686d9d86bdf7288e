/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DPDK engine's table, of either kind, against the oracle: what is published, after whatever
 * was before; who owns the counters while it changes; and that it waits for workers, and how.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>

#include "eal.h"
#include "edge.h"
#include "wanted.h"

#define CLASSES 40

static struct random randomness;

static int setup(void **state)
{
	(void)state;
	random_init(&randomness);
	return edge_start(1024);
}

static int teardown(void **state)
{
	(void)state;
	eal_stop();
	return 0;
}

static void add(struct rule_set *set, int family, const char *addr, int length, uint32_t class)
{
	uint8_t bytes[16] = {0};

	memcpy(bytes, addr, family == 4 ? 4 : 16);
	rule_set_add(set, family, bytes, length, class);
}

static void a_table_without_a_set_gives_no_class(void **state)
{
	static const struct rule_set nothing;
	struct edge edge;

	edge_open(&edge, edge_kind(state));
	assert_null(*table_active(edge.table));
	assert_int_equal(edge_generation(&edge), 0);
	edge_judge(&edge, &nothing);
	table_settle(edge.table);
	edge_close(&edge);
}

#define ONES  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* The shortest and the longest prefixes, at both ends, nested in one another at every length. */
static void every_length_at_both_ends_is_right(void **state)
{
	struct rule_set set = {0};
	struct edge edge;

	for (int length = 1; length <= 32; length++) {
		add(&set, 4, ONES, length, 1 + length % CLASSES);
		add(&set, 4, ZEROS, length, 1 + (length + 1) % CLASSES);
	}
	for (int length = 1; length <= 128; length++) {
		add(&set, 6, ONES, length, 1 + length % CLASSES);
		add(&set, 6, ZEROS, length, 1 + (length + 1) % CLASSES);
	}
	rule_set_sort(&set);
	rule_set_describe(&set, CLASSES);
	edge_open(&edge, edge_kind(state));
	edge_publish(&edge, &set);
	edge_judge(&edge, &set);
	for (int family = 0; family < PT_FAMILIES; family++)
		set.default_class[family] = 7 + family;
	edge_publish(&edge, &set);
	edge_judge(&edge, &set);
	edge_close(&edge);
	rule_set_done(&set);
}

static void the_fixtures_rules_are_right(void **state)
{
	struct rule_set set;
	struct edge edge;

	edge_open(&edge, edge_kind(state));
	for (int defaults = 0; defaults < 2; defaults++) {
		rule_set_of_fixtures(&set, defaults);
		edge_publish(&edge, &set);
		edge_judge(&edge, &set);
		rule_set_done(&set);
	}
	edge_close(&edge);
}

/* Some rules of `from` go, some get another class, some come; or one family of it goes. */
static void set_vary(struct rule_set *ret, const struct rule_set *from)
{
	unsigned int kept = 50 + random_below(&randomness, 51);
	int gone = random_chance(&randomness, 15) ? 4 + 2 * random_below(&randomness, 2) : 0;
	struct rule_set more;

	rule_set_random(&more, &randomness, random_below(&randomness, 40), CLASSES);
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < from->count + more.count; i++) {
		const struct rule *rule =
			i < from->count ? &from->rules[i] : &more.rules[i - from->count];
		uint32_t class = random_chance(&randomness, 90)
					 ? rule->class
					 : 1 + random_below(&randomness, CLASSES);

		if (rule->length > 10 && rule->family != gone && random_chance(&randomness, kept))
			rule_set_add(ret, rule->family, rule->addr, rule->length, class);
	}
	rule_set_sort(ret);
	rule_set_describe(ret, CLASSES);
	rule_set_done(&more);
}

static void set_random(struct rule_set *ret)
{
	size_t count = random_chance(&randomness, 80) ? random_below(&randomness, 250) : 0;

	rule_set_random(ret, &randomness, count, CLASSES);
}

/* Each set is made in the memory of an earlier one: bigger, smaller, of one family, empty. */
static void every_set_is_right_whatever_was_before(void **state)
{
	struct rule_set set, before = {0};
	uint64_t heap = edge_heap_bytes();
	struct edge edge;

	edge_open(&edge, edge_kind(state));
	for (int i = 0; i < 200; i++) {
		if (i % 10)
			set_vary(&set, &before);
		else
			set_random(&set);
		for (int family = 0; family < PT_FAMILIES; family++)
			set.default_class[family] = random_below(&randomness, 3);
		edge_publish(&edge, &set);
		edge_judge(&edge, &set);
		rule_set_done(&before);
		before = set;
	}
	rule_set_done(&before);
	edge_close(&edge);
	assert_int_equal(edge_heap_bytes(), heap);
}

/* A set may be published again before the one before it was settled. */
static void settling_may_be_left_out(void **state)
{
	struct rule_set set;
	struct edge edge;

	edge_open(&edge, edge_kind(state));
	for (int i = 0; i < 6; i++) {
		struct pt_snapshot *snapshot;

		rule_set_random(&set, &randomness, 50, CLASSES);
		snapshot = rule_set_snapshot(&set, i + 1);
		assert_int_equal(edge_try(&edge, snapshot), 0);
		edge_judge(&edge, &set);
		rule_set_done(&set);
		free(snapshot);
	}
	edge_close(&edge);
}

/* Prefixes in few networks, so that they share groups, and long ones. */
static void set_long(struct rule_set *ret, size_t count)
{
	uint8_t addr[16];

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < count; i++) {
		random_fill(&randomness, addr, sizeof(addr));
		for (int byte = 0; byte < 15; byte++)
			addr[byte] &= random_chance(&randomness, 70) ? 0 : 3;
		rule_set_add(ret, 4, addr, 20 + random_below(&randomness, 13), 1);
		rule_set_add(ret, 6, addr, 20 + random_below(&randomness, 109), 1);
	}
	rule_set_sort(ret);
	rule_set_describe(ret, CLASSES);
}

static bool fits4(const struct wanted *wanted, uint32_t groups)
{
	struct rte_lpm_config config = {wanted->count, groups, 0};
	struct rte_lpm *lpm = groups ? rte_lpm_create("exact", SOCKET_ID_ANY, &config) : NULL;
	bool fits = lpm != NULL;

	for (uint32_t i = 0; fits && i < wanted->count; i++) {
		const struct pt_rule6 *rule = &wanted->rules[i];

		fits = !rte_lpm_add(lpm,
				    (uint32_t)rule->addr[0] << 24 | rule->addr[1] << 16 |
					    rule->addr[2] << 8 | rule->addr[3],
				    rule->len, rule->class);
	}
	rte_lpm_free(lpm);
	return fits;
}

static bool fits6(const struct wanted *wanted, uint32_t groups)
{
	struct rte_lpm6_config config = {wanted->count, groups, 0};
	struct rte_lpm6 *lpm = groups ? rte_lpm6_create("exact", SOCKET_ID_ANY, &config) : NULL;
	bool fits = lpm != NULL;

	for (uint32_t i = 0; fits && i < wanted->count; i++)
		fits = !rte_lpm6_add(lpm, wanted->rules[i].addr, wanted->rules[i].len,
				     wanted->rules[i].class);
	rte_lpm6_free(lpm);
	return fits;
}

static void as_many_groups_as_counted_suffice_and_one_less_does_not(void **state)
{
	bool (*const fits[PT_FAMILIES])(const struct wanted *, uint32_t) = {fits4, fits6};
	struct message message;
	struct wanted wanted;
	struct rule_set set;

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct pt_snapshot *snapshot;

		set_long(&set, 1 + random_below(&randomness, 300));
		snapshot = rule_set_snapshot(&set, 1);
		for (enum pt_family family = 0; family < PT_FAMILIES; family++) {
			assert_int_equal(wanted_init(&wanted, snapshot, family, &message), 0);
			assert_true(fits[family](&wanted, wanted.groups ? wanted.groups : 1));
			assert_false(wanted.groups && fits[family](&wanted, wanted.groups - 1));
			wanted_done(&wanted);
		}
		free(snapshot);
		rule_set_done(&set);
	}
}

/* What is told, but for the rules' list, is what EAL gave away for it. */
static void the_memory_that_lpm_tells_is_that_which_is_taken(void **state)
{
	size_t counts[] = {3, 300, 30000};
	__u64 generation, checksum, bytes, taken;
	struct rule_set set;
	struct edge edge;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		set_long(&set, counts[i]);
		edge_open(&edge, PT_TABLE_LPM);
		taken = edge_heap_bytes();
		edge_publish(&edge, &set);
		taken = edge_heap_bytes() - taken + set.count * sizeof(struct pt_rule6);
		table_held(edge.table, &generation, &checksum, &bytes);
		printf("%zu rules: %llu bytes told, %llu taken\n", set.count, bytes, taken);
		assert_in_range(bytes, taken - taken / 200, taken + taken / 200);
		edge_close(&edge);
		rule_set_done(&set);
	}
}

static void a_flat_table_tells_the_images_memory_and_takes_none(void **state)
{
	__u64 generation, checksum, bytes, taken;
	struct rule_set set;
	struct edge edge;

	(void)state;
	set_long(&set, 300);
	edge_open(&edge, PT_TABLE_FLAT);
	taken = edge_heap_bytes();
	edge_publish(&edge, &set);
	assert_int_equal(edge_heap_bytes(), taken);
	table_held(edge.table, &generation, &checksum, &bytes);
	assert_int_equal(bytes, (*table_active(edge.table))->image->bytes);
	edge_close(&edge);
	rule_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TESTS(a_table_without_a_set_gives_no_class),
		EDGE_TESTS(every_length_at_both_ends_is_right),
		EDGE_TESTS(the_fixtures_rules_are_right),
		EDGE_TESTS(every_set_is_right_whatever_was_before),
		EDGE_TESTS(settling_may_be_left_out),
		cmocka_unit_test(as_many_groups_as_counted_suffice_and_one_less_does_not),
		cmocka_unit_test(the_memory_that_lpm_tells_is_that_which_is_taken),
		cmocka_unit_test(a_flat_table_tells_the_images_memory_and_takes_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
