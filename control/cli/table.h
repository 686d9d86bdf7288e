/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text table with aligned columns. Threading: one thread at a time.
 */
#ifndef CONTROL_TABLE_H
#define CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

/*
 * `titles`: the columns, separated by spaces; a title that begins with > is of a column of numbers,
 * which is aligned right. Running out of memory leaves out cells.
 */
struct table *table_new(const char *titles);
void table_free(struct table *table);

/* The next cell, row by row; copies its text. */
void table_text(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_number(struct table *table, uint64_t number);

size_t table_rows(const struct table *table);

/* Two spaces between columns, none at the end of a line. Nothing is printed of a table of no rows.
 */
void table_print(const struct table *table, FILE *stream);

/* Columns that `text` takes on a terminal. */
size_t text_width(const char *text);

/* Copies what fits of `text` into `width` columns and `bytes` bytes, and fills up with spaces. */
void text_fit(const char *text, size_t width, char *to, size_t bytes);

#endif
