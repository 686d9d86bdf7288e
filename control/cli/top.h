/* SPDX-License-Identifier: BSD-3-Clause */
/* The faces of `peertag top`. Threading: the program's only thread. */
#ifndef CONTROL_TOP_H
#define CONTROL_TOP_H

#include "commands.h"
#include "top_sample.h"

/* "1.23k", "45.6M": four characters or five, of a number that is not negative. */
#define TOP_UNIT_BYTES 16
char *top_unit(double number, char text[TOP_UNIT_BYTES]);

/* "now", "12s", "5m", "3h" since the row had traffic, "-" if it had none. */
char *top_seen(const struct top *top, const struct top_row *row, char text[TOP_UNIT_BYTES]);

/* The full-screen view, until q. Its first sample is taken. EXIT_FAILED: no terminal to draw on. */
enum exit_code top_screen(struct top *top, double interval_s);

/* One sample as JSON, of the document that `-j -b` prints; NULL without memory. */
json_t *top_json(const struct top *top);

#endif
