/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the words of a command line to an invocation, by the table of commands.
 *
 * Objects, verbs and words may be shortened as long as they begin only one. The global options -j,
 * -c and -s may stand anywhere; "--" ends the options. Threading: pure functions.
 */
#ifndef CONTROL_ARGUMENTS_H
#define CONTROL_ARGUMENTS_H

#include "commands.h"

/* The options that every command takes. */
extern const struct parameter global_options[];

/*
 * `words`: argv without the program's name. Returns EXIT_DONE, or EXIT_USAGE and *ret_error, an
 * object with code, message and hint, to be released. Fills *ret_invocation as far as it came in
 * both cases (its options say how errors are printed); invocation_done() frees it.
 */
enum exit_code arguments_parse(int count, char **words, struct invocation *ret_invocation,
			       json_t **ret_error);
void invocation_done(struct invocation *invocation);

#endif
