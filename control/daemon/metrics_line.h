/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A line of the exposition while it is written, into room that is known to do.
 * Threading: plain values.
 */
#ifndef CONTROL_METRICS_LINE_H
#define CONTROL_METRICS_LINE_H

#include <stdint.h>

/* A place to append to; what is appended is known to fit. */
struct line {
	char *pos;
};

void line_text(struct line *line, const char *text);
void line_number(struct line *line, uint64_t number);
/* As a decimal fraction, exactly: `parts` of one, which `one` (a power of ten) make up. */
void line_fraction(struct line *line, uint64_t parts, uint64_t one);
/* `label` is what stands in front of the value, `,city="`; NULL is an empty value. */
void line_pair(struct line *line, const char *label, const char *value);

#endif
