/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"
#include "compile.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	const struct connection *x = *(struct connection *const *)a;
	const struct connection *y = *(struct connection *const *)b;

	return strcmp(x->name, y->name);
}

static int compare_ids(const void *a, const void *b)
{
	const struct connection *x = *(struct connection *const *)a;
	const struct connection *y = *(struct connection *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

struct view *view_new(struct connection_set *set, struct prefix_table *table)
{
	struct view *view = calloc(1, sizeof(*view));
	struct connection **by_id = calloc(set->count + 1, sizeof(*by_id));

	if (!view || !by_id) {
		free(view);
		free(by_id);
		connection_set_done(set);
		prefix_table_done(table);
		return NULL;
	}
	atomic_init(&view->references, 1);
	view->by_name = *set;
	view->by_id = by_id;
	view->table = *table;
	view->totals = check_totals(set);
	connection_set_init(set);
	memset(table, 0, sizeof(*table));
	for (size_t i = 0; i < view->by_name.count; i++)
		by_id[i] = view->by_name.items[i];
	qsort(by_id, view->by_name.count, sizeof(*by_id), compare_ids);
	if (view->by_name.count)
		qsort(view->by_name.items, view->by_name.count, sizeof(*by_id), compare_names);
	return view;
}

struct view *view_ref(struct view *view)
{
	atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
	return view;
}

void view_unref(struct view *view)
{
	if (!view || atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) != 1)
		return;
	if (view->compiled)
		compiled_done(view->compiled);
	free(view->compiled);
	connection_set_done(&view->by_name);
	prefix_table_done(&view->table);
	free(view->by_id);
	free(view);
}

struct view *view_from_input(struct input *input)
{
	struct connection_set *set = &input->connections;
	struct prefix_table table;
	struct view *view;

	for (size_t i = 0; i < set->count; i++)
		connection_register(set->items[i], (uint32_t)i + 1, (uint32_t)i);
	if (!prefix_table_build(set, &table))
		return NULL;
	view = view_new(set, &table);
	if (view) {
		view->revision = 1;
		view->generation = 1;
	}
	return view;
}

const struct connection *view_find(const struct view *view, const char *name)
{
	struct connection named = {.name = (char *)name}, *wanted = &named, **found;

	if (view->by_name.count == 0)
		return NULL;
	found = bsearch(&wanted, view->by_name.items, view->by_name.count, sizeof(wanted),
			compare_names);
	return found ? *found : NULL;
}

const struct connection *view_find_id(const struct view *view, uint32_t id)
{
	struct connection numbered = {.id = id}, *wanted = &numbered, **found;

	found = bsearch(&wanted, view->by_id, view->by_name.count, sizeof(wanted), compare_ids);
	return found ? *found : NULL;
}

const struct prefix_entry *view_lookup(const struct view *view, const struct prefix *address)
{
	return prefix_table_lookup(&view->table, address);
}

bool view_export(const struct view *view, FILE *stream)
{
	for (size_t i = 0; i < view->by_name.count; i++) {
		char *line = connection_line(view->by_name.items[i], CONNECTION_WITH_MARK);
		bool written = line && fputs(line, stream) >= 0 && putc('\n', stream) == '\n';

		free(line);
		if (!written)
			return false;
	}
	return true;
}
