/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_line.h"

#include <string.h>

void line_text(struct line *line, const char *text)
{
	size_t bytes = strlen(text);

	memcpy(line->pos, text, bytes);
	line->pos += bytes;
}

void line_number(struct line *line, uint64_t number)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = '0' + number % 10;
	while (number /= 10);
	while (n)
		*line->pos++ = digits[--n];
}

void line_fraction(struct line *line, uint64_t parts, uint64_t one)
{
	line_number(line, parts / one);
	*line->pos++ = '.';
	for (uint64_t place = one / 10; place; place /= 10)
		*line->pos++ = '0' + parts / place % 10;
}

/* A label value: backslash, quote and line feed are escaped (Prometheus text format 0.0.4). */
static void line_label(struct line *line, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			*line->pos++ = '\\';
		*line->pos++ = *value == '\n' ? 'n' : *value;
	}
}

void line_pair(struct line *line, const char *label, const char *value)
{
	line_text(line, label);
	line_label(line, value ? value : "");
	*line->pos++ = '"';
}
