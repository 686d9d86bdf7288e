/* SPDX-License-Identifier: BSD-3-Clause */
#include "zipf.h"

#include <errno.h>
#include <stdlib.h>

int zipf_init(struct zipf *zipf, __u32 count)
{
	double sum = 0;

	zipf->count = count;
	zipf->sums = calloc(count, sizeof(*zipf->sums));
	if (!zipf->sums)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++)
		zipf->sums[i] = sum += 1.0 / (i + 1);
	return 0;
}

void zipf_done(struct zipf *zipf)
{
	free(zipf->sums);
	*zipf = (struct zipf){};
}

__u32 zipf_next(const struct zipf *zipf, struct random *random)
{
	double at = (random_next(random) >> 11) * 0x1p-53 * zipf->sums[zipf->count - 1];
	__u32 low = 0, high = zipf->count - 1;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (zipf->sums[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
