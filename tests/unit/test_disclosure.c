/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be told of a connection's round-trip times: the rule of the privacy floor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/disclosure.h"

#define ENGINES	  2
#define FLOOR	  10
#define SLOTS_MAX 4

/* Hosts `first` to `first + count - 1`, by engine; each gives one sample of slot's own length. */
struct hosts {
	unsigned first;
	unsigned count;
};

static const struct {
	const char *name;
	struct hosts slots[SLOTS_MAX][ENGINES];
	const char *published; /* a letter a slot: p, or w for withheld */
	unsigned total;	       /* samples of the connection; 0: withheld */
} cases[] = {
	{"nothing at all", {{{0, 0}}}, "w", 0},
	{"at the floor", {{{0, 10}}}, "p", 10},
	{"one host below it", {{{0, 9}}}, "w", 0},
	{"two prefixes that are below it, and together are not", {{{0, 6}}, {{6, 6}}}, "ww", 12},
	{"the same hosts in two prefixes are not more hosts", {{{0, 6}}, {{0, 6}}}, "ww", 0},
	{"a remainder of three hosts is in nothing", {{{0, 12}}, {{20, 3}}}, "pw", 12},
	{"a remainder at the floor is in the connection", {{{0, 12}}, {{20, 10}}}, "pp", 22},
	{"a remainder of several prefixes at the floor",
	 {{{0, 12}}, {{20, 5}}, {{30, 5}}},
	 "pww",
	 22},
	{"a remainder of several prefixes below it", {{{0, 12}}, {{20, 5}}, {{30, 4}}}, "pww", 12},
	{"everything is published", {{{0, 12}}, {{20, 11}}, {{40, 10}}}, "ppp", 33},
	{"hosts of two engines are not added up", {{{0, 6}, {6, 6}}}, "w", 0},
	{"the larger engine counts, and what both have is told", {{{0, 10}, {50, 3}}}, "p", 13},
	{"nor are they added up over prefixes", {{{0, 6}, {0, 0}}, {{0, 0}, {6, 6}}}, "ww", 0},
	{"each engine's hosts are over prefixes", {{{0, 5}, {0, 5}}, {{5, 5}, {5, 1}}}, "ww", 16},
};

static void fill(struct slot_times *slot, const struct hosts by_engine[ENGINES], size_t number)
{
	struct pt_bin bins[PT_HISTOGRAM_BINS] = {};

	memset(&slot->times, 0, sizeof(slot->times));
	memset(slot->hosts, 0, ENGINES * sizeof(*slot->hosts));
	for (size_t engine = 0; engine < ENGINES; engine++)
		for (unsigned i = 0; i < by_engine[engine].count; i++) {
			unsigned bit = by_engine[engine].first + i;

			slot->hosts[engine].words[bit / 64] |= 1ull << bit % 64;
			pt_histogram_add(bins, (number + 1) * 1000000);
		}
	histogram_add_bins(&slot->times, bins);
}

/* The verdicts on the slots, and the connection's times. */
struct outcome {
	char published[SLOTS_MAX + 1];
	struct histogram total;
};

static struct outcome disclose(struct disclosure *disclosure,
			       const struct hosts slots[SLOTS_MAX][ENGINES], size_t count)
{
	struct host_set hosts[ENGINES];
	struct slot_times slot = {.hosts = hosts};
	struct outcome outcome = {};
	const struct histogram *total;

	disclosure_begin(disclosure);
	for (size_t i = 0; i < count; i++) {
		fill(&slot, slots[i], i);
		outcome.published[i] = disclosure_add(disclosure, &slot) ? 'p' : 'w';
	}
	total = disclosure_end(disclosure);
	if (total)
		outcome.total = *total;
	return outcome;
}

static void every_case_of_the_floor_holds(void **state)
{
	struct disclosure *disclosure = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome outcome =
			disclose(disclosure, cases[i].slots, strlen(cases[i].published));

		if (strcmp(outcome.published, cases[i].published))
			fail_msg("%s: %s", cases[i].name, outcome.published);
		if (histogram_samples(&outcome.total) != cases[i].total)
			fail_msg("%s: %llu samples", cases[i].name,
				 (unsigned long long)histogram_samples(&outcome.total));
	}
}

/* Below the floor the output does not tell how many hosts there were, or whether any. */
static void hosts_below_the_floor_leave_no_trace(void **state)
{
	struct disclosure *disclosure = *state;
	struct hosts slots[SLOTS_MAX][ENGINES] = {{{0, 12}, {0, 11}}, {}, {{50, 10}, {}}};
	struct outcome without = disclose(disclosure, slots, 3), with;

	for (unsigned count = 1; count < FLOOR; count++) {
		slots[1][0] = (struct hosts){20, count};
		slots[1][1] = (struct hosts){30, FLOOR - count};
		with = disclose(disclosure, slots, 3);
		assert_memory_equal(&with, &without, sizeof(with));
	}
	slots[1][0].count = FLOOR;
	with = disclose(disclosure, slots, 3);
	assert_memory_not_equal(&with, &without, sizeof(with));
}

/* What is withheld cannot be had as the connection less its prefixes. */
static void a_connection_less_its_prefixes_is_nothing_or_many(void **state)
{
	struct disclosure *disclosure = *state;

	for (unsigned a = 0; a <= 20; a++)
		for (unsigned b = 0; b <= 20; b++)
			for (unsigned c = 0; c <= 20; c++) {
				const struct hosts slots[SLOTS_MAX][ENGINES] = {
					{{0, a}}, {{30, b}}, {{60, c}}};
				struct outcome outcome = disclose(disclosure, slots, 3);
				unsigned rest = histogram_samples(&outcome.total);

				rest -= outcome.published[0] == 'p' ? a : 0;
				rest -= outcome.published[1] == 'p' ? b : 0;
				rest -= outcome.published[2] == 'p' ? c : 0;
				assert_true(rest == 0 || rest >= FLOOR);
			}
}

static int setup(void **state)
{
	static struct disclosure disclosure;

	*state = &disclosure;
	return disclosure_init(&disclosure, ENGINES, FLOOR);
}

static int teardown(void **state)
{
	disclosure_done(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_case_of_the_floor_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(hosts_below_the_floor_leave_no_trace, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_connection_less_its_prefixes_is_nothing_or_many,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
