/* SPDX-License-Identifier: BSD-3-Clause */
#include "error.h"

#include <stdlib.h>
#include <string.h>

/* The six texts of a struct error, one behind the other, each with its NUL. */
struct packed_error {
	enum error_code code;
	uint32_t line;
	size_t sequence; /* keeps the order of one line's errors when they are sorted */
	char texts[];
};

#define TEXTS 6

/* The fields of @error that are texts, in the order in which they are packed. */
static void error_texts(struct error *error, char *texts[TEXTS])
{
	texts[0] = error->message;
	texts[1] = error->hint;
	texts[2] = error->connection;
	texts[3] = error->prefix;
	texts[4] = error->conflicts_with;
	texts[5] = error->conflicts_with_prefix;
}

static struct packed_error *pack(const struct error *error)
{
	struct error copy = *error;
	struct packed_error *packed;
	char *texts[TEXTS];
	size_t size = sizeof(*packed);
	char *out;

	error_texts(&copy, texts);
	for (int i = 0; i < TEXTS; i++)
		size += strlen(texts[i]) + 1;
	packed = malloc(size);
	if (!packed)
		return NULL;
	packed->code = copy.code;
	packed->line = copy.line;
	out = packed->texts;
	for (int i = 0; i < TEXTS; i++)
		out = stpcpy(out, texts[i]) + 1;
	return packed;
}

void error_list_init(struct error_list *list)
{
	memset(list, 0, sizeof(*list));
}

void error_list_done(struct error_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i]);
	free(list->entries);
	error_list_init(list);
}

static bool list_append(struct error_list *list, struct packed_error *packed)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		void *entries = reallocarray(list->entries, capacity, sizeof(*list->entries));

		if (!entries)
			return false;
		list->entries = entries;
		list->capacity = capacity;
	}
	packed->sequence = list->count;
	list->entries[list->count++] = packed;
	return true;
}

void error_list_add(struct error_list *list, const struct error *error)
{
	struct packed_error *packed = pack(error);

	if (packed && list_append(list, packed))
		return;
	free(packed);
	list->truncated = true;
}

void error_list_get(const struct error_list *list, size_t at, struct error *ret_error)
{
	const struct packed_error *packed = list->entries[at];
	const char *in = packed->texts;
	char *texts[TEXTS];

	memset(ret_error, 0, sizeof(*ret_error));
	ret_error->code = packed->code;
	ret_error->line = packed->line;
	error_texts(ret_error, texts);
	for (int i = 0; i < TEXTS; i++) {
		strcpy(texts[i], in);
		in += strlen(in) + 1;
	}
}

void error_list_move(struct error_list *list, struct error_list *from)
{
	list->truncated |= from->truncated;
	for (size_t i = 0; i < from->count; i++) {
		if (!list_append(list, from->entries[i])) {
			free(from->entries[i]);
			list->truncated = true;
		}
	}
	from->count = 0;
	error_list_done(from);
}

static int compare_lines(const void *a, const void *b)
{
	const struct packed_error *x = *(struct packed_error *const *)a;
	const struct packed_error *y = *(struct packed_error *const *)b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

void error_list_sort(struct error_list *list)
{
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries), compare_lines);
}

bool error_list_failed(const struct error_list *list)
{
	return list->count > 0 || list->truncated;
}

json_t *error_list_json(const struct error_list *list)
{
	json_t *array = json_array();
	struct error error;

	for (size_t i = 0; i < list->count; i++) {
		error_list_get(list, i, &error);
		if (json_array_append_new(array, error_json(&error)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
