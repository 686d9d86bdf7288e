/* SPDX-License-Identifier: BSD-3-Clause */
#include "connection.h"
#include "country.h"
#include "../config/suggest.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct decoder {
	struct connection *connection;
	uint32_t line;
	const char *name; /* for messages; "" while unknown */
	struct error_list *errors;
	struct error_list *warnings;
};

static const char *const connection_keys[] = {
	"name",	       "partner", "country",	      "state", "city",	 "primary_site",
	"backup_site", "monitor", "rtt_threshold_ms", "tag",   "labels", "prefixes",
};
static const char *const tag_keys[] = {"mark", "dscp", "vlan"};
static const char *const prefix_keys[] = {"prefix", "ownership", "latency"};

static void report(const struct decoder *decoder, struct error *error)
{
	error_name(error->connection, decoder->name);
	error->line = decoder->line;
	error_list_add(decoder->errors, error);
}

static bool refuse_value(const struct decoder *decoder, const char *key, const char *expected)
{
	struct error error;

	error_set(&error, ERROR_BAD_VALUE, "\"%s\" must be %s", key, expected);
	report(decoder, &error);
	return false;
}

/* True and @error set: @key is none of @keys. */
static bool is_unknown(const char *key, const char *const *keys, size_t count, struct error *error)
{
	const char *meant;

	for (size_t i = 0; i < count; i++)
		if (strcmp(key, keys[i]) == 0)
			return false;
	meant = suggest_word(keys, count, key);
	error_set(error, ERROR_UNKNOWN_KEY, "unknown key \"%.64s\"%s%s%s", key,
		  meant ? ": did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
	if (meant)
		error_set_hint(error, "did you mean \"%s\"?", meant);
	return true;
}

static void report_unknown_keys(const struct decoder *decoder, const json_t *document,
				const char *const *keys, size_t count)
{
	struct error error;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)document, key, value) {
		if (is_unknown(key, keys, count, &error))
			report(decoder, &error);
	}
}

