/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"
#include "input.h"
#include "input_csv.h"

#include <stdlib.h>
#include <string.h>

#define JSON_FLAGS	(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static void refuse_syntax(struct input *input, uint32_t line, const json_error_t *why)
{
	struct error error;

	error_set(&error, ERROR_SYNTAX, "not JSON: column %d: %.160s", why->column, why->text);
	error.line = line;
	error_list_add(&input->errors, &error);
}

static void refuse_form(struct input *input, uint32_t line, const char *message)
{
	struct error error;

	error_set(&error, ERROR_SYNTAX, "%s", message);
	error.line = line;
	error_list_add(&input->errors, &error);
}

/* Takes over @document. */
static void input_take(struct input *input, json_t *document, uint32_t line)
{
	struct connection *connection =
		connection_decode(document, line, &input->errors, &input->warnings);

	json_decref(document);
	if (connection && !connection_set_add(&input->connections, connection))
		input->errors.truncated = true;
}

static size_t blank_length(const char *text, size_t size)
{
	size_t bytes = 0;

	while (bytes < size && text[bytes] && strchr(" \t\r\n", text[bytes]))
		bytes++;
	return bytes;
}

static void read_lines(const char *text, size_t size, struct input *input)
{
	const char *end = text + size;

	for (uint32_t line = 1; text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);
		json_error_t why;
		json_t *document;

		if (blank_length(text, length) < length) {
			document = json_loadb(text, length, JSON_FLAGS, &why);
			if (document)
				input_take(input, document, line);
			else
				refuse_syntax(input, line, &why);
		}
		text += length + (newline != NULL);
	}
}

/* A place in a JSON array that is read element by element. */
struct array_cursor {
	const char *text;
	const char *end;
	uint32_t line;
};

static void cursor_advance(struct array_cursor *cursor, size_t bytes)
{
	for (const char *stop = cursor->text + bytes; cursor->text < stop; cursor->text++)
		cursor->line += *cursor->text == '\n';
}

/* Skips white space; the character there, or -1 at the end. */
static int cursor_peek(struct array_cursor *cursor)
{
	cursor_advance(cursor, blank_length(cursor->text, (size_t)(cursor->end - cursor->text)));
	return cursor->text < cursor->end ? (unsigned char)*cursor->text : -1;
}

/* False: not JSON, nothing behind it can be read. */
static bool cursor_read_element(struct array_cursor *cursor, struct input *input)
{
	uint32_t line = (cursor_peek(cursor), cursor->line);
	json_error_t why;
	json_t *document = json_loadb(cursor->text, (size_t)(cursor->end - cursor->text),
				      JSON_FLAGS | JSON_DISABLE_EOF_CHECK, &why);

	if (!document) {
		refuse_syntax(input, line + (uint32_t)(why.line > 0 ? why.line - 1 : 0), &why);
		return false;
	}
	cursor_advance(cursor, (size_t)why.position);
	input_take(input, document, line);
	return true;
}

/* False: stopped at an element that is not JSON. */
static bool cursor_read_elements(struct array_cursor *cursor, struct input *input)
{
	if (cursor_peek(cursor) == ']')
		return true;
	while (cursor_read_element(cursor, input)) {
		if (cursor_peek(cursor) != ',')
			return true;
		cursor_advance(cursor, 1);
	}
	return false;
}

static void read_array(const char *text, size_t size, struct input *input)
{
	struct array_cursor cursor = {.text = text, .end = text + size, .line = 1};

	cursor_peek(&cursor);
	cursor_advance(&cursor, 1); /* [ */
	if (!cursor_read_elements(&cursor, input))
		return;
	if (cursor_peek(&cursor) != ']') {
		refuse_form(input, cursor.line, "the array does not end: \",\" or \"]\" expected");
		return;
	}
	cursor_advance(&cursor, 1);
	if (cursor_peek(&cursor) >= 0)
		refuse_form(input, cursor.line, "there is something behind the array");
}

void input_read(const char *text, size_t size, struct input *ret_input)
{
	size_t blank;

	memset(ret_input, 0, sizeof(*ret_input));
	if (size >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0) {
		text += 3;
		size -= 3;
	}
	blank = blank_length(text, size);
	if (blank < size && text[blank] == '[')
		read_array(text, size, ret_input);
	else if (input_is_csv(text, size))
		input_read_csv(text, size, ret_input);
	else
		read_lines(text, size, ret_input);
}

bool input_read_file(const char *path, struct input *ret_input, struct error *error)
{
	size_t size;
	char *text;

	if (!file_read(path, &text, &size, error))
		return false;
	input_read(text, size, ret_input);
	free(text);
	return true;
}

void input_done(struct input *input)
{
	connection_set_done(&input->connections);
	error_list_done(&input->errors);
	error_list_done(&input->warnings);
}
