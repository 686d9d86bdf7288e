/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can be wrong with a request, in the words that users and programs see. Everything below the
 * API and the command line fills in a struct error, or adds to a list of them, and prints nothing.
 *
 * Threading: plain values, no shared state.
 */
#ifndef CONTROL_ERROR_H
#define CONTROL_ERROR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum error_code {
	ERROR_NONE,
	ERROR_SYNTAX,
	ERROR_UNKNOWN_KEY,
	ERROR_MISSING_KEY,
	ERROR_BAD_VALUE,
	ERROR_HOST_BITS,
	ERROR_DUPLICATE_NAME,
	ERROR_DUPLICATE_PREFIX,
	ERROR_OVERLAP,
	ERROR_REPEATED_PREFIX,
	ERROR_SPECIAL_RANGE,
	ERROR_DEFAULT_ROUTE,
	ERROR_CAPACITY,
	ERROR_SHRINK,
	ERROR_CONFLICT,
	ERROR_NOT_FOUND,
	ERROR_FORBIDDEN,
	ERROR_TOO_LARGE,
	ERROR_UNREACHABLE,
	ERROR_INTERNAL,
};

#define ERROR_NAME_SIZE	  129
#define ERROR_PREFIX_SIZE 64

/* An empty string and line 0 mean "not about any". All texts are valid UTF-8. */
struct error {
	enum error_code code;
	uint32_t line;
	char message[640];
	char hint[320];
	char connection[ERROR_NAME_SIZE];
	char prefix[ERROR_PREFIX_SIZE];
	char conflicts_with[ERROR_NAME_SIZE];
	char conflicts_with_prefix[ERROR_PREFIX_SIZE];
};

/* The code as it stands in JSON: "duplicate_prefix". */
const char *error_code_name(enum error_code code);

/* True for a code that says "a rule refuses this": exit code 4 of the command line. */
bool error_code_refuses(enum error_code code);

/* Starts @error afresh with a code and a message; false, so that a check may return it. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void error_set_hint(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Copies @text into a field of @error, cut at a character where it does not fit. */
void error_name(char field[ERROR_NAME_SIZE], const char *text);
void error_prefix(char field[ERROR_PREFIX_SIZE], const char *text);

/* {"code","message",...}, absent fields left out; NULL without memory. */
json_t *error_json(const struct error *error);

/* A growable list; entries are stored packed, a few bytes more than their texts. */
struct error_list {
	struct packed_error **entries;
	size_t count;
	size_t capacity;
	bool truncated; /* out of memory: at least one more was found */
};

void error_list_init(struct error_list *list);
void error_list_done(struct error_list *list);
void error_list_add(struct error_list *list, const struct error *error);
void error_list_get(const struct error_list *list, size_t at, struct error *ret_error);
/* True when there is anything in it. */
bool error_list_failed(const struct error_list *list);
/* Moves all of @from behind the entries of @list and leaves @from empty. */
void error_list_move(struct error_list *list, struct error_list *from);
/* In the order of the file; entries of one line keep theirs. */
void error_list_sort(struct error_list *list);
json_t *error_list_json(const struct error_list *list);

#endif
