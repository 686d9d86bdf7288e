/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "owners.h"
#include "state.h"

static bool is_other_registry(const struct state *state, const struct pt_snapshot *snapshot)
{
	return memcmp(state->shared->registry, snapshot->registry, sizeof(snapshot->registry)) != 0;
}

bool owners_conflict(const struct state *state, const struct pt_snapshot *snapshot)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	const struct pt_xdp_owner *owner;

	for (__u32 i = 0; i < snapshot->class_count; i++) {
		owner = &state->owners[classes[i].counter];
		if (owner->in_use && owner->connection != classes[i].connection)
			return true;
	}
	if (!is_other_registry(state, snapshot))
		return false;
	for (__u32 counter = 0; counter < state->capacity; counter++)
		if (state->owners[counter].in_use)
			return true;
	return false;
}

/* The ids of another registry mean nothing here: every count of theirs goes. */
static void owners_forget(struct state *state)
{
	state_zero(state, 0, state->capacity);
	memset(state->owners, 0, state->capacity * sizeof(*state->owners));
}

void owners_take(struct state *state, const struct pt_snapshot *snapshot)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	struct pt_xdp_owner *owner;

	if (is_other_registry(state, snapshot)) {
		owners_forget(state);
		memcpy(state->shared->registry, snapshot->registry, sizeof(snapshot->registry));
	}
	for (__u32 i = 0; i < snapshot->class_count; i++) {
		owner = &state->owners[classes[i].counter];
		if (owner->connection != classes[i].connection) {
			state_zero(state, classes[i].counter, 1);
			owner->connection = classes[i].connection;
		}
		owner->in_use = 1;
	}
}

void owners_release(struct state *state, const struct pt_snapshot *snapshot, bool *mark)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);

	for (__u32 i = 0; i < snapshot->class_count; i++)
		mark[classes[i].counter] = true;
	for (__u32 counter = 0; counter < state->capacity; counter++)
		if (state->owners[counter].in_use && !mark[counter])
			state->owners[counter].in_use = 0;
}
