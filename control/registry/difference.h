/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a view to a desired set of connections: what is added, changed and removed.
 *
 * A connection is the same if its name is, and, where the desired one has an id, its id too.
 *
 * Threading: the caller's; holds references to the connections it names.
 */
#ifndef CONTROL_DIFFERENCE_H
#define CONTROL_DIFFERENCE_H

#include "view.h"

struct change_totals {
	uint64_t connections;
	uint64_t prefixes;
};

/*
 * Prefixes that came or went are counted under added and removed in every connection;
 * changed.connections are those that stay with something else, changed.prefixes those that stay in
 * their connection with another ownership or latency.
 */
struct difference_totals {
	struct change_totals added;
	struct change_totals changed;
	struct change_totals removed;
};

/* One connection that is not as before. */
struct change {
	struct connection *before; /* NULL = added */
	struct connection *after;  /* NULL = removed */
	bool attributes;	   /* something beside prefixes changed */
};

struct difference {
	struct difference_totals totals;
	struct change *changes; /* in the order of the names */
	size_t count;
	struct connection_set unchanged; /* those of the view */
};

/* False without memory. The names in @desired are unique. */
bool difference_compute(const struct view *view, const struct connection_set *desired,
			struct difference *ret_difference);
void difference_done(struct difference *difference);
bool difference_is_empty(const struct difference *difference);

enum prefix_change {
	PREFIX_ADDED,
	PREFIX_CHANGED,
	PREFIX_REMOVED,
};

/* Calls @each for every prefix of @change that is not as before; stops at the first false. */
bool change_walk(const struct change *change,
		 bool (*each)(void *closure, enum prefix_change what,
			      const struct connection_prefix *before,
			      const struct connection_prefix *after),
		 void *closure);

/* {"added":{"connections","prefixes"},"changed":{...},"removed":{...}} */
json_t *difference_totals_json(const struct difference_totals *totals);

/*
 * The document of `peertag diff`: the totals and "connections":[{"name","change",
 * "attributes":{KEY:{"before","after"}},"prefixes":{"added":[],"changed":[],"removed":[]}}].
 */
json_t *difference_json(const struct difference *difference);

#endif
