/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include "random.h"

void flows_choose(const struct workload *workload, __u64 seed, struct flow *flows)
{
	struct random random = {seed};

	for (int i = 0; i < FLOWS; i++) {
		const struct pt_rule4 *rule =
			&workload->rules4[random_below(&random, workload->count)];
		__u32 host = random_next(&random) & ~(__u32)(~0ull << (32 - rule->len));

		flows[i] = (struct flow){
			.customer_be = __builtin_bswap32(rule->addr | host),
			.other_be = __builtin_bswap32(240u << 24 | random_next(&random) >> 36),
			.ports_be = random_next(&random),
		};
	}
}
