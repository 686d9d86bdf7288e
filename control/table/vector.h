/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Items one behind the other, as many as there will be. Running out of memory is remembered, not
 * returned: what is added then lies over what was there before, and whoever ends the work asks
 * vector_failed() and throws it away. Threading: none.
 */
#ifndef CONTROL_TABLE_VECTOR_H
#define CONTROL_TABLE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR_ADD_MAX 4096 /* items at once */

struct vector {
	void *items;
	size_t item_bytes;
	uint32_t count;
	uint32_t room;
	bool failed;
};

/* Returns 0 or -ENOMEM. */
int vector_init(struct vector *vector, size_t item_bytes);
void vector_done(struct vector *vector);

/* Room for `count` (1 to VECTOR_ADD_MAX) more items, all zero. Pointers from before are void. */
void *vector_add(struct vector *vector, uint32_t count);

static inline void *vector_at(const struct vector *vector, uint32_t index)
{
	return (char *)vector->items + index * vector->item_bytes;
}

#endif
