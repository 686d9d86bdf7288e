/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of commands as text for people. Threading: pure functions. */
#ifndef CONTROL_HELP_H
#define CONTROL_HELP_H

#include "commands.h"

#include <stdio.h>

/* "peertag connection del NAME", cut where it does not fit. */
void help_synopsis(const struct command *command, char *text, size_t bytes);

/* Everything; or what there is of one object. */
void help_print(FILE *stream);
void help_print_object(FILE *stream, const char *object);

#endif
