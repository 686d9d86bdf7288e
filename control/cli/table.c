/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define COLUMNS_MAX 24

struct column {
	char *title;
	bool right;
};

struct table {
	struct column columns[COLUMNS_MAX];
	size_t column_count;
	char **cells;
	size_t count;
	size_t capacity;
};

struct table *table_new(const char *titles)
{
	struct table *table = calloc(1, sizeof(*table));

	while (table && *titles && table->column_count < COLUMNS_MAX) {
		struct column *column = &table->columns[table->column_count++];
		size_t length;

		column->right = *titles == '>';
		titles += column->right;
		length = strcspn(titles, " ");
		column->title = strndup(titles, length);
		titles += length + (titles[length] == ' ');
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->column_count; i++)
		free(table->columns[i].title);
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* Takes over `cell`. */
static void append(struct table *table, char *cell)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 64;
		char **cells = reallocarray(table->cells, capacity, sizeof(*cells));

		if (!cells) {
			free(cell);
			return;
		}
		table->cells = cells;
		table->capacity = capacity;
	}
	table->cells[table->count++] = cell;
}

void table_text(struct table *table, const char *format, ...)
{
	va_list arguments;
	char *cell = NULL;

	if (!table)
		return;
	va_start(arguments, format);
	if (vasprintf(&cell, format, arguments) < 0)
		cell = NULL;
	va_end(arguments);
	append(table, cell);
}

void table_number(struct table *table, uint64_t number)
{
	table_text(table, "%" PRIu64, number);
}

size_t table_rows(const struct table *table)
{
	return table ? (table->count + table->column_count - 1) / table->column_count : 0;
}

size_t text_width(const char *text)
{
	mbstate_t state = {};
	size_t width = 0, left = strlen(text);

	while (left) {
		wchar_t character;
		size_t bytes = mbrtowc(&character, text, left, &state);

		if (bytes == (size_t)-1 || bytes == (size_t)-2)
			return width + left;
		if (wcwidth(character) > 0)
			width += wcwidth(character);
		text += bytes;
		left -= bytes;
	}
	return width;
}

void text_fit(const char *text, size_t width, char *to, size_t bytes)
{
	mbstate_t state = {};
	size_t used = 0;

	while (*text && used + MB_LEN_MAX < bytes) {
		wchar_t character;
		size_t length = mbrtowc(&character, text, MB_LEN_MAX, &state);
		int columns;

		if (length == (size_t)-1 || length == (size_t)-2)
			break;
		columns = wcwidth(character) > 0 ? wcwidth(character) : 0;
		if ((size_t)columns > width)
			break;
		memcpy(to + used, text, length);
		used += length;
		width -= columns;
		text += length;
	}
	while (width-- && used + 1 < bytes)
		to[used++] = ' ';
	to[used] = '\0';
}

/* The row before the first holds the titles. */
static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	size_t at = row * table->column_count + column;
	const char *text;

	if (row == SIZE_MAX)
		text = table->columns[column].title;
	else
		text = at < table->count ? table->cells[at] : NULL;
	return text ? text : "";
}

static void measure(const struct table *table, size_t widths[COLUMNS_MAX])
{
	for (size_t column = 0; column < table->column_count; column++) {
		widths[column] = text_width(cell_at(table, SIZE_MAX, column));
		for (size_t row = 0; row < table_rows(table); row++) {
			size_t width = text_width(cell_at(table, row, column));

			if (width > widths[column])
				widths[column] = width;
		}
	}
}

static void pad(size_t width, FILE *stream)
{
	while (width--)
		fputc(' ', stream);
}

/* The last column that has something in this row; behind it no spaces are printed. */
static size_t last_filled(const struct table *table, size_t row)
{
	size_t last = table->column_count - 1;

	while (last && !*cell_at(table, row, last))
		last--;
	return last;
}

static void print_row(const struct table *table, size_t row, const size_t widths[COLUMNS_MAX],
		      FILE *stream)
{
	size_t last = last_filled(table, row);

	for (size_t column = 0; column <= last; column++) {
		const char *text = cell_at(table, row, column);
		size_t space = widths[column] - text_width(text);
		bool right = table->columns[column].right;

		pad(right ? space : 0, stream);
		fputs(text, stream);
		pad(right || column == last ? 0 : space, stream);
		pad(column == last ? 0 : 2, stream);
	}
	fputc('\n', stream);
}

void table_print(const struct table *table, FILE *stream)
{
	size_t widths[COLUMNS_MAX];

	if (!table_rows(table))
		return;
	measure(table, widths);
	print_row(table, SIZE_MAX, widths, stream);
	for (size_t row = 0; row < table_rows(table); row++)
		print_row(table, row, widths, stream);
}
