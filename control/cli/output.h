/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a command ends: its document on standard output, or its error where the contract wants it,
 * and the exit code. Threading: the program's only thread.
 */
#ifndef CONTROL_OUTPUT_H
#define CONTROL_OUTPUT_H

#include "commands.h"
#include "../registry/error.h"

/* Prints one JSON document and a newline; borrows it. EXIT_FAILED if it cannot be written. */
enum exit_code output_document(const json_t *document);

/* All of what was printed so far has arrived; else says so. Returns `code` or EXIT_FAILED. */
enum exit_code output_finish(enum exit_code code);

/*
 * Prints the answer to a request that was refused: {"error": {...}, "errors": [...]} or anything
 * else that holds an "error". Borrows it. Returns the exit code that the error's code stands for.
 */
enum exit_code output_refusal(const struct invocation *invocation, const json_t *answer);

/* The same of a struct error. */
enum exit_code output_error(const struct invocation *invocation, const struct error *error);

/* The same of words of our own; `hint` may be NULL. Returns `exit_code`. */
enum exit_code output_failure(const struct invocation *invocation, enum exit_code exit_code,
			      const char *code, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Warnings that came with an answer, to standard error. */
void output_warnings(const json_t *warnings);

#endif
