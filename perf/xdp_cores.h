/* SPDX-License-Identifier: BSD-3-Clause */
/* How live frames scale: one sender and receiver on one CPU, and one on each of two. */
#ifndef PERF_XDP_CORES_H
#define PERF_XDP_CORES_H

#include <jansson.h>
#include <linux/types.h>

struct bench_options;
struct frame_bytes;
struct setup;
struct workload;

struct cores_bench {
	const struct bench_options *options;
	const struct workload *workload;
	const struct setup *setup; /* whose table the receivers look up in */
	const struct frame_bytes *frame;
	__u32 frames;	/* of each, in a round */
	int first_pair; /* of veths: they are made, and removed */
};

void cores_measure(const struct cores_bench *bench, json_t *items);

#endif
