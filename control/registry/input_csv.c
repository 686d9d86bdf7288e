/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 4180: fields may be quoted, a quote inside is doubled, a quoted field may hold line ends. */
#include "input_csv.h"
#include "../config/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum column {
	COLUMN_NAME,
	COLUMN_PARTNER,
	COLUMN_COUNTRY,
	COLUMN_STATE,
	COLUMN_PREFIX,
	COLUMNS,
};

static const char *const column_names[COLUMNS] = {"name", "partner", "country", "state", "prefix"};

/* A connection that rows were read of. */
struct named {
	struct connection *connection;
	UT_hash_handle hh;
};

struct csv {
	const char *text;
	const char *end;
	uint32_t line;	      /* at text */
	uint32_t record_line; /* where the record began */
	char *scratch; /* the record's fields, unquoted, each with a NUL; as large as the file */
	const char *fields[COLUMNS];
	size_t field_count; /* may be above COLUMNS: those are not kept */
	enum column order[COLUMNS];
	struct input *input;
	struct named *names;
};

static void csv_refuse(struct csv *csv, struct error *error, const char *name)
{
	error->line = csv->record_line;
	if (name)
		error_name(error->connection, name);
	error_list_add(&csv->input->errors, error);
}

static bool at_line_end(const struct csv *csv)
{
	return csv->text == csv->end || *csv->text == '\n' ||
	       (*csv->text == '\r' && (csv->text + 1 == csv->end || csv->text[1] == '\n'));
}

static void skip_line(struct csv *csv)
{
	while (csv->text < csv->end && *csv->text++ != '\n')
		;
	csv->line++;
}

/* NULL, or what is wrong; @out moves behind what was written. */
static const char *read_quoted(struct csv *csv, char **out)
{
	for (csv->text++; csv->text < csv->end; csv->text++) {
		if (*csv->text == '"') {
			if (csv->text + 1 == csv->end || csv->text[1] != '"')
				break;
			csv->text++;
		}
		if (*csv->text == '\0')
			return "a NUL byte";
		csv->line += *csv->text == '\n';
		*(*out)++ = *csv->text;
	}
	if (csv->text == csv->end)
		return "a quoted field does not end";
	csv->text++;
	return at_line_end(csv) || *csv->text == ',' ? NULL : "text behind a closing quote";
}

static const char *read_field(struct csv *csv, char **out)
{
	if (csv->text < csv->end && *csv->text == '"')
		return read_quoted(csv, out);
	for (; !at_line_end(csv) && *csv->text != ','; csv->text++) {
		if (*csv->text == '"')
			return "a quote inside a field that is not quoted";
		if (*csv->text == '\0')
			return "a NUL byte";
		*(*out)++ = *csv->text;
	}
	return NULL;
}

/* NULL, or what is wrong; the next record begins behind the line then. */
static const char *read_record(struct csv *csv)
{
	char *out = csv->scratch;

	csv->record_line = csv->line;
	for (csv->field_count = 0;; csv->text++) {
		char *start = out;
		const char *wrong = read_field(csv, &out);

		*out++ = '\0';
		if (csv->field_count < COLUMNS)
			csv->fields[csv->field_count] = start;
		csv->field_count++;
		if (wrong || at_line_end(csv)) {
			skip_line(csv);
			return wrong;
		}
	}
}

/* False and an error: the header is not one. */
static bool read_header(struct csv *csv)
{
	const char *wrong = read_record(csv);
	bool seen[COLUMNS] = {0};
	struct error error;

	if (!wrong && csv->field_count != COLUMNS)
		wrong = "the header must be name,partner,country,state,prefix";
	if (wrong) {
		error_set(&error, ERROR_SYNTAX, "%s", wrong);
		csv_refuse(csv, &error, NULL);
		return false;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t column = 0;
		const char *meant;

		while (column < COLUMNS && strcmp(csv->fields[i], column_names[column]) != 0)
			column++;
		if (column < COLUMNS && !seen[column]) {
			seen[column] = true;
			csv->order[i] = (enum column)column;
			continue;
		}
		meant = suggest_word(column_names, COLUMNS, csv->fields[i]);
		error_set(&error, ERROR_UNKNOWN_KEY, "%s column \"%.64s\"",
			  column < COLUMNS ? "repeated" : "unknown", csv->fields[i]);
		error_set_hint(&error, "the columns are name,partner,country,state,prefix%s%s",
			       meant ? ": did you mean " : "", meant ? meant : "");
		csv_refuse(csv, &error, NULL);
		return false;
	}
	return true;
}

/* The record's fields in the order of enum column. */
static void sort_fields(const struct csv *csv, const char *values[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++)
		values[csv->order[i]] = csv->fields[i];
}

/* All but the prefix, as JSON: one decoder judges every form. NULL: not UTF-8. */
static json_t *row_document(const char *const values[COLUMNS])
{
	json_t *document = json_object();
	int failed = json_object_set_new(document, "prefixes", json_array());

	for (size_t i = 0; i < COLUMN_PREFIX; i++)
		if (*values[i])
			failed |= json_object_set_new(document, column_names[i],
						      json_string(values[i]));
	if (!failed)
		return document;
	json_decref(document);
	return NULL;
}

