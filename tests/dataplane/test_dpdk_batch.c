/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lookups in bulk against lookups one at a time, for every kind of CPU that this one can be: the
 * same class for every address, whatever the image, and however many addresses there are at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "rule_set.h"

#define CLASSES	     40
#define WIDE_CLASSES 40000 /* more than values of 16 bits can say */

_Static_assert(WIDE_CLASSES > PT_TABLE_NARROW_CLASSES, "values have 32 bits");

static struct random randomness;

static int setup(void **state)
{
	(void)state;
	random_init(&randomness);
	return 0;
}

static uint32_t addr_number(const uint8_t *addr)
{
	return (uint32_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];
}

static uint32_t expected_class(const struct pt_table *table, int family, const uint8_t *addr)
{
	uint64_t halves[2];

	if (family == 4)
		return pt_table_lookup4(table, addr_number(addr));
	memcpy(halves, addr, sizeof(halves));
	return pt_table_lookup6(table, __builtin_bswap64(halves[0]), __builtin_bswap64(halves[1]));
}

/* Behind what it should write nothing is written. */
static void check_batch(const struct batch *batch, const struct pt_table *table, int family,
			const uint8_t (*addrs)[16], uint32_t count)
{
	uint32_t addrs4[BATCH_MAX], classes[BATCH_MAX + 1];

	for (uint32_t i = 0; i < count; i++)
		addrs4[i] = addr_number(addrs[i]);
	memset(classes, 0xa5, sizeof(classes));
	if (family == 4)
		batch->lookup4(table, addrs4, classes, count);
	else
		batch->lookup6(table, addrs, classes, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t expected = expected_class(table, family, addrs[i]);

		if (classes[i] != expected)
			fail_msg("%s: the IPv%d address %02x%02x%02x%02x..., %u of %u, is in %u, "
				 "and should be in %u",
				 batch->name, family, addrs[i][0], addrs[i][1], addrs[i][2],
				 addrs[i][3], i, count, classes[i], expected);
	}
	assert_int_equal(classes[count], 0xa5a5a5a5);
}

/* Boundaries of prefixes in any order, and some addresses of no prefix; `max` is not 0. */
static void addrs_choose(const struct boundaries *boundaries, uint8_t (*addrs)[16], uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (boundaries->count && random_chance(&randomness, 90))
			memcpy(addrs[i],
			       boundaries->addrs[random_below(&randomness, boundaries->count)],
			       sizeof(addrs[i]));
		else
			random_fill(&randomness, addrs[i], sizeof(addrs[i]));
	}
}

static void check_table(const struct pt_table *table, const struct boundaries *boundaries,
			int family)
{
	uint8_t addrs[BATCH_MAX][16];

	for (const struct batch *const *batch = batch_usable(); *batch; batch++) {
		for (uint32_t count = 0; count <= BATCH_MAX; count++) {
			addrs_choose(boundaries, addrs, count);
			check_batch(*batch, table, family, addrs, count);
		}
		for (size_t i = 0; i < boundaries->count; i += BATCH_MAX) {
			size_t left = boundaries->count - i;

			check_batch(*batch, table, family, &boundaries->addrs[i],
				    left < BATCH_MAX ? left : BATCH_MAX);
		}
	}
}

static void check_set(const struct rule_set *set)
{
	struct pt_snapshot *snapshot = rule_set_snapshot(set, 1);
	struct boundaries boundaries;

	for (int family = 4; family <= 6; family += 2) {
		boundaries_init(&boundaries, set, family);
		check_table(pt_snapshot_table(snapshot), &boundaries, family);
		boundaries_done(&boundaries);
	}
	free(snapshot);
}

static void an_image_without_rules_gives_the_default_class(void **state)
{
	struct rule_set set = {};

	(void)state;
	check_set(&set);
	rule_set_describe(&set, CLASSES);
	set.default_class[PT_IPV4] = 7;
	set.default_class[PT_IPV6] = 8;
	check_set(&set);
	rule_set_done(&set);
}

static void random_sets_are_right(void **state)
{
	struct rule_set set;

	(void)state;
	for (int i = 0; i < 60; i++) {
		rule_set_random(&set, &randomness, 1 + random_below(&randomness, 1500),
				i % 4 ? CLASSES : WIDE_CLASSES);
		for (int family = 0; family < PT_FAMILIES; family++)
			set.default_class[family] = random_below(&randomness, 3);
		check_set(&set);
		rule_set_done(&set);
	}
}

/* Prefixes of every length around one address, each in another class: all layers of the image. */
static void chain_add(struct rule_set *set, const uint8_t *addr, uint32_t classes)
{
	for (int length = 1; length <= 32; length++)
		rule_set_add(set, 4, addr, length, 1 + random_below(&randomness, classes));
	for (int length = 1; length <= 128; length++)
		rule_set_add(set, 6, addr, length, 1 + random_below(&randomness, classes));
}

static void nested_chains_are_right(void **state)
{
	static const uint32_t classes[] = {CLASSES, WIDE_CLASSES};
	uint8_t addr[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct rule_set set = {};

		memset(addr, 0, sizeof(addr));
		chain_add(&set, addr, classes[i % 2]);
		memset(addr, 0xff, sizeof(addr));
		chain_add(&set, addr, classes[i % 2]);
		for (int chain = 0; chain < i; chain++) {
			random_fill(&randomness, addr, sizeof(addr));
			chain_add(&set, addr, classes[i % 2]);
		}
		rule_set_sort(&set);
		rule_set_describe(&set, classes[i % 2]);
		set.default_class[PT_IPV4] = set.default_class[PT_IPV6] = i % 3;
		check_set(&set);
		rule_set_done(&set);
	}
}

/* One /24 and one /48 that are full, so that nodes, values and B-trees are as large as they get. */
static void full_networks_are_right(void **state)
{
	uint8_t addr[16] = {0x20, 1, 0x0d};
	struct rule_set set = {};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		addr[3] = i;
		addr[6] = i >> 8;
		addr[7] = i;
		rule_set_add(&set, 4, addr, 32, 1 + i % WIDE_CLASSES);
		rule_set_add(&set, 6, addr, 64, 1 + (WIDE_CLASSES - 1 - i) % WIDE_CLASSES);
	}
	rule_set_sort(&set);
	rule_set_describe(&set, WIDE_CLASSES);
	check_set(&set);
	rule_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_without_rules_gives_the_default_class),
		cmocka_unit_test(random_sets_are_right),
		cmocka_unit_test(nested_chains_are_right),
		cmocka_unit_test(full_networks_are_right),
	};

	for (const struct batch *const *batch = batch_usable(); *batch; batch++)
		printf("%s\n", (*batch)->name);
	return cmocka_run_group_tests(tests, setup, NULL);
}
