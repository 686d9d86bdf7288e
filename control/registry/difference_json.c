/* SPDX-License-Identifier: BSD-3-Clause */
#include "difference.h"

static json_t *change_totals_json(const struct change_totals *totals)
{
	return json_pack("{s:I, s:I}", "connections", (json_int_t)totals->connections, "prefixes",
			 (json_int_t)totals->prefixes);
}

json_t *difference_totals_json(const struct difference_totals *totals)
{
	return json_pack("{s:o, s:o, s:o}", "added", change_totals_json(&totals->added), "changed",
			 change_totals_json(&totals->changed), "removed",
			 change_totals_json(&totals->removed));
}

struct prefix_lists {
	json_t *added;
	json_t *changed;
	json_t *removed;
};

static bool list_prefix(void *closure, enum prefix_change what,
			const struct connection_prefix *before,
			const struct connection_prefix *after)
{
	struct prefix_lists *lists = closure;

	switch (what) {
	case PREFIX_ADDED:
		return json_array_append_new(lists->added, connection_prefix_encode(after)) == 0;
	case PREFIX_CHANGED:
		return json_array_append_new(lists->changed, connection_prefix_encode(after)) == 0;
	case PREFIX_REMOVED:
		return json_array_append_new(lists->removed, connection_prefix_encode(before)) == 0;
	}
	return false;
}

static json_t *prefixes_json(const struct change *change)
{
	struct prefix_lists lists = {json_array(), json_array(), json_array()};
	bool listed = change_walk(change, list_prefix, &lists);
	json_t *object = json_pack("{s:o, s:o, s:o}", "added", lists.added, "changed",
				   lists.changed, "removed", lists.removed);

	if (listed)
		return object;
	json_decref(object);
	return NULL;
}

/* For each key of @from that is not the same in @other, once. */
static int put_differing(json_t *attributes, json_t *from, const json_t *other, const char *side,
			 const char *other_side)
{
	const char *key;
	json_t *value;
	int failed = 0;

	json_object_foreach (from, key, value) {
		json_t *counterpart = json_object_get(other, key);

		if (json_equal(value, counterpart) || json_object_get(attributes, key))
			continue;
		failed |= json_object_set_new(
			attributes, key,
			json_pack("{s:O, s:O?}", side, value, other_side, counterpart));
	}
	return failed;
}

/* {KEY:{"before","after"}}, null for a key that was not there. */
static json_t *attributes_json(const struct change *change)
{
	unsigned form = CONNECTION_NO_PREFIXES | CONNECTION_WITH_MARK;
	struct connection placed = *change->after; /* has no id yet where it is only desired */
	json_t *before = connection_encode(change->before, form);
	json_t *attributes = json_object(), *after;
	int failed;

	placed.id = change->before->id;
	after = connection_encode(&placed, form);
	failed = !before || !after;

	if (!failed)
		failed = put_differing(attributes, before, after, "before", "after") |
			 put_differing(attributes, after, before, "after", "before");
	json_decref(before);
	json_decref(after);
	if (!failed)
		return attributes;
	json_decref(attributes);
	return NULL;
}

static json_t *change_json(const struct change *change)
{
	const struct connection *named = change->after ? change->after : change->before;
	const char *what = !change->before ? "added" : !change->after ? "removed" : "changed";
	json_t *object = json_pack("{s:s, s:s}", "name", named->name, "change", what);
	int failed = 0;

	if (change->attributes)
		failed = json_object_set_new(object, "attributes", attributes_json(change));
	failed |= json_object_set_new(object, "prefixes", prefixes_json(change));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

json_t *difference_json(const struct difference *difference)
{
	json_t *document = difference_totals_json(&difference->totals);
	json_t *connections = json_array();
	int failed = 0;

	for (size_t i = 0; !failed && i < difference->count; i++)
		failed = json_array_append_new(connections, change_json(&difference->changes[i]));
	failed |= json_object_set_new(document, "connections", connections);
	if (!failed)
		return document;
	json_decref(document);
	return NULL;
}
