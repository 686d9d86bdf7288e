/* SPDX-License-Identifier: BSD-3-Clause */
/* The CSV form of a registry file, for input.c. Threading: pure functions. */
#ifndef CONTROL_INPUT_CSV_H
#define CONTROL_INPUT_CSV_H

#include "input.h"

/* True when the first line of @text names one of the columns. */
bool input_is_csv(const char *text, size_t size);
/* Adds to @input, as input_read() does. */
void input_read_csv(const char *text, size_t size, struct input *input);

#endif