static bool is_white(uint32_t character)
{
	return character == ' ' || character == 0xa0 || character == 0x1680 ||
	       (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
	       character == 0x2029 || character == 0x202f || character == 0x205f ||
	       character == 0x3000;
}

/* The next character of valid UTF-8. */
static uint32_t next_character(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t character = length == 1 ? at[0] : at[0] & (0xff >> (length + 1));

	for (size_t i = 1; i < length; i++)
		character = character << 6 | (at[i] & 0x3f);
	*text += length;
	return character;
}

/* NULL: @text is a good name, site, label...; else what it must be. */
static const char *judge_text(const char *text)
{
	uint32_t first = 0, last = 0;
	size_t size = strlen(text);

	if (size < 1 || size > CONNECTION_TEXT_MAX)
		return "1 to 128 bytes of UTF-8";
	for (const char *at = text; *at;) {
		last = next_character(&at);
		first = first ? first : last;
		if (last < 0x20 || (last >= 0x7f && last < 0xa0))
			return "free of control characters";
	}
	return is_white(first) || is_white(last) ? "free of white space at its ends" : NULL;
}

static char *keep_text(const struct decoder *decoder, const char *text)
{
	char *copy = strdup(text);

	decoder->errors->truncated |= !copy;
	return copy;
}

/* A text of the contract; the field stays NULL where it is absent or refused. */
static void decode_text(struct decoder *decoder, const json_t *document, const char *key,
			char **field)
{
	const json_t *value = json_object_get(document, key);
	const char *expected;

	if (!value)
		return;
	expected = json_is_string(value) ? judge_text(json_string_value(value)) : "a string";
	if (expected) {
		refuse_value(decoder, key, expected);
		return;
	}
	*field = keep_text(decoder, json_string_value(value));
}

static bool require(const struct decoder *decoder, const json_t *document, const char *key)
{
	struct error error;

	if (json_object_get(document, key))
		return true;
	error_set(&error, ERROR_MISSING_KEY, "\"%s\" is missing", key);
	report(decoder, &error);
	return false;
}

static void decode_country(struct decoder *decoder, const json_t *document)
{
	const json_t *value = json_object_get(document, "country");
	const char *code = json_string_value(value);

	if (!require(decoder, document, "country"))
		return;
	if (!code || !country_is_assigned(code))
		refuse_value(decoder, "country", "two capital letters, a country of ISO 3166-1");
	else
		strcpy(decoder->connection->country, code);
}

static void decode_state(struct decoder *decoder, const json_t *document)
{
	const json_t *value = json_object_get(document, "state");
	const char *code = json_string_value(value);

	if (!value && strcmp(decoder->connection->country, "US") == 0)
		require(decoder, document, "state");
	if (!value)
		return;
	if (!code || !country_is_form(code))
		refuse_value(decoder, "state", "two capital letters");
	else
		strcpy(decoder->connection->state, code);
}

static void decode_monitor(struct decoder *decoder, const json_t *document)
{
	const json_t *value = json_object_get(document, "monitor");

	if (value && !json_is_boolean(value))
		refuse_value(decoder, "monitor", "true or false");
	decoder->connection->monitor = json_is_true(value);
}

/* True: @ret_number is set. */
static bool decode_number(const struct decoder *decoder, const json_t *document, const char *key,
			  json_int_t low, json_int_t high, const char *expected,
			  uint32_t *ret_number)
{
	const json_t *value = json_object_get(document, key);

	if (!value)
		return false;
	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return refuse_value(decoder, key, expected);
	*ret_number = (uint32_t)json_integer_value(value);
	return true;
}

static void decode_tag(struct decoder *decoder, const json_t *document)
{
	const json_t *value = json_object_get(document, "tag");
	struct connection_tag *tag = &decoder->connection->tag;
	uint32_t number;

	if (!value)
		return;
	if (!json_is_object(value)) {
		refuse_value(decoder, "tag", "an object of mark, dscp, vlan");
		return;
	}
	report_unknown_keys(decoder, value, tag_keys, COUNT(tag_keys));
	decode_number(decoder, value, "mark", 1, UINT32_MAX, "a whole number from 1 to 4294967295",
		      &tag->mark);
	if (decode_number(decoder, value, "vlan", 1, 4094, "a whole number from 1 to 4094",
			  &number))
		tag->vlan = (uint16_t)number;
	tag->has_dscp = decode_number(decoder, value, "dscp", 0, 63, "a whole number from 0 to 63",
				      &number);
	if (tag->has_dscp)
		tag->dscp = (uint8_t)number;
}

static int compare_labels(const void *a, const void *b)
{
	const struct connection_label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void decode_label(struct decoder *decoder, const char *key, const json_t *value)
{
	struct connection *connection = decoder->connection;
	const char *text = json_string_value(value);
	struct connection_label *label;

	if (judge_text(key)) {
		refuse_value(decoder, "labels",
			     "keys of 1 to 128 bytes without control "
			     "characters or white space at the ends");
		return;
	}
	if (!text || judge_text(text)) {
		refuse_value(decoder, key, text ? judge_text(text) : "a string");
		return;
	}
	label = &connection->labels[connection->label_count++];
	label->key = keep_text(decoder, key);
	label->value = keep_text(decoder, text);
}

static void decode_labels(struct decoder *decoder, const json_t *document)
{
	json_t *labels = json_object_get(document, "labels");
	struct connection *connection = decoder->connection;
	const char *key;
	json_t *value;

	if (!labels)
		return;
	if (!json_is_object(labels)) {
		refuse_value(decoder, "labels", "an object of strings");
		return;
	}
	if (json_object_size(labels) == 0)
		return;
	connection->labels = calloc(json_object_size(labels), sizeof(*connection->labels));
	if (!connection->labels) {
		decoder->errors->truncated = true;
		return;
	}
	json_object_foreach (labels, key, value)
		decode_label(decoder, key, value);
	if (connection->label_count)
		qsort(connection->labels, connection->label_count, sizeof(*connection->labels),
		      compare_labels);
}

static bool decode_prefix_options(const json_t *document, struct connection_prefix *prefix,
				  struct error *error)
{
	const json_t *ownership = json_object_get(document, "ownership");
	const json_t *latency = json_object_get(document, "latency");
	const char *text = ownership ? json_string_value(ownership) : "customer";
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)document, key, value) {
		if (is_unknown(key, prefix_keys, COUNT(prefix_keys), error))
			return false;
	}
	if (!text || (strcmp(text, "customer") != 0 && strcmp(text, "partner") != 0))
		return error_set(error, ERROR_BAD_VALUE,
				 "\"ownership\" must be \"customer\" or \"partner\"");
	if (latency && !json_is_boolean(latency))
		return error_set(error, ERROR_BAD_VALUE, "\"latency\" must be true or false");
	prefix->ownership = strcmp(text, "partner") == 0 ? OWNERSHIP_PARTNER : OWNERSHIP_CUSTOMER;
	prefix->latency = json_is_true(latency);
	return true;
}

