/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A registry file: JSON Lines, one JSON array, or CSV; which one is seen from its first characters.
 * A byte order mark and CRLF line ends are tolerated. Everything that is wrong is collected with
 * its line and reading goes on.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef CONTROL_INPUT_H
#define CONTROL_INPUT_H

#include "connection.h"

#define INPUT_SIZE_MAX (256u << 20) /* bytes of a file */

struct input {
	struct connection_set connections; /* in file order; also those with errors but a name */
	struct error_list errors;
	struct error_list warnings;
};

/* Always fills @ret_input; input_done() frees it. */
void input_read(const char *text, size_t size, struct input *ret_input);

/* @path "-" is standard input. False: the file cannot be read, nothing to free. */
bool input_read_file(const char *path, struct input *ret_input, struct error *error);

void input_done(struct input *input);

#endif
