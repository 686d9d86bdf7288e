/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What LPM cannot publish leaves the old set as it was: what is beyond a limit, what there is no
 * memory for, and what fails half way (--wrap of the linker, in meson.build, lets the n-th call of
 * DPDK fail).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <rte_log.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>

#include "eal.h"
#include "edge.h"
#include "table/snapshot_build.h"
#include "wanted.h"

#define MIB	1048576ull
#define CLASSES 40

static struct random randomness;

/* The calls of DPDK that may fail; at 1 the next one does, at 0 none. */
static unsigned int failing;

static unsigned int called;

static bool fails_now(void)
{
	called++;
	return failing && !--failing;
}

int __real_rte_lpm_add(struct rte_lpm *lpm, uint32_t ip, uint8_t depth, uint32_t next_hop);
int __wrap_rte_lpm_add(struct rte_lpm *lpm, uint32_t ip, uint8_t depth, uint32_t next_hop);
int __wrap_rte_lpm_add(struct rte_lpm *lpm, uint32_t ip, uint8_t depth, uint32_t next_hop)
{
	return fails_now() ? -ENOSPC : __real_rte_lpm_add(lpm, ip, depth, next_hop);
}

int __real_rte_lpm_delete(struct rte_lpm *lpm, uint32_t ip, uint8_t depth);
int __wrap_rte_lpm_delete(struct rte_lpm *lpm, uint32_t ip, uint8_t depth);
int __wrap_rte_lpm_delete(struct rte_lpm *lpm, uint32_t ip, uint8_t depth)
{
	return fails_now() ? -EINVAL : __real_rte_lpm_delete(lpm, ip, depth);
}

int __real_rte_lpm6_add(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth, uint32_t next_hop);
int __wrap_rte_lpm6_add(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth, uint32_t next_hop);
int __wrap_rte_lpm6_add(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth, uint32_t next_hop)
{
	return fails_now() ? -ENOSPC : __real_rte_lpm6_add(lpm, ip, depth, next_hop);
}

int __real_rte_lpm6_delete(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth);
int __wrap_rte_lpm6_delete(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth);
int __wrap_rte_lpm6_delete(struct rte_lpm6 *lpm, const uint8_t *ip, uint8_t depth)
{
	return fails_now() ? -EINVAL : __real_rte_lpm6_delete(lpm, ip, depth);
}

static int setup(void **state)
{
	(void)state;
	random_init(&randomness);
	if (edge_start(1024))
		return -1;
	/* It would tell of every failure. */
	return rte_log_set_level(RTE_LOGTYPE_LPM, RTE_LOG_CRIT);
}

static int teardown(void **state)
{
	(void)state;
	eal_stop();
	return 0;
}

/* A set of no particular rules, but none so short that it takes its time. */
static void set_usual(struct rule_set *ret, size_t count)
{
	uint8_t addr[16];

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < count; i++) {
		random_fill(&randomness, addr, sizeof(addr));
		rule_set_add(ret, 4, addr, 12 + random_below(&randomness, 21),
			     1 + random_below(&randomness, CLASSES));
		rule_set_add(ret, 6, addr, 12 + random_below(&randomness, 117),
			     1 + random_below(&randomness, CLASSES));
	}
	rule_set_sort(ret);
	rule_set_describe(ret, CLASSES);
}

/* Of rules in one class, the last of `class_count`. */
static struct pt_snapshot *snapshot_new(uint32_t class_count, const struct pt_rule4 *rules4,
					uint32_t count4, const struct pt_rule6 *rules6,
					uint32_t count6)
{
	struct pt_class *classes = calloc(class_count, sizeof(*classes));
	uint32_t *connections = calloc(class_count, sizeof(*connections));
	struct snapshot_parts parts = {.generation = 77,
				       .counters = 1,
				       .class_count = class_count,
				       .classes = classes,
				       .connections = connections,
				       .rule_count = {count4, count6},
				       .rules4 = rules4,
				       .rules6 = rules6};
	struct pt_snapshot *snapshot;

	assert_non_null(classes);
	assert_non_null(connections);
	memset(parts.registry, 0x42, sizeof(parts.registry));
	for (uint32_t i = 0; i < class_count; i++) {
		classes[i].mark = 1;
		connections[i] = 1000;
	}
	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	free(classes);
	free(connections);
	return snapshot;
}

/* `count` rules of one length, in /24s of their own. */
static struct pt_snapshot *snapshot_of_length4(uint32_t count, uint8_t length)
{
	struct pt_rule4 *rules = calloc(count, sizeof(*rules));
	struct pt_snapshot *snapshot;

	assert_non_null(rules);
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct pt_rule4){.addr = (i + 1) << 8, .class = 1, .len = length};
	snapshot = snapshot_new(1, rules, count, NULL, 0);
	free(rules);
	return snapshot;
}

/* `count` addresses that share nothing behind the first 24 bits: 13 groups each. */
static struct pt_snapshot *snapshot_of_hosts6(uint32_t class_count, uint32_t count)
{
	struct pt_rule6 *rules = calloc(count, sizeof(*rules));
	struct pt_snapshot *snapshot;

