/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request that runs on the writer thread: a change of the registry, or a question to it that
 * takes long. A change that was committed is published, and answered once the engines that are
 * connected have taken it, after TASK_WAIT_US at the latest.
 *
 * Threading: task_start() on the event loop's thread.
 */
#ifndef CONTROL_TASK_H
#define CONTROL_TASK_H

#include "service.h"

#define TASK_WAIT_US 10000000

struct task {
	struct job job;
	struct service *service;
	struct http_request *request;
	/* Returns false with at least one of `errors`, or true with an answer or a result. */
	bool (*run)(struct task *task);
	struct author author;
	char *name;	  /* of the connection, from the path; may be NULL */
	const char *body; /* lives as long as the request */
	size_t body_bytes;

	/* What run() leaves. */
	struct error_list errors;
	json_t *answer; /* else: */
	char *text;	/* JSON Lines; else: */
	struct registry_result result;
	bool has_result;
	unsigned status; /* 200 unless it says otherwise */

	/* What the writer thread makes of a commit. */
	struct view *view; /* NULL: nothing to publish, and the other means nothing */
	int snapshot_fd;
};

/* Takes over `name`. */
void task_start(struct service *service, struct http_request *request,
		bool (*run)(struct task *task), char *name);

/* The tasks, by what is asked. */
bool task_add(struct task *task);
bool task_replace(struct task *task);
bool task_patch(struct task *task);
bool task_delete(struct task *task);
bool task_check(struct task *task);
bool task_diff(struct task *task);
bool task_apply(struct task *task);
bool task_export(struct task *task);
bool task_history(struct task *task);
bool task_rollback(struct task *task);

#endif
