/* SPDX-License-Identifier: BSD-3-Clause */
#include "task.h"
#include "log.h"

#include "../registry/compile.h"

#include <stdlib.h>
#include <string.h>

#define ERRORS_SHOWN 10000

static void task_free(struct task *task)
{
	error_list_done(&task->errors);
	if (task->has_result)
		registry_result_done(&task->result);
	free(task->name);
	free(task);
}

/* {"error": the first, "errors": all of them} */
static void respond_errors(struct task *task)
{
	json_t *document = json_object();
	json_t *all = json_array();
	struct error first, error;

	error_list_sort(&task->errors);
	error_list_get(&task->errors, 0, &first);
	for (size_t i = 0; i < task->errors.count && i < ERRORS_SHOWN; i++) {
		error_list_get(&task->errors, i, &error);
		json_array_append_new(all, error_json(&error));
	}
	json_object_set_new(document, "error", error_json(&first));
	json_object_set_new(document, "errors", all);
	http_respond_json(task->request, http_status_of(first.code), document);
}

/* A change stands whatever the engines say of it; what they say is a warning. */
static void warn_of_engines(struct task *task)
{
	const struct engines *engines = task->service->engines;
	struct error warning;

	for (size_t i = 0; i < engines_count(engines); i++) {
		const struct engine *engine = engines_at(engines, i);

		if (engines_current(engines, engine))
			continue;
		error_set(&warning, ERROR_UNREACHABLE,
			  "engine %s does not run generation %llu yet: %s", engine->name,
			  (unsigned long long)engines_desired(engines),
			  engine->failure[0] ? engine->failure : "it is still busy");
		error_set_hint(&warning,
			       "the change is stored and will be sent again; see `peertag "
			       "status`");
		error_list_add(&task->result.warnings, &warning);
	}
}

static void task_settled(void *closure)
{
	struct task *task = closure;

	if (task->result.committed)
		warn_of_engines(task);
	http_respond_json(task->request, task->status, registry_result_json(&task->result));
	task_free(task);
}

static void tell_revision(struct service *service, const struct registry_result *result)
{
	json_t *event = registry_result_json(result);

	json_object_del(event, "warnings");
	events_emit(service->events, "revision", event);
}

static void task_done(struct job *job)
{
	struct task *task = (struct task *)job;

	if (task->has_result && task->result.committed) {
		tell_revision(task->service, &task->result);
		if (task->view)
			service_publish(task->service, task->view, task->snapshot_fd);
	}
	if (task->has_result && !task->errors.count) {
		engines_wait(task->service->engines, task->result.generation, TASK_WAIT_US,
			     task_settled, task);
		return;
	}
	if (task->errors.count)
		respond_errors(task);
	else if (task->text)
		http_respond(task->request, task->status, "application/x-ndjson", task->text,
			     strlen(task->text));
	else
		http_respond_json(task->request, task->status, task->answer);
	task_free(task);
}

/* Leaves what publishing needs. Without it the engines keep what they have. */
static void task_snapshot(struct task *task)
{
	struct view *view = registry_view(task->service->registry);
	struct error error;

	task->snapshot_fd = compiled_memfd(view->compiled);
	if (task->snapshot_fd >= 0) {
		task->view = view;
		return;
	}
	view_unref(view);
	error_set(
		&error, ERROR_INTERNAL,
		"the change is stored, but its snapshot cannot be handed over: %s; the engines keep "
		"the one before",
		strerror(-task->snapshot_fd));
	error_list_add(&task->errors, &error);
}

static void task_run(struct job *job)
{
	struct task *task = (struct task *)job;

	if (task->run(task) && task->has_result && task->result.committed)
		task_snapshot(task);
}

void task_start(struct service *service, struct http_request *request,
		bool (*run)(struct task *task), char *name)
{
	struct task *task = calloc(1, sizeof(*task));
	char *force = http_argument(request, "force");

	task->job.run = task_run;
	task->job.done = task_done;
	task->service = service;
	task->request = request;
	task->run = run;
	task->author.uid = http_uid(request);
	task->author.force = force && (!strcmp(force, "true") || !strcmp(force, "1"));
	task->name = name;
	task->body = http_body(request, &task->body_bytes);
	task->status = 200;
	error_list_init(&task->errors);
	free(force);
	writer_submit(service->writer, &task->job);
}
