/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tasks themselves: the part of each request that runs on the writer thread.
 */
#include "task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body as a JSON object, or NULL and an error. */
static json_t *body_object(struct task *task)
{
	json_error_t where;
	struct error error;
	json_t *document = json_loadb(task->body, task->body_bytes, JSON_REJECT_DUPLICATES, &where);

	if (!document)
		error_set(&error, ERROR_SYNTAX, "the body is not JSON: %s, line %d, column %d",
			  where.text, where.line, where.column);
	else if (!json_is_object(document))
		error_set(&error, ERROR_BAD_VALUE, "the body is not a JSON object");
	else
		return document;
	json_decref(document);
	error_list_add(&task->errors, &error);
	return NULL;
}

/* Runs a change whose body is one object, and keeps its result. */
static bool with_document(struct task *task, bool (*change)(struct task *task, json_t *document))
{
	json_t *document = body_object(task);

	if (!document)
		return false;
	task->has_result = change(task, document);
	json_decref(document);
	return task->has_result;
}

static bool add_document(struct task *task, json_t *document)
{
	return registry_add(task->service->registry, &task->author, document, &task->result,
			    &task->errors);
}

bool task_add(struct task *task)
{
	task->status = 201;
	return with_document(task, add_document);
}

/* What GET gave may be PUT again: the id in it, where it is the right one, says nothing new. */
static void drop_own_id(json_t *document, uint32_t id)
{
	const json_t *given = json_object_get(document, "id");

	if (json_is_integer(given) && json_integer_value(given) == id)
		json_object_del(document, "id");
}

/* PUT makes the connection what the body says, and registers it if there is none. */
static bool replace_document(struct task *task, json_t *document)
{
	struct view *view = registry_view(task->service->registry);
	const struct connection *connection = view_find(view, task->name);
	bool known = connection;

	if (known)
		drop_own_id(document, connection->id);
	view_unref(view);
	if (known)
		return registry_replace(task->service->registry, &task->author, task->name,
					document, &task->result, &task->errors);
	task->status = 201;
	if (!json_object_get(document, "name"))
		json_object_set_new(document, "name", json_string(task->name));
	if (json_is_string(json_object_get(document, "name")) &&
	    !strcmp(json_string_value(json_object_get(document, "name")), task->name))
		return add_document(task, document);

	struct error error;

	error_set(&error, ERROR_BAD_VALUE, "the name in the body is not the one in the path");
	error_name(error.connection, task->name);
	error_list_add(&task->errors, &error);
	return false;
}

bool task_replace(struct task *task)
{
	return with_document(task, replace_document);
}

/* PATCH with prefixes_add, _set or _del changes prefixes; with anything else, keys. */
static bool patch_document(struct task *task, json_t *document)
{
	static const struct {
		const char *key;
		enum prefix_verb verb;
	} verbs[] = {
		{"prefixes_add", PREFIX_ADD},
		{"prefixes_set", PREFIX_SET},
		{"prefixes_del", PREFIX_DELETE},
	};
	struct error error;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		json_t *prefixes = json_object_get(document, verbs[i].key);

		if (!prefixes)
			continue;
		if (json_object_size(document) == 1)
			return registry_prefixes(task->service->registry, &task->author, task->name,
						 verbs[i].verb, prefixes, &task->result,
						 &task->errors);
		error_set(&error, ERROR_BAD_VALUE, "%s stands alone in a PATCH", verbs[i].key);
		error_list_add(&task->errors, &error);
		return false;
	}
	return registry_patch(task->service->registry, &task->author, task->name, document,
			      &task->result, &task->errors);
}

bool task_patch(struct task *task)
{
	return with_document(task, patch_document);
}

bool task_delete(struct task *task)
{
	task->has_result = registry_delete(task->service->registry, &task->author, task->name,
					   &task->result, &task->errors);
	return task->has_result;
}

bool task_check(struct task *task)
{
	struct input input;

	input_read(task->body, task->body_bytes, &input);
	check_input(&input, &task->service->settings.policy);
	task->answer = check_document(&input);
	input_done(&input);
	return true;
}

bool task_diff(struct task *task)
{
	struct input input;

	input_read(task->body, task->body_bytes, &input);
	task->answer = registry_diff(task->service->registry, &input, &task->errors);
	input_done(&input);
	return task->answer;
}

bool task_apply(struct task *task)
{
	struct input input;

	input_read(task->body, task->body_bytes, &input);
	task->has_result = registry_apply(task->service->registry, &task->author, &input,
					  &task->result, &task->errors);
	input_done(&input);
	return task->has_result;
}

bool task_export(struct task *task)
{
	struct view *view = registry_view(task->service->registry);
	size_t bytes = 0;
	FILE *stream = open_memstream(&task->text, &bytes);
	bool good = stream && view_export(view, stream);
	struct error error;

	if (stream && fclose(stream))
		good = false;
	view_unref(view);
	if (good)
		return true;
	free(task->text);
	task->text = NULL;
	error_set(&error, ERROR_INTERNAL, "cannot write the registry: out of memory");
	error_list_add(&task->errors, &error);
	return false;
}

bool task_history(struct task *task)
{
	struct error error;

	task->answer = registry_history(task->service->registry, &error);
	if (!task->answer)
		error_list_add(&task->errors, &error);
	return task->answer;
}

static bool rollback_document(struct task *task, json_t *document)
{
	json_t *revision = json_object_get(document, "revision");
	struct error error;

	if (!json_is_integer(revision) || json_integer_value(revision) < 0) {
		error_set(&error, revision ? ERROR_BAD_VALUE : ERROR_MISSING_KEY,
			  "rollback wants {\"revision\": NUMBER}");
		error_set_hint(&error, "GET /v1/history lists the revisions that are kept");
		error_list_add(&task->errors, &error);
		return false;
	}
	if (json_is_true(json_object_get(document, "force")))
		task->author.force = true;
	return registry_rollback(task->service->registry, &task->author,
				 json_integer_value(revision), &task->result, &task->errors);
}

bool task_rollback(struct task *task)
{
	return with_document(task, rollback_document);
}
