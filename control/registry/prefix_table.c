/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted by family, address and length, whatever encloses a prefix stands before it, and everything
 * between the two is inside the encloser as well. So one sweep with a stack of the prefixes that
 * are open at the current place finds every parent: what does not contain the entry is closed for
 * good.
 *
 * Equal prefixes of several connections (which a check will refuse) stand together in the order of
 * the set; the first of them is the parent of what is inside.
 *
 * A lookup finds the last entry that does not sort behind the address and climbs from there: the
 * entry itself may end before the address, but whatever contains the address is among its parents.
 */
#include "prefix_table.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 130 /* lengths 0 to 128, and the entry itself */

static int compare_entries(const void *a, const void *b)
{
	const struct prefix_entry *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (order == 0 && x->ordinal != y->ordinal)
		order = x->ordinal < y->ordinal ? -1 : 1;
	return order;
}

static size_t count_prefixes(const struct connection_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += set->items[i]->prefix_count;
	return count;
}

/* @entries has room for all. */
static void fill_entries(const struct connection_set *set, uint32_t first_ordinal,
			 struct prefix_entry *entries)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct connection *connection = set->items[i];

		for (size_t own = 0; own < connection->prefix_count; own++) {
			*entries++ = (struct prefix_entry){
				.prefix = connection->prefixes[own].prefix,
				.parent = PREFIX_TABLE_NONE,
				.ordinal = first_ordinal + (uint32_t)i,
				.own = (uint32_t)own,
				.connection = connection,
			};
		}
	}
}

static void link_parents(struct prefix_table *table)
{
	uint32_t open[DEPTH_MAX];
	size_t depth = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		struct prefix_entry *entry = &table->entries[i];
		struct prefix_entry *top = NULL;

		while (depth > 0) {
			top = &table->entries[open[depth - 1]];
			if (prefix_contains(&top->prefix, &entry->prefix))
				break;
			depth--;
		}
		if (depth > 0 && top->prefix.length == entry->prefix.length) {
			entry->parent = top->parent;
			continue;
		}
		entry->parent = depth > 0 ? open[depth - 1] : PREFIX_TABLE_NONE;
		open[depth++] = i;
	}
}

bool prefix_table_build(const struct connection_set *set, struct prefix_table *ret_table)
{
	struct prefix_table table = {.count = count_prefixes(set)};

	table.entries = calloc(table.count + 1, sizeof(*table.entries));
	if (!table.entries)
		return false;
	fill_entries(set, 1, table.entries);
	qsort(table.entries, table.count, sizeof(*table.entries), compare_entries);
	link_parents(&table);
	*ret_table = table;
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool prefix_table_merge(const struct prefix_table *old, const uint32_t *gone, size_t gone_count,
			const struct connection_set *fresh, struct prefix_table *ret_table)
{
	size_t added = count_prefixes(fresh), next = 0;
	struct prefix_entry *incoming = calloc(added + 1, sizeof(*incoming));
	struct prefix_table table = {0};

	table.entries = calloc(old->count + added + 1, sizeof(*table.entries));
	if (!incoming || !table.entries) {
		free(incoming);
		free(table.entries);
		return false;
	}
	fill_entries(fresh, 1, incoming);
	qsort(incoming, added, sizeof(*incoming), compare_entries);
	for (size_t i = 0; i < old->count; i++) {
		struct prefix_entry kept = old->entries[i];

		if (gone_count &&
		    bsearch(&kept.connection->id, gone, gone_count, sizeof(*gone), compare_ids))
			continue;
		kept.ordinal = 0;
		while (next < added && compare_entries(&incoming[next], &kept) < 0)
			table.entries[table.count++] = incoming[next++];
		table.entries[table.count++] = kept;
	}
	memcpy(table.entries + table.count, incoming + next, (added - next) * sizeof(*incoming));
	table.count += added - next;
	free(incoming);
	link_parents(&table);
	*ret_table = table;
	return true;
}

void prefix_table_done(struct prefix_table *table)
{
	free(table->entries);
	memset(table, 0, sizeof(*table));
}

const struct prefix_entry *prefix_table_lookup(const struct prefix_table *table,
					       const struct prefix *address)
{
	size_t low = 0, high = table->count;
	uint32_t at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&table->entries[middle].prefix, address) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	at = low ? (uint32_t)low - 1 : PREFIX_TABLE_NONE;
	while (at != PREFIX_TABLE_NONE && !prefix_contains(&table->entries[at].prefix, address))
		at = table->entries[at].parent;
	return at == PREFIX_TABLE_NONE ? NULL : &table->entries[at];
}
