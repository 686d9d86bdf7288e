/* SPDX-License-Identifier: BSD-3-Clause */
/* The values of a command line, in the form that the table asks for. Threading: pure functions. */
#ifndef CONTROL_ARGUMENT_VALUE_H
#define CONTROL_ARGUMENT_VALUE_H

#include "commands.h"

/*
 * Stores a value of `parameter` in the invocation: in its own fields for a global option, else in
 * its arguments. `text` NULL: a flag; `second`: a label's value, else NULL. False: `why` says what
 * is wrong with it.
 */
bool argument_store(struct invocation *invocation, const struct parameter *parameter,
		    const char *text, const char *second, char *why, size_t bytes);

#endif
