/* SPDX-License-Identifier: BSD-3-Clause */
#include "difference.h"

#include <stdlib.h>
#include <string.h>

static bool same_prefixes(const struct connection *a, const struct connection *b)
{
	if (a->prefix_count != b->prefix_count)
		return false;
	for (size_t i = 0; i < a->prefix_count; i++)
		if (!connection_prefix_same(&a->prefixes[i], &b->prefixes[i]))
			return false;
	return true;
}

/* An explicit mark that is the connection's own default says nothing. */
static bool same_attributes(const struct connection *before, const struct connection *after)
{
	struct connection plain = *after;

	if (plain.tag.mark == before->id)
		plain.tag.mark = 0;
	return connection_same_attributes(before, &plain);
}

bool change_walk(const struct change *change,
		 bool (*each)(void *closure, enum prefix_change what,
			      const struct connection_prefix *before,
			      const struct connection_prefix *after),
		 void *closure)
{
	static const struct connection none;
	const struct connection *before = change->before ? change->before : &none;
	const struct connection *after = change->after ? change->after : &none;
	size_t old = 0, new = 0;
	bool going = true;

	while (going && (old < before->prefix_count || new < after->prefix_count)) {
		const struct connection_prefix *x, *y;
		int order;

		x = old < before->prefix_count ? &before->prefixes[old] : NULL;
		y = new < after->prefix_count ? &after->prefixes[new] : NULL;
		order = !x ? 1 : !y ? -1 : prefix_compare(&x->prefix, &y->prefix);
		old += order <= 0;
		new += order >= 0;
		if (order < 0)
			going = each(closure, PREFIX_REMOVED, x, NULL);
		else if (order > 0)
			going = each(closure, PREFIX_ADDED, NULL, y);
		else if (!connection_prefix_same(x, y))
			going = each(closure, PREFIX_CHANGED, x, y);
	}
	return going;
}

static bool count_prefix(void *closure, enum prefix_change what,
			 const struct connection_prefix *before,
			 const struct connection_prefix *after)
{
	struct difference_totals *totals = closure;

	(void)before;
	(void)after;
	switch (what) {
	case PREFIX_ADDED:
		totals->added.prefixes++;
		break;
	case PREFIX_CHANGED:
		totals->changed.prefixes++;
		break;
	case PREFIX_REMOVED:
		totals->removed.prefixes++;
		break;
	}
	return true;
}

/* There is room for it. */
static void add_change(struct difference *difference, struct connection *before,
		       struct connection *after)
{
	struct change *change = &difference->changes[difference->count++];
	struct difference_totals *totals = &difference->totals;

	change->before = before ? connection_ref(before) : NULL;
	change->after = after ? connection_ref(after) : NULL;
	change->attributes = before && after && !same_attributes(before, after);
	if (!before)
		totals->added.connections++;
	else if (!after)
		totals->removed.connections++;
	else
		totals->changed.connections++;
	change_walk(change, count_prefix, totals);
}

static int compare_names(const void *a, const void *b)
{
	const struct connection *x = *(struct connection *const *)a;
	const struct connection *y = *(struct connection *const *)b;

	return strcmp(x->name, y->name);
}

static struct connection **sort_by_name(const struct connection_set *set)
{
	struct connection **sorted = calloc(set->count + 1, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < set->count; i++)
		sorted[i] = set->items[i];
	qsort(sorted, set->count, sizeof(*sorted), compare_names);
	return sorted;
}

/* The two have one name. */
static bool add_pair(struct difference *difference, struct connection *before,
		     struct connection *after)
{
	if (after->id && after->id != before->id) {
		add_change(difference, before, NULL);
		add_change(difference, NULL, after);
	} else if (before == after ||
		   (same_prefixes(before, after) && same_attributes(before, after))) {
		return connection_set_add(&difference->unchanged, connection_ref(before));
	} else {
		add_change(difference, before, after);
	}
	return true;
}

static bool merge_names(const struct connection_set *old, struct connection **desired, size_t count,
			struct difference *difference)
{
	size_t i = 0, j = 0;
	bool stored = true;

	while (stored && (i < old->count || j < count)) {
		int order = i == old->count ? 1
			    : j == count    ? -1
					    : strcmp(old->items[i]->name, desired[j]->name);

		if (order < 0)
			add_change(difference, old->items[i++], NULL);
		else if (order > 0)
			add_change(difference, NULL, desired[j++]);
		else
			stored = add_pair(difference, old->items[i++], desired[j++]);
	}
	return stored;
}

bool difference_compute(const struct view *view, const struct connection_set *desired,
			struct difference *ret_difference)
{
	struct connection **sorted = sort_by_name(desired);
	struct difference difference = {0};
	bool done = false;

	difference.changes =
		calloc(view->by_name.count + desired->count + 1, sizeof(*difference.changes));
	if (sorted && difference.changes)
		done = merge_names(&view->by_name, sorted, desired->count, &difference);
	free(sorted);
	if (!done) {
		difference_done(&difference);
		return false;
	}
	*ret_difference = difference;
	return true;
}

void difference_done(struct difference *difference)
{
	for (size_t i = 0; i < difference->count; i++) {
		connection_unref(difference->changes[i].before);
		connection_unref(difference->changes[i].after);
	}
	free(difference->changes);
	connection_set_done(&difference->unchanged);
	memset(difference, 0, sizeof(*difference));
}

bool difference_is_empty(const struct difference *difference)
{
	return difference->count == 0;
}