	assert_non_null(rules);
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct pt_rule6){
			.addr = {i >> 16, i >> 8, i}, .class = class_count, .len = 128};
	snapshot = snapshot_new(class_count, NULL, 0, rules, count);
	free(rules);
	return snapshot;
}

/* Says that it has more classes than it has, which is seen by none that refuses it for that. */
static struct pt_snapshot *with_classes(struct pt_snapshot *snapshot, uint32_t class_count)
{
	snapshot->class_count = class_count;
	return snapshot;
}

/* Refused with `error` and those words; all else is as before. */
static void assert_refused(struct edge *edge, const struct rule_set *old,
			   const struct pt_snapshot *snapshot, int error, const char *words)
{
	uint64_t heap = edge_heap_bytes();
	uint64_t generation = edge_generation(edge);

	edge->message.text[0] = '\0';
	assert_int_equal(edge_try(edge, snapshot), error);
	if (!strstr(edge->message.text, words))
		fail_msg("'%s' does not say '%s'", edge->message.text, words);
	assert_in_range(strlen(edge->message.text), 1, sizeof(edge->message.text) - 2);
	assert_int_equal(edge_generation(edge), generation);
	assert_in_range(edge_heap_bytes(), 0, heap);
	edge_judge(edge, old);
}

static void what_is_beyond_a_limit_is_refused_in_words(void **state)
{
	const struct {
		struct pt_snapshot *snapshot;
		const char *words;
	} cases[] = {
		{snapshot_of_length4(300000, 24), "300000 IPv4 prefixes of one length (/24)"},
		{snapshot_of_length4(60000, 25), "60000 /24s"},
		{with_classes(snapshot_of_length4(1, 24), 1u << 24),
		 "16777216 classes are more than the 16777215"},
		{with_classes(snapshot_of_hosts6(1, 1), 1u << 21),
		 "2097152 classes are more than the 2097151"},
		{snapshot_of_hosts6(1, 161320), "2097160 groups, and rte_lpm6 has at most 2097151"},
	};
	struct rule_set old;
	struct edge edge;

	(void)state;
	set_usual(&old, 30);
	edge_open(&edge, PT_TABLE_LPM);
	edge_publish(&edge, &old);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_refused(&edge, &old, cases[i].snapshot, -E2BIG, cases[i].words);
		free(cases[i].snapshot);
	}
	edge_close(&edge);
	rule_set_done(&old);
}

static void what_is_just_within_a_limit_is_taken(void **state)
{
	struct pt_snapshot *snapshots[] = {
		snapshot_of_length4(200000, 24),
		snapshot_of_length4(50000, 32),
		with_classes(snapshot_of_length4(1, 24), (1u << 24) - 1),
		with_classes(snapshot_of_hosts6(1, 1), (1u << 21) - 1),
		snapshot_of_hosts6(1, 161319),
	};
	struct message message;
	struct wanted wanted;

	(void)state;
	for (size_t i = 0; i < sizeof(snapshots) / sizeof(*snapshots); i++) {
		enum pt_family family = snapshots[i]->rule_count[PT_IPV4] ? PT_IPV4 : PT_IPV6;

		message.text[0] = '\0';
		if (wanted_init(&wanted, snapshots[i], family, &message))
			fail_msg("%zu: %s", i, message.text);
		wanted_done(&wanted);
		free(snapshots[i]);
	}
}

/* What is beyond the limits of LPM is within those of flat. */
static void a_flat_table_takes_what_lpm_refuses(void **state)
{
	struct pt_snapshot *snapshots[] = {
		snapshot_of_length4(300000, 24),
		snapshot_of_length4(60000, 25),
		snapshot_of_hosts6(1u << 21, 1),
		snapshot_of_hosts6(1, 161320),
	};
	uint32_t class, connection;
	struct edge edge;

	(void)state;
	edge_open(&edge, PT_TABLE_FLAT);
	for (size_t i = 0; i < sizeof(snapshots) / sizeof(*snapshots); i++) {
		enum pt_family family = snapshots[i]->rule_count[PT_IPV4] ? PT_IPV4 : PT_IPV6;
		/* Of the first rule: 0.0.1.0 or ::. */
		const __u8 addr[16] = {[2] = family == PT_IPV4};

		assert_int_equal(edge_try(&edge, snapshots[i]), 0);
		table_lookup(edge.table, family, addr, &class, &connection);
		assert_int_equal(class, snapshots[i]->class_count);
		assert_int_equal(connection, 1000);
		free(snapshots[i]);
	}
	edge_close(&edge);
}

/* The highest number that rte_lpm6 holds comes out of it again. */
static void the_highest_class_is_found(void **state)
{
	static const __u8 addr[16];
	struct pt_snapshot *snapshot = snapshot_of_hosts6((1u << 21) - 1, 1);
	uint32_t class, connection;
	struct edge edge;

	(void)state;
	edge_open(&edge, PT_TABLE_LPM);
	assert_int_equal(edge_try(&edge, snapshot), 0);
	table_lookup(edge.table, PT_IPV6, addr, &class, &connection);
	assert_int_equal(class, (1u << 21) - 1);
	edge_close(&edge);
	free(snapshot);
}

