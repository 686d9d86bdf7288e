/* SPDX-License-Identifier: BSD-3-Clause */
/* What is read from a histogram of round-trip times, against the times themselves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/histogram.h"

#define SAMPLES_MAX 20000
#define CONSTANT    0.001 /* by how a place is rounded */
#define ANYTHING    0.0625

static const double quantiles[] = {0.5, 0.9, 0.99};

/* The fast path's bins, and from them what control adds up. */
static struct histogram histogram_of(const uint64_t *times, size_t count)
{
	struct pt_bin bins[PT_HISTOGRAM_BINS] = {};
	struct histogram histogram = {};

	for (size_t i = 0; i < count; i++)
		assert_true(pt_histogram_add(bins, times[i]));
	histogram_add_bins(&histogram, bins);
	assert_int_equal(histogram_samples(&histogram), count);
	return histogram;
}

static void within(const char *what, double value, double exact, double tolerance)
{
	if (fabs(value - exact) > tolerance * exact)
		fail_msg("%s: %g instead of %g", what, value, exact);
}

static void a_constant_delay_gives_itself(void **state)
{
	static uint64_t times[1000];

	(void)state;
	for (double ns = 50e3; ns <= 10e9; ns *= 1.0123) {
		for (size_t i = 0; i < 1000; i++)
			times[i] = (uint64_t)ns;
		struct histogram histogram = histogram_of(times, 1000);

		for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
			within("quantile", histogram_quantile_ns(&histogram, quantiles[i]), ns,
			       CONSTANT);
		within("mean", histogram_mean_ns(&histogram), ns, 0.001);
	}
}

static double unit(void)
{
	return ((double)random() + 1) / ((double)RAND_MAX + 2);
}

static double gauss(void)
{
	return sqrt(-2 * log(unit())) * cos(2 * M_PI * unit());
}

/* Distributions that delays have: even, with a long tail, of two ways, of steps of a clock. */
static double uniform(double scale)
{
	return scale * (0.5 + unit());
}

static double lognormal(double scale)
{
	return scale * exp(0.8 * gauss());
}

static double exponential(double scale)
{
	return scale * (0.2 - log(unit()));
}

static double two_ways(double scale)
{
	return (unit() < 0.9 ? scale : 3.7 * scale) * (1 + 0.03 * gauss());
}

static double steps(double scale)
{
	return scale * (1 + floor(8 * unit()) / 3);
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void quantiles_hold(const uint64_t *sorted, size_t count)
{
	struct histogram histogram = histogram_of(sorted, count);
	double sum = 0;

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		size_t rank = (size_t)ceil(quantiles[i] * (double)count);

		within("quantile", histogram_quantile_ns(&histogram, quantiles[i]),
		       (double)sorted[rank - 1], ANYTHING);
	}
	for (size_t i = 0; i < count; i++)
		sum += (double)sorted[i];
	within("mean", histogram_mean_ns(&histogram), sum / (double)count, 0.001);
}

static void quantiles_are_within_a_sixteenth(void **state)
{
	static double (*const distributions[])(double) = {uniform, lognormal, exponential, two_ways,
							  steps};
	static uint64_t times[SAMPLES_MAX];
	const char *seed = getenv("PEERTAG_SEED");

	(void)state;
	srandom(seed ? (unsigned)atoi(seed) : 20261128);
	for (int round = 0; round < 400; round++) {
		size_t count = 1 + (size_t)(exp(unit() * log(SAMPLES_MAX)) - 1);
		double scale = 100e3 * pow(10, unit() * 4);

		for (size_t i = 0; i < count; i++)
			times[i] =
				(uint64_t)fmin(fmax(distributions[round % 5](scale), 50e3), 1e10);
		qsort(times, count, sizeof(times[0]), compare_times);
		quantiles_hold(times, count);
	}
}

static void times_at_both_ends_of_a_bin_are_within_a_sixteenth(void **state)
{
	(void)state;
	for (uint32_t bin = 1; bin + 1 < PT_HISTOGRAM_BINS; bin++) {
		uint64_t times[100];

		for (size_t i = 0; i < 100; i++)
			times[i] = i < 50 ? pt_bin_start_ns(bin) : pt_bin_start_ns(bin + 1) - 1;
		quantiles_hold(times, 100);
	}
}

static void buckets_have_each_time_once(void **state)
{
	static uint64_t times[SAMPLES_MAX];
	struct buckets buckets = {};
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLES_MAX; i++) {
		times[i] = (uint64_t)(30e3 * pow(10, unit() * 5.5));
		sum += (double)times[i];
	}
	struct histogram histogram = histogram_of(times, SAMPLES_MAX);

	buckets_add(&buckets, &histogram);
	assert_int_equal(buckets_samples(&buckets), SAMPLES_MAX);
	within("sum", (double)buckets.sum_ns, sum, 0.001);
	buckets_add(&buckets, &histogram);
	assert_int_equal(buckets_samples(&buckets), 2 * SAMPLES_MAX);
}

static size_t bucket_of(uint64_t ns)
{
	struct histogram histogram = histogram_of(&ns, 1);
	struct buckets buckets = {};
	size_t bucket = 0;

	buckets_add(&buckets, &histogram);
	while (!buckets.count[bucket])
		bucket++;
	return bucket;
}

/* However a bound cuts its bin, times on either side of it go to their own side. */
static void a_bound_divides_times_that_are_all_the_same(void **state)
{
	(void)state;
	assert_string_equal(buckets_bound(HISTOGRAM_BOUNDS), "+Inf");
	assert_string_equal(buckets_bound(0), "0.0001");
	assert_string_equal(buckets_bound(HISTOGRAM_BOUNDS - 1), "10.0");
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		double ns = atof(buckets_bound(i)) * 1e9;

		assert_true(i == 0 || ns > atof(buckets_bound(i - 1)) * 1e9);
		assert_int_equal(bucket_of((uint64_t)(ns * 0.999)), i);
		assert_int_equal(bucket_of((uint64_t)(ns * 1.001)), i + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constant_delay_gives_itself),
		cmocka_unit_test(quantiles_are_within_a_sixteenth),
		cmocka_unit_test(times_at_both_ends_of_a_bin_are_within_a_sixteenth),
		cmocka_unit_test(buckets_have_each_time_once),
		cmocka_unit_test(a_bound_divides_times_that_are_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
