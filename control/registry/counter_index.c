/* SPDX-License-Identifier: BSD-3-Clause */
#include "counter_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void counters_done(struct counters *counters)
{
	free(counters->owners);
	memset(counters, 0, sizeof(*counters));
}

/* Makes room for @count owners. */
static bool counters_grow(struct counters *counters, size_t count)
{
	size_t capacity = counters->capacity ? counters->capacity : 64;
	struct counter_owner *owners;

	if (count <= counters->capacity)
		return true;
	while (capacity < count)
		capacity *= 2;
	owners = reallocarray(counters->owners, capacity, sizeof(*owners));
	if (!owners)
		return false;
	memset(owners + counters->capacity, 0, (capacity - counters->capacity) * sizeof(*owners));
	counters->owners = owners;
	counters->capacity = capacity;
	return true;
}

bool counters_copy(const struct counters *counters, struct counters *ret_copy)
{
	struct counters copy = {0};

	if (!counters_grow(&copy, counters->count + 1))
		return false;
	if (counters->count)
		memcpy(copy.owners, counters->owners, counters->count * sizeof(*copy.owners));
	copy.count = counters->count;
	copy.pending = counters->pending;
	copy.lowest_free = counters->lowest_free;
	*ret_copy = copy;
	return true;
}

bool counters_load(struct counters *counters, uint32_t index, const struct counter_owner *owner)
{
	if (index > COUNTERS_INDEX_MAX || !counters_grow(counters, (size_t)index + 1) ||
	    counters->owners[index].connection)
		return false;
	counters->owners[index] = *owner;
	counters->pending += owner->released != 0;
	if (index >= counters->count)
		counters->count = (size_t)index + 1;
	return true;
}

static bool find_pending(const struct counters *counters, uint32_t connection, uint32_t *ret_index)
{
	for (size_t i = 0; i < counters->count; i++) {
		if (counters->owners[i].connection == connection) {
			*ret_index = (uint32_t)i;
			return true;
		}
	}
	return false;
}

int counters_take(struct counters *counters, uint32_t connection, uint32_t limit,
		  uint32_t *ret_index)
{
	size_t index = counters->lowest_free;
	uint32_t own;

	if (counters->pending && find_pending(counters, connection, &own)) {
		counters->owners[own].released = 0;
		counters->pending--;
		*ret_index = own;
		return 0;
	}
	while (index < counters->count && counters->owners[index].connection)
		index++;
	if (limit && index >= limit)
		return -ENOSPC;
	if (!counters_grow(counters, index + 1))
		return -ENOMEM;
	counters->owners[index] = (struct counter_owner){.connection = connection};
	if (index == counters->count)
		counters->count++;
	counters->lowest_free = index + 1;
	*ret_index = (uint32_t)index;
	return 0;
}

void counters_release(struct counters *counters, uint32_t index, uint64_t generation)
{
	counters->owners[index].released = generation;
	counters->pending++;
}

bool counters_acknowledge(struct counters *counters, uint64_t generation)
{
	bool any = false;

	for (size_t i = 0; i < counters->count; i++) {
		struct counter_owner *owner = &counters->owners[i];

		if (owner->released == 0 || owner->released > generation)
			continue;
		*owner = (struct counter_owner){0};
		counters->pending--;
		if (i < counters->lowest_free)
			counters->lowest_free = i;
		any = true;
	}
	return any;
}
