/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vector_init(struct vector *vector, size_t item_bytes)
{
	*vector = (struct vector){.item_bytes = item_bytes, .room = VECTOR_ADD_MAX};
	vector->items = malloc(item_bytes * vector->room);
	return vector->items ? 0 : -ENOMEM;
}

void vector_done(struct vector *vector)
{
	free(vector->items);
	vector->items = NULL;
}

static bool vector_grow(struct vector *vector)
{
	void *items = vector->room > UINT32_MAX / 2
			      ? NULL
			      : realloc(vector->items, 2 * vector->room * vector->item_bytes);

	if (!items)
		return false;
	vector->items = items;
	vector->room *= 2;
	return true;
}

void *vector_add(struct vector *vector, uint32_t count)
{
	void *added;

	if (vector->room - vector->count < count && !vector_grow(vector)) {
		vector->failed = true;
		vector->count = 0;
	}
	added = vector_at(vector, vector->count);
	vector->count += count;
	return memset(added, 0, count * vector->item_bytes);
}
