/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency_slots.h"

#include "../registry/compile.h"

#include <errno.h>
#include <stdlib.h>

int latency_owner_compare(const struct latency_owner *a, const struct latency_owner *b)
{
	if (a->connection != b->connection)
		return a->connection < b->connection ? -1 : 1;
	return prefix_compare(&a->prefix, &b->prefix);
}

static int compare_slots(const void *a, const void *b)
{
	const struct owned_slot *x = a, *y = b;

	return latency_owner_compare(&x->owner, &y->owner);
}

int latency_slots_init(struct latency_slots *slots, const struct view *view, uint64_t now_ns)
{
	const struct compiled *compiled = view->compiled;
	struct owned_slot *items = calloc(compiled->slot_count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < compiled->slot_count; i++) {
		const struct latency_slot *slot = &compiled->slots[i];

		items[i].owner.connection = slot->connection->id;
		if (slot->prefix)
			items[i].owner.prefix = *slot->prefix;
		items[i].index = i;
		items[i].since_ns = now_ns;
	}
	qsort(items, compiled->slot_count, sizeof(*items), compare_slots);
	*slots = (struct latency_slots){items, compiled->slot_count};
	return 0;
}

void latency_slots_done(struct latency_slots *slots)
{
	free(slots->items);
	*slots = (struct latency_slots){};
}

const struct owned_slot *latency_slots_next(const struct latency_slots *slots, size_t *cursor,
					    const struct latency_owner *owner)
{
	int order = -1;

	while (*cursor < slots->count &&
	       (order = latency_owner_compare(&slots->items[*cursor].owner, owner)) < 0)
		(*cursor)++;
	return *cursor < slots->count && order == 0 ? &slots->items[*cursor] : NULL;
}

void latency_slots_doubt(struct latency_slots *slots, const struct latency_slots *sent)
{
	size_t cursor = 0;

	for (size_t i = 0; i < slots->count; i++) {
		struct owned_slot *slot = &slots->items[i];
		const struct owned_slot *next = latency_slots_next(sent, &cursor, &slot->owner);

		if (!next || next->index != slot->index)
			slot->doubtful = true;
	}
}

void latency_slots_trust(struct latency_slots *slots)
{
	for (size_t i = 0; i < slots->count; i++)
		slots->items[i].doubtful = false;
}

void latency_slots_replace(struct latency_slots *slots, struct latency_slots *held)
{
	size_t cursor = 0;

	for (size_t i = 0; i < held->count; i++) {
		struct owned_slot *slot = &held->items[i];
		const struct owned_slot *before = latency_slots_next(slots, &cursor, &slot->owner);

		if (before && !before->doubtful && before->index == slot->index)
			slot->since_ns = before->since_ns;
	}
	latency_slots_done(slots);
	*slots = *held;
	*held = (struct latency_slots){};
}