bool connection_prefix_decode(const json_t *document, struct connection_prefix *ret_prefix,
			      struct error *error)
{
	const json_t *text =
		json_is_object(document) ? json_object_get(document, "prefix") : document;
	struct connection_prefix prefix = {0};

	if (json_is_object(document) && !decode_prefix_options(document, &prefix, error))
		return false;
	if (!text)
		return error_set(error, ERROR_MISSING_KEY, "\"prefix\" is missing");
	if (!json_is_string(text))
		return error_set(error, ERROR_BAD_VALUE, "a prefix must be a string or an object");
	if (!prefix_parse(json_string_value(text), &prefix.prefix, error))
		return false;
	*ret_prefix = prefix;
	return true;
}

static void decode_prefixes(struct decoder *decoder, const json_t *document)
{
	const json_t *prefixes = json_object_get(document, "prefixes");
	struct connection_prefix prefix;
	struct error error;
	const json_t *value;
	size_t i;

	if (!require(decoder, document, "prefixes"))
		return;
	if (!json_is_array(prefixes)) {
		refuse_value(decoder, "prefixes", "an array");
		return;
	}
	json_array_foreach (prefixes, i, value) {
		if (!connection_prefix_decode(value, &prefix, &error)) {
			report(decoder, &error);
			continue;
		}
		prefix.line = decoder->line;
		if (!connection_add_prefix(decoder->connection, &prefix))
			decoder->errors->truncated = true;
	}
}

static void decode_keys(struct decoder *decoder, const json_t *document)
{
	struct connection *connection = decoder->connection;

	report_unknown_keys(decoder, document, connection_keys, COUNT(connection_keys));
	if (require(decoder, document, "name"))
		decode_text(decoder, document, "name", &connection->name);
	if (require(decoder, document, "partner"))
		decode_text(decoder, document, "partner", &connection->partner);
	decode_country(decoder, document);
	decode_state(decoder, document);
	decode_text(decoder, document, "city", &connection->city);
	decode_text(decoder, document, "primary_site", &connection->primary_site);
	decode_text(decoder, document, "backup_site", &connection->backup_site);
	decode_monitor(decoder, document);
	decode_number(decoder, document, "rtt_threshold_ms", 1, CONNECTION_RTT_MAX_MS,
		      "a whole number from 1 to 60000", &connection->rtt_threshold_ms);
	decode_tag(decoder, document);
	decode_labels(decoder, document);
	decode_prefixes(decoder, document);
}

struct connection *connection_decode(const json_t *document, uint32_t line,
				     struct error_list *errors, struct error_list *warnings)
{
	const char *name = json_string_value(json_object_get(document, "name"));
	struct decoder decoder = {
		.line = line,
		.name = name ? name : "",
		.errors = errors,
		.warnings = warnings,
	};
	struct error error;

	if (!json_is_object(document)) {
		error_set(&error, ERROR_BAD_VALUE, "a connection must be a JSON object");
		report(&decoder, &error);
		return NULL;
	}
	decoder.connection = calloc(1, sizeof(*decoder.connection));
	if (!decoder.connection) {
		errors->truncated = true;
		return NULL;
	}
	atomic_init(&decoder.connection->references, 1);
	decoder.connection->line = line;
	decode_keys(&decoder, document);
	if (!decoder.connection->name) {
		connection_unref(decoder.connection);
		return NULL;
	}
	connection_sort_prefixes(decoder.connection, warnings);
	return decoder.connection;
}
