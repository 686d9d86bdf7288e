/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command that is one HTTP request: made of its arguments, sent, and its answer told.
 * Threading: the program's only thread.
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include "client.h"
#include "commands.h"

struct request {
	const char *method;
	char *path; /* escaped, with the query */
	char *body; /* NULL: none */
	size_t bytes;
};

/* From a parsed invocation, without the body of commands that send a file. False: no memory. */
bool request_make(const struct invocation *invocation, struct request *ret_request);
void request_done(struct request *request);

/*
 * The client of the daemon that the invocation means. NULL: an error was printed, its exit code is
 * in *ret_code.
 */
struct client *request_client(const struct invocation *invocation, enum exit_code *ret_code);

/*
 * The answer as JSON, or NULL: the error was printed, its exit code is in *ret_code. An empty
 * answer is null.
 */
json_t *request_send(const struct invocation *invocation, struct client *client,
		     const struct request *request, enum exit_code *ret_code);

/* Prints the error that an answer without success holds. Returns its exit code. */
enum exit_code request_refused(const struct invocation *invocation,
			       const struct response *response);

/* All of it. */
enum exit_code request_run(const struct invocation *invocation);

#endif
