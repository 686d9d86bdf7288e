/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Bins of a log-linear histogram of round-trip times, as HdrHistogram has them: each power of two
 * of nanoseconds is cut into PT_HISTOGRAM_STEPS bins of the same width, so a bin is at most an
 * eighth wider than its lower bound, from 32.8 us to 10 s; bin 0 has what is below, the last what
 * is above.
 *
 * A bin has, besides its count, where in it its times lie on the average. A mean is then off by a
 * 2,048th at the worst, and a quantile by much less than its bin is wide where times are
 * concentrated. Where they are not, it is off by that width at the worst: the time that is looked
 * for at one end, and all others of the bin at the other.
 *
 * Threading: plain values; a bin has one writer.
 */
#ifndef PEERTAG_HISTOGRAM_H
#define PEERTAG_HISTOGRAM_H

#include <peertag/types.h>

#define PT_HISTOGRAM_STEP_BITS	3
#define PT_HISTOGRAM_STEPS	(1 << PT_HISTOGRAM_STEP_BITS)
#define PT_HISTOGRAM_FIRST_BIT	15 /* 2^15 ns: where bin 1 begins */
#define PT_HISTOGRAM_OCTAVES	18
#define PT_HISTOGRAM_BINS	(1 + PT_HISTOGRAM_OCTAVES * PT_HISTOGRAM_STEPS + 2) /* to 10.7 s */
#define PT_HISTOGRAM_PLACE_BITS 8

/* Of one bin. `places` adds up where in it each time lies, in 256ths of its width, rounded down. */
struct pt_bin {
	__u32 count;
	__u32 places;
};
_Static_assert(sizeof(struct pt_bin) == 8, "pt_bin is shared with the kernel and other processes");

/* Times that a bin can take before `places` might overflow. */
#define PT_BIN_COUNT_MAX (1u << (32 - PT_HISTOGRAM_PLACE_BITS))

/* The number of the highest bit that is set in `number`, which is not 0. */
#ifdef __bpf__
/* No instruction for it: six steps, of which each halves what is left. */
PT_INLINE __u32 pt_highest_bit(__u64 number)
{
	__u32 bit = 0;

	PT_UNROLL
	for (__u32 step = 32; step; step /= 2) {
		if (number >> step) {
			number >>= step;
			bit += step;
		}
	}
	return bit;
}
#else
PT_INLINE __u32 pt_highest_bit(__u64 number)
{
	return 63 - __builtin_clzll(number);
}
#endif

/* The lower bound of a bin, in nanoseconds; the upper one is that of the next. */
PT_INLINE __u64 pt_bin_start_ns(__u32 bin)
{
	__u32 octave, step;

	if (bin == 0)
		return 0;
	octave = (bin - 1) / PT_HISTOGRAM_STEPS;
	step = (bin - 1) % PT_HISTOGRAM_STEPS;
	return (__u64)(PT_HISTOGRAM_STEPS + step)
	       << (PT_HISTOGRAM_FIRST_BIT - PT_HISTOGRAM_STEP_BITS + octave);
}

/*
 * Adds a time to the bins (PT_HISTOGRAM_BINS of them). Returns false, and adds nothing, where its
 * bin is full.
 */
PT_INLINE _Bool pt_histogram_add(struct pt_bin *bins, __u64 ns)
{
	__u32 index = 0, width_bits = PT_HISTOGRAM_FIRST_BIT, place, octave;

	if (ns >> PT_HISTOGRAM_FIRST_BIT) {
		octave = pt_highest_bit(ns) - PT_HISTOGRAM_FIRST_BIT;
		width_bits += octave - PT_HISTOGRAM_STEP_BITS;
		index = 1 + octave * PT_HISTOGRAM_STEPS +
			((ns >> width_bits) & (PT_HISTOGRAM_STEPS - 1));
	}
	place = (ns >> (width_bits - PT_HISTOGRAM_PLACE_BITS)) &
		((1 << PT_HISTOGRAM_PLACE_BITS) - 1);
	PT_OPAQUE(index);
	if (index >= PT_HISTOGRAM_BINS) {
		index = PT_HISTOGRAM_BINS - 1;
		place = (1 << PT_HISTOGRAM_PLACE_BITS) - 1;
	}
	if (bins[index].count >= PT_BIN_COUNT_MAX)
		return 0;
	bins[index].count++;
	bins[index].places += place;
	return 1;
}

#endif