/* Takes all that EAL has, in pieces. */
static size_t heap_take(void *pieces[], size_t max, size_t bytes)
{
	size_t count = 0;

	while (count < max && (pieces[count] = rte_malloc(NULL, bytes, 0)))
		count++;
	return count;
}

/* With ever more room, first no table fits, then the IPv4 one without the other, then both. */
static void without_memory_the_old_set_stands(void **state)
{
	void *pieces[1024];
	size_t count, kept;
	struct rule_set old, next;
	struct pt_snapshot *snapshot;
	struct edge edge;
	int error;

	(void)state;
	set_usual(&old, 30);
	set_usual(&next, 40);
	snapshot = rule_set_snapshot(&next, 2);
	edge_open(&edge, PT_TABLE_LPM);
	edge_publish(&edge, &old);
	count = kept = heap_take(pieces, 1024, MIB);
	do {
		uint64_t heap = edge_heap_bytes();

		error = edge_try(&edge, snapshot);
		if (error) {
			assert_int_equal(error, -ENOMEM);
			assert_non_null(strstr(edge.message.text, "needs"));
			assert_int_equal(edge_heap_bytes(), heap);
			edge_judge(&edge, &old);
			rte_free(pieces[--kept]);
		}
	} while (error && kept);
	assert_int_equal(error, 0);
	assert_in_range(count - kept, 120, 200);
	edge_judge(&edge, &next);
	while (kept)
		rte_free(pieces[--kept]);
	free(snapshot);
	edge_close(&edge);
	rule_set_done(&old);
	rule_set_done(&next);
}

/* Whichever call of DPDK fails, the old set stands, and the next try succeeds. */
static void whatever_fails_on_the_way_leaves_the_old_set(void **state)
{
	uint64_t heap = edge_heap_bytes();
	struct rule_set sets[3];
	unsigned int faults = 0;
	bool failed = true;
	struct edge edge;

	(void)state;
	for (int i = 0; i < 3; i++)
		set_usual(&sets[i], 40);
	edge_open(&edge, PT_TABLE_LPM);
	edge_publish(&edge, &sets[2]);
	edge_publish(&edge, &sets[0]);
	for (unsigned int n = 1; failed; n++) {
		const struct rule_set *old = &sets[(n - 1) % 3], *next = &sets[n % 3];
		struct pt_snapshot *snapshot = rule_set_snapshot(next, 1000 + n);

		failing = n;
		failed = edge_try(&edge, snapshot) != 0;
		failing = 0;
		if (failed) {
			edge_judge(&edge, old);
			faults++;
			assert_int_equal(edge_try(&edge, snapshot), 0);
		}
		edge_judge(&edge, next);
		free(snapshot);
	}
	printf("%u faults\n", faults);
	assert_in_range(faults, 80, 1000);
	edge_close(&edge);
	for (int i = 0; i < 3; i++)
		rule_set_done(&sets[i]);
	assert_int_equal(edge_heap_bytes(), heap);
}

/* Rules of one length, of which from `changed` on a third each goes, changes and comes. */
static void set_counted(struct rule_set *ret, uint32_t count, uint32_t changed, bool later)
{
	uint8_t addr[16] = {0x20, 1, 0x0d, 0xb8};

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < count; i++) {
		addr[4] = i >> 8;
		addr[5] = i;
		if (i < changed || i % 3 == 1)
			rule_set_add(ret, 6, addr, 48, 1 + (i >= changed && later));
		else if (i % 3 == (later ? 2 : 0))
			rule_set_add(ret, 6, addr, 48, 1);
	}
	rule_set_sort(ret);
	rule_set_describe(ret, CLASSES);
}

/* How often DPDK is called to make one set of the other. */
static unsigned int count_calls(uint32_t count, uint32_t changed)
{
	struct rule_set before, later;
	struct edge edge;

	set_counted(&before, count, changed, false);
	set_counted(&later, count, changed, true);
	edge_open(&edge, PT_TABLE_LPM);
	edge_publish(&edge, &before);
	edge_publish(&edge, &before);
	called = 0;
	edge_publish(&edge, &later);
	if (count <= 3000)
		edge_judge(&edge, &later);
	edge_close(&edge);
	rule_set_done(&before);
	rule_set_done(&later);
	return called;
}

/* With 45,000 rules that all differ it is cheaper to begin anew. */
static void only_what_differs_is_changed_unless_it_is_nearly_all(void **state)
{
	(void)state;
	assert_int_equal(count_calls(3000, 3000), 0);
	assert_int_equal(count_calls(3000, 2700), 300);
	assert_int_equal(count_calls(45000, 0), 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_beyond_a_limit_is_refused_in_words),
		cmocka_unit_test(what_is_just_within_a_limit_is_taken),
		cmocka_unit_test(a_flat_table_takes_what_lpm_refuses),
		cmocka_unit_test(the_highest_class_is_found),
		cmocka_unit_test(without_memory_the_old_set_stands),
		cmocka_unit_test(only_what_differs_is_changed_unless_it_is_nearly_all),
		cmocka_unit_test(whatever_fails_on_the_way_leaves_the_old_set),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
