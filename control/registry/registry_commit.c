/* SPDX-License-Identifier: BSD-3-Clause */
#include "registry_commit.h"
#include "compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A state under way to become the current one. */
struct next {
	struct connection_set set;   /* everything, as the new view will hold it */
	struct connection_set fresh; /* those of them that are new or changed */
	uint32_t *gone;		     /* ids, sorted, of those that were removed or changed */
	size_t gone_count;
	uint32_t *marks; /* explicit ones, sorted */
	size_t mark_count;
	uint32_t next_id;
	struct counters counters;
	struct prefix_table table;
};

double registry_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool registry_refuse(struct error_list *errors, const struct error *error)
{
	error_list_add(errors, error);
	return false;
}

bool registry_refuse_memory(struct error_list *errors)
{
	struct error error;

	error_set(&error, ERROR_INTERNAL, "out of memory: nothing was changed");
	return registry_refuse(errors, &error);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The sets of what stays, comes and goes; nothing has its place yet. */
static bool next_collect(struct next *next, const struct difference *difference)
{
	bool stored = true;

	next->gone = calloc(difference->count + 1, sizeof(*next->gone));
	next->marks =
		calloc(difference->count + difference->unchanged.count + 1, sizeof(*next->marks));
	if (!next->gone || !next->marks)
		return false;
	for (size_t i = 0; stored && i < difference->unchanged.count; i++)
		stored = connection_set_add(&next->set,
					    connection_ref(difference->unchanged.items[i]));
	for (size_t i = 0; stored && i < difference->count; i++) {
		const struct change *change = &difference->changes[i];

		if (change->before)
			next->gone[next->gone_count++] = change->before->id;
		if (change->after)
			stored = connection_set_add(&next->set, connection_ref(change->after)) &&
				 connection_set_add(&next->fresh, connection_ref(change->after));
	}
	for (size_t i = 0; stored && i < next->set.count; i++)
		if (next->set.items[i]->tag.mark)
			next->marks[next->mark_count++] = next->set.items[i]->tag.mark;
	qsort(next->gone, next->gone_count, sizeof(*next->gone), compare_numbers);
	qsort(next->marks, next->mark_count, sizeof(*next->marks), compare_numbers);
	return stored;
}

static void next_done(struct next *next)
{
	connection_set_done(&next->set);
	connection_set_done(&next->fresh);
	prefix_table_done(&next->table);
	counters_done(&next->counters);
	free(next->gone);
	free(next->marks);
}

/* An id that is nobody's and no one's mark. 0: there is none left. */
static uint32_t take_id(struct next *next)
{
	while (next->next_id != UINT32_MAX && bsearch(&next->next_id, next->marks, next->mark_count,
						      sizeof(*next->marks), compare_numbers))
		next->next_id++;
	return next->next_id == UINT32_MAX ? 0 : next->next_id++;
}

static bool refuse_counter(const struct next *next, uint32_t limit, int reason,
			   struct error_list *errors)
{
	struct error error;

	if (reason == -ENOMEM)
		return registry_refuse_memory(errors);
	error_set(&error, ERROR_CAPACITY,
		  "%zu connections and %zu removed ones, whose counters are in use until every "
		  "engine has loaded their removal, do not fit: max_connections is %u",
		  next->set.count, next->counters.pending, limit);
	error_set_hint(&error, "bring the engines up to date, or raise max_connections to %zu",
		       next->set.count + next->counters.pending);
	return registry_refuse(errors, &error);
}

/* Ids and counters for the new, those of before for the changed. */
static bool next_place(struct next *next, const struct difference *difference, uint64_t generation,
		       uint32_t limit, struct error_list *errors)
{
	for (size_t i = 0; i < difference->count; i++) {
		const struct change *change = &difference->changes[i];

		if (change->before && !change->after)
			counters_release(&next->counters, change->before->counter, generation);
	}
	for (size_t i = 0; i < difference->count; i++) {
		struct connection *before = difference->changes[i].before;
		struct connection *after = difference->changes[i].after;
		uint32_t id, counter;
		struct error error;
		int result;

		if (!after)
			continue;
		if (before) {
			connection_register(after, before->id, before->counter);
			after->since = before->since;
			continue;
		}
		id = after->id ? after->id : take_id(next);
		if (id == 0) {
			error_set(&error, ERROR_CAPACITY, "all ids of this registry are used up");
			return registry_refuse(errors, &error);
		}
		result = counters_take(&next->counters, id, limit, &counter);
		if (result < 0)
			return refuse_counter(next, limit, result, errors);
		connection_register(after, id, counter);
		after->since = generation;
	}
	return true;
}

static uint64_t total(const struct prefix_totals *totals)
{
	return totals->ipv4 + totals->ipv6;
}

/* Capacity only stands in the way of what grows. */
static void next_check(const struct registry *registry, const struct next *next,
		       struct error_list *errors)
{
	struct demand before = check_demand(&registry->view->by_name);
	struct demand after = check_demand(&next->set);

	check_prefixes(&next->table, &registry->settings.policy, errors);
	check_marks(&next->set, errors);
	if (check_grows(&before, &after))
		check_capacity(&after, &registry->settings.policy, errors);
}

static void check_shrink(const struct view *before, const struct connection_set *after,
			 struct error_list *errors)
{
	struct prefix_totals totals = check_totals(after);
	uint64_t loaded = total(&before->totals), left = total(&totals);
	struct error error;

	if (before->by_name.count == 0 || (after->count > 0 && 2 * left >= loaded))
		return;
	error_set(&error, ERROR_SHRINK,
		  "this would leave %llu of %llu prefixes and %zu of %zu connections",
		  (unsigned long long)left, (unsigned long long)loaded, after->count,
		  before->by_name.count);
	error_set_hint(&error, "--force does it all the same");
	error_list_add(errors, &error);
}

struct view *registry_make_view(const struct registry *registry, struct connection_set *set,
				struct prefix_table *table, uint64_t revision, uint64_t generation)
{
	struct view *view = view_new(set, table);

	if (!view)
		return NULL;
	view->revision = revision;
	view->generation = generation;
	memcpy(view->uuid, registry->store.uuid, sizeof(view->uuid));
	view->compiled = calloc(1, sizeof(*view->compiled));
	if (!view->compiled || compile(view, &registry->settings.tag, view->compiled) < 0) {
		view_unref(view);
		return NULL;
	}
	view->checksum = view->compiled->snapshot->checksum;
	return view;
}

static void registry_show(struct registry *registry, struct view *view)
{
	struct view *old;

	pthread_mutex_lock(&registry->lock);
	old = registry->view;
	registry->view = view;
	pthread_mutex_unlock(&registry->lock);
	view_unref(old);
}

/* Like the other capacities, the room for a table only stands in the way of one that grows. */
static bool table_fits(const struct registry *registry, const struct view *view,
		       struct error_list *errors)
{
	uint64_t room = atomic_load(&registry->table_room), bytes = compiled_bytes(view->compiled);
	struct error error;

	if (room == 0 || bytes <= room || bytes <= compiled_bytes(registry->view->compiled))
		return true;
	error_set(&error, ERROR_CAPACITY,
		  "the table of %llu prefixes and %zu connections would have %llu bytes, and an "
		  "engine has room for %llu",
		  (unsigned long long)total(&view->totals), view->by_name.count,
		  (unsigned long long)bytes, (unsigned long long)room);
	error_set_hint(&error, "raise max_prefixes to %llu and restart the engine",
		       (unsigned long long)(registry->settings.policy.max_prefixes *
					    ((bytes + room - 1) / room)));
	return registry_refuse(errors, &error);
}

/* The last step: to disk, then into sight. Takes the set and the table out of @next. */
static bool next_commit(struct registry *registry, struct next *next, const struct commit *given,
			struct error_list *errors)
{
	struct commit commit = *given;
	struct view *view =
		registry_make_view(registry, &next->set, &next->table, registry->store.revision + 1,
				   registry->store.generation + 1);
	struct error error;

	if (!view)
		return registry_refuse_memory(errors);
	if (!table_fits(registry, view, errors)) {
		view_unref(view);
		return false;
	}
	commit.view = view;
	commit.next_id = next->next_id;
	commit.counters = &next->counters;
	if (!store_commit(&registry->store, &commit, &error)) {
		view_unref(view);
		return registry_refuse(errors, &error);
	}
	registry_show(registry, view);
	return true;
}

static bool commit_difference(struct registry *registry, const struct author *author,
			      const struct proposal *proposal, const struct difference *difference,
			      struct error_list *errors)
{
	struct store *store = &registry->store;
	struct next next = {.next_id = store->next_id};
	struct commit commit = {
		.uid = author->uid,
		.action = proposal->action,
		.difference = difference,
	};
	bool done = false;

	if (!next_collect(&next, difference) || !counters_copy(&store->counters, &next.counters)) {
		registry_refuse_memory(errors);
		goto out;
	}
	if (!next_place(&next, difference, store->generation + 1,
			registry->settings.policy.max_connections, errors))
		goto out;
	if (!prefix_table_merge(&registry->view->table, next.gone, next.gone_count, &next.fresh,
				&next.table)) {
		registry_refuse_memory(errors);
		goto out;
	}
	next_check(registry, &next, errors);
	if (proposal->whole && !author->force)
		check_shrink(registry->view, &next.set, errors);
	if (!error_list_failed(errors))
		done = next_commit(registry, &next, &commit, errors);
out:
	next_done(&next);
	return done;
}

bool registry_commit(struct registry *registry, const struct author *author,
		     struct proposal *proposal, struct registry_result *ret_result,
		     struct error_list *errors)
{
	struct difference difference;
	bool changes, done;

	if (!difference_compute(registry->view, &proposal->desired, &difference)) {
		connection_set_done(&proposal->desired);
		return registry_refuse_memory(errors);
	}
	connection_set_done(&proposal->desired);
	changes = !difference_is_empty(&difference);
	done = !changes || commit_difference(registry, author, proposal, &difference, errors);
	if (done) {
		ret_result->committed = changes;
		ret_result->revision = registry->store.revision;
		ret_result->generation = registry->store.generation;
		ret_result->totals = difference.totals;
		ret_result->seconds = registry_clock() - proposal->started;
	}
	difference_done(&difference);
	return done;
}
