/* SPDX-License-Identifier: BSD-3-Clause */
/* Bins of round-trip times: where each begins, and that a time lands in the one that has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/histogram.h>

#include "random.h"

#define RANDOM_TIMES 200000
#define PLACES	     (1u << PT_HISTOGRAM_PLACE_BITS)
#define LAST	     (PT_HISTOGRAM_BINS - 1)

static const uint64_t us = 1000, s = 1000000000;

/* The bins, with nothing behind them that could be written unseen. */
static struct pt_bin *bins_new(void)
{
	return calloc(PT_HISTOGRAM_BINS, sizeof(struct pt_bin));
}

static uint64_t start(uint32_t bin)
{
	return pt_bin_start_ns(bin);
}

/* Adds one time to empty bins and requires it to be in this bin, at this place, and only there. */
static void assert_lands(uint64_t ns, uint32_t bin, uint32_t place)
{
	struct pt_bin *bins = bins_new();

	assert_true(pt_histogram_add(bins, ns));
	for (uint32_t i = 0; i < PT_HISTOGRAM_BINS; i++) {
		if (bins[i].count != (i == bin) || bins[i].places != (i == bin ? place : 0))
			fail_msg("%llu ns: bin %u has %u at %u, due was bin %u at %u",
				 (unsigned long long)ns, i, bins[i].count, bins[i].places, bin,
				 place);
	}
	free(bins);
}

static void bins_follow_each_other_without_gaps(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	for (uint32_t bin = 1; bin <= LAST; bin++)
		assert_true(start(bin) > start(bin - 1));
	for (uint32_t bin = 0; bin <= LAST; bin++) {
		assert_lands(start(bin), bin, 0);
		assert_lands(start(bin + 1) - 1, bin, PLACES - 1);
		assert_lands((start(bin) + start(bin + 1)) / 2, bin, PLACES / 2);
	}
}

static void bins_are_at_most_an_eighth_wide_from_50_us_to_10_s(void **state)
{
	(void)state;
	assert_true(start(1) <= 50 * us);
	assert_true(start(LAST) < 10 * s);
	assert_true(start(LAST + 1) >= 10 * s);
	for (uint32_t bin = 1; bin <= LAST; bin++)
		assert_true((start(bin + 1) - start(bin)) * 8 <= start(bin));
}

static void the_last_bin_has_what_is_above(void **state)
{
	static const uint64_t above[] = {11000000000, 20000000000, 1ull << 40, 1ull << 63,
					 UINT64_MAX};

	(void)state;
	assert_lands(start(LAST + 1), LAST, PLACES - 1);
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		assert_lands(above[i], LAST, PLACES - 1);
}

/* Found by going through all bins, and the place by a division. */
static void random_times_land_where_a_search_finds_them(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (int i = 0; i < RANDOM_TIMES; i++) {
		uint64_t ns = random_next(&random) >> (30 + random_below(&random, 34));
		uint32_t bin = 0;

		if (ns >= start(LAST + 1))
			continue;
		while (start(bin + 1) <= ns)
			bin++;
		assert_lands(ns, bin, (ns - start(bin)) * PLACES / (start(bin + 1) - start(bin)));
	}
}

/* A time that is read back from a bin's mean place. */
static double told(const struct pt_bin *bins, uint32_t bin)
{
	double place = bins[bin].places / (double)bins[bin].count + 0.5;

	return start(bin) + (start(bin + 1) - start(bin)) * place / PLACES;
}

static void a_time_that_repeats_is_told_to_a_thousandth(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (int i = 0; i < RANDOM_TIMES / 100; i++) {
		struct pt_bin *bins = bins_new();
		uint64_t ns = 50 * us + random_below(&random, 10 * s) / (1 + i % 1000);
		uint32_t bin = 0;
		double error;

		for (int sample = 0; sample < 100; sample++)
			assert_true(pt_histogram_add(bins, ns));
		while (!bins[bin].count)
			bin++;
		assert_int_equal(bins[bin].count, 100);
		error = told(bins, bin) / ns - 1;
		assert_true(error < 0.001 && error > -0.001);
		free(bins);
	}
}

static void a_full_bin_takes_no_more(void **state)
{
	struct pt_bin *bins = bins_new(), *before = bins_new();

	(void)state;
	for (uint32_t bin = 0; bin <= LAST; bin++)
		bins[bin] = (struct pt_bin){PT_BIN_COUNT_MAX - 1,
					    (PT_BIN_COUNT_MAX - 1) * (PLACES - 1)};
	for (uint32_t bin = 0; bin <= LAST; bin++) {
		assert_true(pt_histogram_add(bins, start(bin + 1) - 1));
		assert_int_equal(bins[bin].count, PT_BIN_COUNT_MAX);
		/* All at the end of it, and still without an overflow. */
		assert_int_equal(bins[bin].places, (uint64_t)PT_BIN_COUNT_MAX * (PLACES - 1));
	}
	memcpy(before, bins, PT_HISTOGRAM_BINS * sizeof(*bins));
	for (uint32_t bin = 0; bin <= LAST; bin++)
		assert_false(pt_histogram_add(bins, start(bin)));
	assert_memory_equal(bins, before, PT_HISTOGRAM_BINS * sizeof(*bins));
	free(before);
	free(bins);
}

static void the_highest_bit_is_that_of_a_count(void **state)
{
	(void)state;
	for (uint32_t bit = 0; bit < 64; bit++) {
		assert_int_equal(pt_highest_bit(1ull << bit), bit);
		assert_int_equal(pt_highest_bit(UINT64_MAX >> (63 - bit)), bit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_follow_each_other_without_gaps),
		cmocka_unit_test(bins_are_at_most_an_eighth_wide_from_50_us_to_10_s),
		cmocka_unit_test(the_last_bin_has_what_is_above),
		cmocka_unit_test(random_times_land_where_a_search_finds_them),
		cmocka_unit_test(a_time_that_repeats_is_told_to_a_thousandth),
		cmocka_unit_test(a_full_bin_takes_no_more),
		cmocka_unit_test(the_highest_bit_is_that_of_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
