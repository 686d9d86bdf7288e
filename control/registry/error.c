/* SPDX-License-Identifier: BSD-3-Clause */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *error_code_name(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return "none";
	case ERROR_SYNTAX:
		return "syntax";
	case ERROR_UNKNOWN_KEY:
		return "unknown_key";
	case ERROR_MISSING_KEY:
		return "missing_key";
	case ERROR_BAD_VALUE:
		return "bad_value";
	case ERROR_HOST_BITS:
		return "host_bits";
	case ERROR_DUPLICATE_NAME:
		return "duplicate_name";
	case ERROR_DUPLICATE_PREFIX:
		return "duplicate_prefix";
	case ERROR_OVERLAP:
		return "overlap";
	case ERROR_REPEATED_PREFIX:
		return "repeated_prefix";
	case ERROR_SPECIAL_RANGE:
		return "special_range";
	case ERROR_DEFAULT_ROUTE:
		return "default_route";
	case ERROR_CAPACITY:
		return "capacity";
	case ERROR_SHRINK:
		return "shrink";
	case ERROR_CONFLICT:
		return "conflict";
	case ERROR_NOT_FOUND:
		return "not_found";
	case ERROR_FORBIDDEN:
		return "forbidden";
	case ERROR_TOO_LARGE:
		return "too_large";
	case ERROR_UNREACHABLE:
		return "unreachable";
	case ERROR_INTERNAL:
		return "internal";
	}
	return "?";
}

bool error_code_refuses(enum error_code code)
{
	return code >= ERROR_SYNTAX && code <= ERROR_CONFLICT;
}

/* The length of the well-formed UTF-8 character at @text (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, low, high; /* of the lead byte, of the second byte */
		size_t length;
	} forms[] = {
		{0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (text[0] < forms[i].first || text[0] > forms[i].last)
			continue;
		if (forms[i].length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
			return 0;
		for (size_t at = 2; at < forms[i].length; at++)
			if ((text[at] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* What is no UTF-8, and control characters, become '?'; a character cut at the end goes. */
static void text_repair(char *text, size_t size)
{
	size_t end = strlen(text);
	bool full = end == size - 1;

	for (size_t at = 0; at < end;) {
		size_t length = utf8_length((unsigned char *)text + at);

		if (length == 0 && full && at + 4 > end) {
			text[at] = '\0';
			return;
		}
		if (length == 0 || (length == 1 && (text[at] < ' ' || text[at] == 0x7f)))
			text[at] = '?';
		at += length ? length : 1;
	}
}

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
	va_list arguments;

	memset(error, 0, sizeof(*error));
	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	text_repair(error->message, sizeof(error->message));
	return false;
}

void error_set_hint(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
	text_repair(error->hint, sizeof(error->hint));
}

static void field_copy(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
	text_repair(field, size);
}

void error_name(char field[ERROR_NAME_SIZE], const char *text)
{
	field_copy(field, ERROR_NAME_SIZE, text);
}

void error_prefix(char field[ERROR_PREFIX_SIZE], const char *text)
{
	field_copy(field, ERROR_PREFIX_SIZE, text);
}

static int put_text(json_t *object, const char *key, const char *text)
{
	return *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

json_t *error_json(const struct error *error)
{
	json_t *object = json_object();
	int failed = 0;

	failed |= put_text(object, "code", error_code_name(error->code));
	failed |= put_text(object, "message", error->message);
	failed |= put_text(object, "hint", error->hint);
	if (error->line)
		failed |= json_object_set_new(object, "line", json_integer(error->line));
	failed |= put_text(object, "connection", error->connection);
	failed |= put_text(object, "prefix", error->prefix);
	failed |= put_text(object, "conflicts_with", error->conflicts_with);
	failed |= put_text(object, "conflicts_with_prefix", error->conflicts_with_prefix);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}
