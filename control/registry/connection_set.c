/* SPDX-License-Identifier: BSD-3-Clause */
#include "connection.h"

#include <stdlib.h>
#include <string.h>

void connection_set_init(struct connection_set *set)
{
	memset(set, 0, sizeof(*set));
}

void connection_set_done(struct connection_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		connection_unref(set->items[i]);
	free(set->items);
	connection_set_init(set);
}

bool connection_set_add(struct connection_set *set, struct connection *connection)
{
	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? 2 * set->capacity : 16;
		void *items = reallocarray(set->items, capacity, sizeof(*set->items));

		if (!items) {
			connection_unref(connection);
			return false;
		}
		set->items = items;
		set->capacity = capacity;
	}
	set->items[set->count++] = connection;
	return true;
}
