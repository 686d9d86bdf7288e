/* SPDX-License-Identifier: BSD-3-Clause */
#include "suggest.h"

#include <string.h>
#include <strings.h>

#define WORD_MAX 32

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein, case ignored, one row of the matrix at a time. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], columns = strlen(b);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t above = row[j];
			size_t changed = strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;

			row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + changed);
			diagonal = above;
		}
	}
	return row[columns];
}

const char *suggest_word(const char *const *words, size_t count, const char *text)
{
	const char *best = NULL;
	size_t length = strlen(text);
	size_t least = length / 3 + 2; /* a word as far away as this is another word */

	if (length > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(text, words[i]);

		if (distance < least && distance < strlen(words[i])) {
			least = distance;
			best = words[i];
		}
	}
	for (size_t i = 0; !best && length >= 3 && i < count; i++)
		if (strncasecmp(text, words[i], length) == 0)
			best = words[i];
	return best;
}
