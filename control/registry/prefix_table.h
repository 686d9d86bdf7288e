/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All prefixes of a set of connections in one sorted array with links to the enclosing prefix:
 * the check sweeps it, a lookup searches it, the snapshot's rules are copied from it.
 *
 * Threading: immutable once built. It borrows the connections, whoever holds the table holds them.
 */
#ifndef CONTROL_PREFIX_TABLE_H
#define CONTROL_PREFIX_TABLE_H

#include "connection.h"

#define PREFIX_TABLE_NONE UINT32_MAX

struct prefix_entry {
	struct prefix prefix;
	uint32_t parent;  /* the nearest entry with a shorter prefix around it */
	uint32_t ordinal; /* 0 = was there before, else the position in the set, from 1 */
	uint32_t own;	  /* index in connection->prefixes */
	const struct connection *connection;
};

struct prefix_table {
	struct prefix_entry *entries;
	size_t count;
};

/* From nothing, O(n log n). False without memory. */
bool prefix_table_build(const struct connection_set *set, struct prefix_table *ret_table);

/*
 * From the table of the state before, O(n): all entries of @old whose connection's id is not in
 * @gone (sorted, @gone_count), with ordinal 0, and those of @fresh.
 */
bool prefix_table_merge(const struct prefix_table *old, const uint32_t *gone, size_t gone_count,
			const struct connection_set *fresh, struct prefix_table *ret_table);

void prefix_table_done(struct prefix_table *table);

/* Longest match for @address (full length), or NULL. */
const struct prefix_entry *prefix_table_lookup(const struct prefix_table *table,
					       const struct prefix *address);

#endif
