/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

#define PLACES (1 << PT_HISTOGRAM_PLACE_BITS)

static const struct {
	uint64_t ns;
	const char *seconds;
} bounds[] = {
	{100000, "0.0001"},  {150000, "0.00015"}, {200000, "0.0002"},	 {300000, "0.0003"},
	{500000, "0.0005"},  {700000, "0.0007"},  {1000000, "0.001"},	 {1500000, "0.0015"},
	{2000000, "0.002"},  {3000000, "0.003"},  {5000000, "0.005"},	 {7000000, "0.007"},
	{10000000, "0.01"},  {15000000, "0.015"}, {20000000, "0.02"},	 {30000000, "0.03"},
	{50000000, "0.05"},  {70000000, "0.07"},  {100000000, "0.1"},	 {150000000, "0.15"},
	{200000000, "0.2"},  {300000000, "0.3"},  {500000000, "0.5"},	 {700000000, "0.7"},
	{1000000000, "1.0"}, {1500000000, "1.5"}, {2000000000, "2.0"},	 {3000000000, "3.0"},
	{5000000000, "5.0"}, {7000000000, "7.0"}, {10000000000, "10.0"},
};

_Static_assert(sizeof(bounds) / sizeof(bounds[0]) == HISTOGRAM_BOUNDS, "the ceiling counts them");

void histogram_add_bins(struct histogram *histogram, const struct pt_bin *bins)
{
	for (size_t i = 0; i < PT_HISTOGRAM_BINS; i++) {
		histogram->bins[i].count += bins[i].count;
		histogram->bins[i].places += bins[i].places;
	}
}

void histogram_add(struct histogram *histogram, const struct histogram *other)
{
	for (size_t i = 0; i < PT_HISTOGRAM_BINS; i++) {
		histogram->bins[i].count += other->bins[i].count;
		histogram->bins[i].places += other->bins[i].places;
	}
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

uint64_t histogram_samples(const struct histogram *histogram)
{
	uint64_t samples = 0;

	for (size_t i = 0; i < PT_HISTOGRAM_BINS; i++)
		samples += histogram->bins[i].count;
	return samples;
}

/*
 * The mean of a bin that has samples. Places are rounded down, by half of one on the average. What
 * a reader sees of a bin that is written right now may be a place too few or too many.
 */
static double bin_mean_ns(const struct histogram *histogram, size_t bin)
{
	double low = pt_bin_start_ns(bin), high = pt_bin_start_ns(bin + 1);
	double place = (double)histogram->bins[bin].places / (double)histogram->bins[bin].count;

	return smaller(low + (high - low) * (place + 0.5) / PLACES, high);
}

double histogram_mean_ns(const struct histogram *histogram)
{
	double sum = 0;

	for (size_t i = 0; i < PT_HISTOGRAM_BINS; i++)
		if (histogram->bins[i].count)
			sum += bin_mean_ns(histogram, i) * (double)histogram->bins[i].count;
	return sum / (double)histogram_samples(histogram);
}

static bool stands_alone(const struct histogram *histogram, size_t bin)
{
	bool lower = bin > 0 && histogram->bins[bin - 1].count;
	bool upper = bin + 1 < PT_HISTOGRAM_BINS && histogram->bins[bin + 1].count;

	return !lower && !upper;
}

/* `share`: of the bin's samples, those below. */
static double time_in_bin_ns(const struct histogram *histogram, size_t bin, double share)
{
	double low = pt_bin_start_ns(bin), high = pt_bin_start_ns(bin + 1);
	double mean = bin_mean_ns(histogram, bin);
	double reach = smaller(mean - low, high - mean);

	return stands_alone(histogram, bin) ? mean : mean + reach * (2 * share - 1);
}

double histogram_quantile_ns(const struct histogram *histogram, double quantile)
{
	double exact = quantile * (double)histogram_samples(histogram);
	uint64_t rank = (uint64_t)exact, below = 0;
	size_t bin = 0;

	rank += (double)rank < exact || rank == 0;
	while (below + histogram->bins[bin].count < rank)
		below += histogram->bins[bin++].count;
	return time_in_bin_ns(histogram, bin,
			      ((double)(rank - below) - 0.5) / (double)histogram->bins[bin].count);
}

static size_t bucket_of(double ns)
{
	size_t bucket = 0;

	while (bucket < HISTOGRAM_BOUNDS && ns > (double)bounds[bucket].ns)
		bucket++;
	return bucket;
}

void buckets_add(struct buckets *buckets, const struct histogram *histogram)
{
	for (size_t i = 0; i < PT_HISTOGRAM_BINS; i++) {
		uint64_t count = histogram->bins[i].count;
		double mean;

		if (!count)
			continue;
		mean = bin_mean_ns(histogram, i);
		buckets->count[bucket_of(mean)] += count;
		buckets->sum_ns += (uint64_t)(mean * (double)count + 0.5);
	}
}

uint64_t buckets_samples(const struct buckets *buckets)
{
	uint64_t samples = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		samples += buckets->count[i];
	return samples;
}

const char *buckets_bound(size_t bucket)
{
	return bucket < HISTOGRAM_BOUNDS ? bounds[bucket].seconds : "+Inf";
}