/* The connection of a row with a new name; NULL and errors: it has none. */
static struct connection *row_connection(struct csv *csv, const char *const values[COLUMNS])
{
	struct input *input = csv->input;
	json_t *document = row_document(values);
	struct connection *connection;
	struct named *named;
	struct error error;

	if (!document) {
		error_set(&error, ERROR_SYNTAX, "not UTF-8");
		csv_refuse(csv, &error, NULL);
		return NULL;
	}
	connection =
		connection_decode(document, csv->record_line, &input->errors, &input->warnings);
	json_decref(document);
	if (!connection)
		return NULL;
	named = calloc(1, sizeof(*named));
	if (!named || !connection_set_add(&input->connections, connection_ref(connection)))
		input->errors.truncated = true;
	connection_unref(connection);
	if (input->errors.truncated) {
		free(named);
		return NULL;
	}
	named->connection = connection;
	HASH_ADD_KEYPTR(hh, csv->names, connection->name, strlen(connection->name), named);
	return connection;
}

/* Rows of one name must agree in everything but the prefix. */
static void compare_row(struct csv *csv, const struct connection *connection,
			const char *const values[COLUMNS])
{
	const char *first[COLUMNS] = {
		[COLUMN_PARTNER] = connection->partner,
		[COLUMN_COUNTRY] = connection->country,
		[COLUMN_STATE] = connection->state,
	};

	for (size_t i = COLUMN_PARTNER; i <= COLUMN_STATE; i++) {
		struct error error;

		if (!first[i] || strcmp(first[i], values[i]) == 0)
			continue;
		error_set(&error, ERROR_BAD_VALUE,
			  "%s is \"%.128s\" here and \"%s\" on line %u of the same connection",
			  column_names[i], values[i], first[i], connection->line);
		csv_refuse(csv, &error, connection->name);
	}
}

static void row_prefix(struct csv *csv, struct connection *connection, const char *text)
{
	struct connection_prefix prefix = {.line = csv->record_line};
	struct error error;

	if (*text == '\0')
		return;
	if (!prefix_parse(text, &prefix.prefix, &error))
		csv_refuse(csv, &error, connection->name);
	else if (!connection_add_prefix(connection, &prefix))
		csv->input->errors.truncated = true;
}

static void read_row(struct csv *csv)
{
	const char *values[COLUMNS];
	struct connection *connection;
	struct named *named;

	sort_fields(csv, values);
	HASH_FIND(hh, csv->names, values[COLUMN_NAME], strlen(values[COLUMN_NAME]), named);
	if (named) {
		connection = named->connection;
		compare_row(csv, connection, values);
	} else {
		connection = row_connection(csv, values);
	}
	if (connection)
		row_prefix(csv, connection, values[COLUMN_PREFIX]);
}

static void read_rows(struct csv *csv)
{
	while (csv->text < csv->end) {
		const char *wrong;
		struct error error;

		if (at_line_end(csv)) {
			skip_line(csv);
			continue;
		}
		wrong = read_record(csv);
		if (!wrong && csv->field_count != COLUMNS)
			wrong = "a row has five fields: name,partner,country,state,prefix";
		if (wrong) {
			error_set(&error, ERROR_SYNTAX, "%s", wrong);
			csv_refuse(csv, &error, NULL);
			continue;
		}
		read_row(csv);
	}
}

static void forget_names(struct csv *csv)
{
	struct named *named, *next;

	HASH_ITER (hh, csv->names, named, next) {
		HASH_DEL(csv->names, named);
		free(named);
	}
}

void input_read_csv(const char *text, size_t size, struct input *input)
{
	struct csv csv = {.text = text, .end = text + size, .line = 1, .input = input};

	csv.scratch = malloc(size + 2); /* a field's NUL stands for its comma */
	if (!csv.scratch) {
		input->errors.truncated = true;
		return;
	}
	if (read_header(&csv))
		read_rows(&csv);
	forget_names(&csv);
	for (size_t i = 0; i < input->connections.count; i++)
		connection_sort_prefixes(input->connections.items[i], &input->warnings);
	free(csv.scratch);
}

static bool is_column(const char *word, size_t size)
{
	if (size >= 2 && word[0] == '"' && word[size - 1] == '"') {
		word++;
		size -= 2;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		if (strlen(column_names[i]) == size && memcmp(word, column_names[i], size) == 0)
			return true;
	return false;
}

bool input_is_csv(const char *text, size_t size)
{
	for (size_t at = 0, word = 0; at <= size; at++) {
		bool ends = at == size || text[at] == '\n' || text[at] == '\r';

		if (!ends && text[at] != ',')
			continue;
		if (is_column(text + word, at - word))
			return true;
		if (ends)
			return false;
		word = at + 1;
	}
	return false;
}
