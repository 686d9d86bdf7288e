/* SPDX-License-Identifier: BSD-3-Clause */
#include "registry.h"
#include "registry_commit.h"

#include <stdlib.h>
#include <string.h>

/* The state on disk as a view; publishes a new generation if the snapshot became another. */
static bool load_view(struct registry *registry, struct error *error)
{
	struct store *store = &registry->store;
	struct prefix_table table = {0};
	struct connection_set set;

	if (!store_load(store, store->revision, &set, error))
		return false;
	if (!prefix_table_build(&set, &table)) {
		connection_set_done(&set);
		return error_set(error, ERROR_INTERNAL, "out of memory");
	}
	registry->view =
		registry_make_view(registry, &set, &table, store->revision, store->generation);
	if (!registry->view)
		return error_set(error, ERROR_INTERNAL, "out of memory");
	return true;
}

/*
 * Other tag settings make another snapshot of the same revision, and another snapshot has another
 * number. The checksum covers the number, so it is computed again for the new one.
 */
static bool renew_snapshot(struct registry *registry, struct error *error)
{
	struct store *store = &registry->store;
	struct view *view = registry->view;

	if (store->generation > 0 && view->checksum == store->checksum)
		return true;
	registry->view = NULL;
	store->generation++;
	view_unref(view);
	return load_view(registry, error) &&
	       store_set_snapshot(store, store->generation, registry->view->checksum, error);
}

struct registry *registry_open(const char *path, const struct registry_settings *settings,
			       struct error *error)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (!registry) {
		error_set(error, ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	if (!store_open(path, &registry->store, error)) {
		free(registry);
		return NULL;
	}
	registry->settings = *settings;
	pthread_mutex_init(&registry->lock, NULL);
	if (load_view(registry, error) && renew_snapshot(registry, error))
		return registry;
	registry_close(registry);
	return NULL;
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	view_unref(registry->view);
	store_close(&registry->store);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
}

struct view *registry_view(struct registry *registry)
{
	struct view *view;

	pthread_mutex_lock(&registry->lock);
	view = view_ref(registry->view);
	pthread_mutex_unlock(&registry->lock);
	return view;
}

void registry_set_table_room(struct registry *registry, uint64_t bytes)
{
	atomic_store(&registry->table_room, bytes);
}

const uint8_t *registry_uuid(const struct registry *registry)
{
	return registry->store.uuid;
}

bool registry_apply(struct registry *registry, const struct author *author, struct input *input,
		    struct registry_result *ret_result, struct error_list *errors)
{
	struct proposal proposal = {
		.action = "apply",
		.whole = true,
		.started = registry_clock(),
	};

	memset(ret_result, 0, sizeof(*ret_result));
	if (!check_input(input, &registry->settings.policy) || error_list_failed(&input->errors)) {
		error_list_move(errors, &input->errors);
		return error_list_failed(errors) ? false : registry_refuse_memory(errors);
	}
	proposal.desired = input->connections;
	connection_set_init(&input->connections);
	error_list_move(&ret_result->warnings, &input->warnings);
	if (registry_commit(registry, author, &proposal, ret_result, errors))
		return true;
	registry_result_done(ret_result);
	return false;
}

bool registry_rollback(struct registry *registry, const struct author *author, uint64_t revision,
		       struct registry_result *ret_result, struct error_list *errors)
{
	char action[sizeof("rollback ") + 20];
	struct proposal proposal = {
		.action = action,
		.whole = true,
		.started = registry_clock(),
	};
	struct error error;

	memset(ret_result, 0, sizeof(*ret_result));
	snprintf(action, sizeof(action), "rollback %llu", (unsigned long long)revision);
	if (!store_load(&registry->store, revision, &proposal.desired, &error))
		return registry_refuse(errors, &error);
	return registry_commit(registry, author, &proposal, ret_result, errors);
}

void registry_result_done(struct registry_result *result)
{
	error_list_done(&result->warnings);
	memset(result, 0, sizeof(*result));
}

json_t *registry_result_json(const struct registry_result *result)
{
	json_t *document = difference_totals_json(&result->totals);
	int failed = json_object_set_new(document, "committed", json_boolean(result->committed));

	failed |= json_object_set_new(document, "revision",
				      json_integer((json_int_t)result->revision));
	failed |= json_object_set_new(document, "generation",
				      json_integer((json_int_t)result->generation));
	failed |= json_object_set_new(document, "seconds", json_real(result->seconds));
	failed |= json_object_set_new(document, "warnings", error_list_json(&result->warnings));
	if (!failed)
		return document;
	json_decref(document);
	return NULL;
}

json_t *registry_diff(struct registry *registry, struct input *input, struct error_list *errors)
{
	struct difference difference;
	json_t *document;

	if (!check_input(input, &registry->settings.policy) || error_list_failed(&input->errors)) {
		error_list_move(errors, &input->errors);
		return NULL;
	}
	if (!difference_compute(registry->view, &input->connections, &difference)) {
		registry_refuse_memory(errors);
		return NULL;
	}
	document = difference_json(&difference);
	difference_done(&difference);
	return document;
}

json_t *registry_history(struct registry *registry, struct error *error)
{
	return store_history(&registry->store, error);
}

bool registry_acknowledged(struct registry *registry, uint64_t generation, struct error *error)
{
	return store_acknowledged(&registry->store, generation, error);
}
