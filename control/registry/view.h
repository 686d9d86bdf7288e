/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One committed state of the registry. A reader takes a reference and sees a consistent whole for
 * as long as it likes; a write makes a new view that shares every unchanged connection.
 *
 * Threading: immutable; references are counted atomically.
 */
#ifndef CONTROL_VIEW_H
#define CONTROL_VIEW_H

#include "check.h"

#include <stdio.h>

struct compiled;

struct view {
	atomic_uint references;
	uint64_t revision;
	uint64_t generation;	   /* number of the snapshot that is compiled from it */
	uint64_t checksum;	   /* of that snapshot */
	struct compiled *compiled; /* NULL: it was not */
	uint8_t uuid[16];	   /* of the registry */
	struct connection_set by_name;
	struct connection **by_id; /* the same count, the same references */
	struct prefix_table table;
	struct prefix_totals totals;
};

/* Takes over @set and @table, also when it fails (NULL: no memory). Any order of @set. */
struct view *view_new(struct connection_set *set, struct prefix_table *table);
struct view *view_ref(struct view *view);
void view_unref(struct view *view);

/*
 * For `classify`: a view of a file without a registry, its connections numbered from 1 in file
 * order, counter index = id - 1. Takes the connections out of @input. NULL without memory.
 */
struct view *view_from_input(struct input *input);

/* NULL: no such connection. The connection lives as long as the view. */
const struct connection *view_find(const struct view *view, const char *name);
const struct connection *view_find_id(const struct view *view, uint32_t id);

/* Whose address is this? NULL: nobody's. */
const struct prefix_entry *view_lookup(const struct view *view, const struct prefix *address);

/* JSON Lines in the order of the names, marks always written. False: @stream failed. */
bool view_export(const struct view *view, FILE *stream);

#endif
