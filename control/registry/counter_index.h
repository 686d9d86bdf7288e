/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which connection owns which counter index. Indices are dense and are reused, but only after every
 * engine acknowledged a generation without the old owner: until then a removed connection's index
 * is pending. A connection that comes back while it is gets its own index again.
 *
 * Threading: one thread at a time.
 */
#ifndef CONTROL_COUNTER_INDEX_H
#define CONTROL_COUNTER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counter_owner {
	uint32_t connection; /* id, 0 = free */
	uint64_t released;   /* generation that is the first without it, 0 = in use */
};

struct counters {
	struct counter_owner *owners; /* by index */
	size_t count;
	size_t capacity;
	size_t lowest_free; /* no index below it is free */
	size_t pending;	    /* owners with a release */
};

void counters_done(struct counters *counters);
bool counters_copy(const struct counters *counters, struct counters *ret_copy);

#define COUNTERS_INDEX_MAX (1u << 24)

/* As stored; false: the index is too large or has an owner already, or no memory. */
bool counters_load(struct counters *counters, uint32_t index, const struct counter_owner *owner);

/* Returns 0, -ENOSPC when all of @limit (0: none) are taken or pending, or -ENOMEM. */
int counters_take(struct counters *counters, uint32_t connection, uint32_t limit,
		  uint32_t *ret_index);
void counters_release(struct counters *counters, uint32_t index, uint64_t generation);
/* Frees what was released up to @generation; true when there was any. */
bool counters_acknowledge(struct counters *counters, uint64_t generation);

#endif
