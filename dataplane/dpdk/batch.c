/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include "batch.h"

static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

const struct batch *const *batch_usable(void)
{
	static const struct batch *const all[] = {&batch_avx512, &batch_avx2, &batch_scalar, NULL};
	int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
		   __builtin_cpu_supports("popcnt");

	if (avx2 && has_avx512())
		return all;
	return avx2 ? &all[1] : &all[2];
}
