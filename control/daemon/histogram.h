/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times that were added up from the bins of include/peertag/histogram.h: what can be
 * read from them, and the coarser buckets of the metrics.
 *
 * Threading: plain values.
 */
#ifndef CONTROL_HISTOGRAM_H
#define CONTROL_HISTOGRAM_H

#include "../registry/check.h"

#include <peertag/histogram.h>

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS CHECK_LATENCY_BOUNDS

struct histogram {
	struct {
		uint64_t count;
		uint64_t places; /* as in struct pt_bin */
	} bins[PT_HISTOGRAM_BINS];
};

/* By the bounds of the metrics, from 100 us to 10 s; [HISTOGRAM_BOUNDS] has what is above. */
struct buckets {
	uint64_t count[HISTOGRAM_BOUNDS + 1]; /* in the bucket itself, not in those below */
	uint64_t sum_ns;
};

/* `bins`: PT_HISTOGRAM_BINS of them. */
void histogram_add_bins(struct histogram *histogram, const struct pt_bin *bins);
void histogram_add(struct histogram *histogram, const struct histogram *other);

uint64_t histogram_samples(const struct histogram *histogram);

/* Of what has samples, in nanoseconds. */
double histogram_mean_ns(const struct histogram *histogram);
/*
 * The time that a share `quantile` (above 0, at most 1) of the samples does not exceed: that of
 * rank ceil(quantile x samples). In a bin whose neighbours are empty all times are taken for its
 * mean, so those that are all the same are given back as they were. Elsewhere they are taken to lie
 * evenly around the mean, as far as the nearer end of the bin on both sides. That is off by half a
 * bin, a sixteenth, at the most, unless times crowd at both ends of one bin, unequally: then by
 * less than an eighth.
 */
double histogram_quantile_ns(const struct histogram *histogram, double quantile);

/* A bin that a bound cuts goes to the side of its mean, whole. Adds to `buckets`. */
void buckets_add(struct buckets *buckets, const struct histogram *histogram);
uint64_t buckets_samples(const struct buckets *buckets);

/* The upper bound of a bucket in seconds, as the metrics write it: "0.0001", "1.0", "+Inf". */
const char *buckets_bound(size_t bucket);

#endif
