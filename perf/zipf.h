/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zipf's law with exponent 1: of `count` items, item i comes with a probability in proportion to
 * 1 / (i + 1). Threading: immutable once made.
 */
#ifndef PERF_ZIPF_H
#define PERF_ZIPF_H

#include <linux/types.h>

#include "random.h"

struct zipf {
	__u32 count;
	double *sums; /* of the weights up to and with each item */
};

/* Returns 0 or -ENOMEM. */
int zipf_init(struct zipf *zipf, __u32 count);
void zipf_done(struct zipf *zipf);
/* 0 to count - 1 */
__u32 zipf_next(const struct zipf *zipf, struct random *random);

#endif
