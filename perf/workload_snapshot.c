/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "table/snapshot_build.h"

#include "workload.h"

static void describe_classes(struct pt_class *classes, __u32 *connections, __u32 count,
			     __u32 latency_slots)
{
	for (__u32 i = 0; i < count; i++) {
		classes[i] = (struct pt_class){
			.counter = i,
			.mark = i + 1,
			.vlan = 1 + i % 4094,
			.dscp = i % 64,
			.latency_slot = latency_slots ? 1 + i % latency_slots : 0,
		};
		connections[i] = i + 1;
	}
}

int workload_snapshot(const struct workload *workload, __u32 latency_slots,
		      struct pt_snapshot **ret_snapshot)
{
	struct pt_class *classes = calloc(workload->classes, sizeof(*classes));
	__u32 *connections = calloc(workload->classes, sizeof(*connections));
	struct snapshot_parts parts = {.generation = 1,
				       .counters = workload->classes,
				       .class_count = workload->classes,
				       .classes = classes,
				       .connections = connections};
	int error = -ENOMEM;

	parts.rule_count[workload->family] = workload->count;
	if (workload->family == PT_IPV4)
		parts.rules4 = workload->rules4;
	else
		parts.rules6 = workload->rules6;
	if (classes && connections) {
		describe_classes(classes, connections, workload->classes, latency_slots);
		error = snapshot_build(&parts, ret_snapshot);
	}
	free(classes);
	free(connections);
	return error;
}
