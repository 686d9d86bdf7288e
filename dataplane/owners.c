/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "owners.h"

static bool is_other_registry(const struct owners *owners, const struct pt_snapshot *snapshot)
{
	return memcmp(owners->registry, snapshot->registry, PT_REGISTRY_BYTES) != 0;
}

bool owners_conflict(const struct owners *owners, const struct pt_snapshot *snapshot)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	const __u32 *connections = pt_snapshot_connections(snapshot);
	const struct pt_owner *owner;

	for (__u32 i = 0; i < snapshot->class_count; i++) {
		owner = &owners->owners[classes[i].counter];
		if (owner->in_use && owner->connection != connections[i])
			return true;
	}
	if (!is_other_registry(owners, snapshot))
		return false;
	for (__u32 counter = 0; counter < owners->capacity; counter++)
		if (owners->owners[counter].in_use)
			return true;
	return false;
}

/* The ids of another registry mean nothing here: every count of theirs goes. */
static void owners_forget(const struct owners *owners)
{
	owners->zero(owners->counters, 0, owners->capacity);
	memset(owners->owners, 0, owners->capacity * sizeof(*owners->owners));
}

void owners_take(const struct owners *owners, const struct pt_snapshot *snapshot)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	const __u32 *connections = pt_snapshot_connections(snapshot);
	struct pt_owner *owner;

	if (is_other_registry(owners, snapshot)) {
		owners_forget(owners);
		memcpy(owners->registry, snapshot->registry, PT_REGISTRY_BYTES);
	}
	for (__u32 i = 0; i < snapshot->class_count; i++) {
		owner = &owners->owners[classes[i].counter];
		if (owner->connection != connections[i]) {
			owners->zero(owners->counters, classes[i].counter, 1);
			owner->connection = connections[i];
		}
		owner->in_use = 1;
	}
}

void owners_release(const struct owners *owners, const struct pt_snapshot *snapshot, bool *mark)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);

	for (__u32 i = 0; i < snapshot->class_count; i++)
		mark[classes[i].counter] = true;
	for (__u32 counter = 0; counter < owners->capacity; counter++)
		if (owners->owners[counter].in_use && !mark[counter])
			owners->owners[counter].in_use = 0;
}
