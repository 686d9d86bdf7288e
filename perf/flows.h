/* SPDX-License-Identifier: BSD-3-Clause */
/* Who the flows of flow.h are between: a customer in a random rule, and somebody in no rule. */
#ifndef PERF_FLOWS_H
#define PERF_FLOWS_H

#include "flow.h"
#include "workload.h"

/* Fills FLOWS of them. The workload is of IPv4. */
void flows_choose(const struct workload *workload, __u64 seed, struct flow *flows);

#endif
