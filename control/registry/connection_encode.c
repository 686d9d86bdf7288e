/* SPDX-License-Identifier: BSD-3-Clause */
#include "connection.h"

static int put_text(json_t *object, const char *key, const char *text)
{
	return text && *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

/* Zero is "not given" of every number here but dscp. */
static int put_number(json_t *object, const char *key, uint32_t number)
{
	return number ? json_object_set_new(object, key, json_integer(number)) : 0;
}

static json_t *encode_tag(const struct connection *connection, unsigned form)
{
	const struct connection_tag *tag = &connection->tag;
	uint32_t mark = form & CONNECTION_WITH_MARK ? connection_mark(connection) : tag->mark;
	json_t *object = json_object();
	int failed = put_number(object, "mark", mark);

	if (tag->has_dscp)
		failed |= json_object_set_new(object, "dscp", json_integer(tag->dscp));
	failed |= put_number(object, "vlan", tag->vlan);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *encode_labels(const struct connection *connection)
{
	json_t *object = json_object();

	for (size_t i = 0; i < connection->label_count; i++) {
		const struct connection_label *label = &connection->labels[i];

		if (json_object_set_new(object, label->key, json_string(label->value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *connection_prefix_encode(const struct connection_prefix *prefix)
{
	char text[PREFIX_TEXT_SIZE];
	json_t *object;
	int failed;

	prefix_format(&prefix->prefix, text);
	if (prefix->ownership == OWNERSHIP_CUSTOMER && !prefix->latency)
		return json_string(text);
	object = json_object();
	failed = json_object_set_new(object, "prefix", json_string(text));
	if (prefix->ownership == OWNERSHIP_PARTNER)
		failed |= json_object_set_new(object, "ownership", json_string("partner"));
	if (prefix->latency)
		failed |= json_object_set_new(object, "latency", json_true());
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *encode_prefixes(const struct connection *connection)
{
	json_t *array = json_array();

	for (size_t i = 0; i < connection->prefix_count; i++) {
		json_t *prefix = connection_prefix_encode(&connection->prefixes[i]);

		if (json_array_append_new(array, prefix) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static bool has_tag(const struct connection *connection, unsigned form)
{
	const struct connection_tag *tag = &connection->tag;

	return form & CONNECTION_WITH_MARK || tag->mark || tag->has_dscp || tag->vlan;
}

json_t *connection_encode(const struct connection *connection, unsigned form)
{
	json_t *object = json_object();
	int failed = 0;

	if (form & CONNECTION_WITH_ID)
		failed |= put_number(object, "id", connection->id);
	failed |= put_text(object, "name", connection->name);
	failed |= put_text(object, "partner", connection->partner);
	failed |= put_text(object, "country", connection->country);
	failed |= put_text(object, "state", connection->state);
	failed |= put_text(object, "city", connection->city);
	failed |= put_text(object, "primary_site", connection->primary_site);
	failed |= put_text(object, "backup_site", connection->backup_site);
	if (connection->monitor)
		failed |= json_object_set_new(object, "monitor", json_true());
	failed |= put_number(object, "rtt_threshold_ms", connection->rtt_threshold_ms);
	if (has_tag(connection, form))
		failed |= json_object_set_new(object, "tag", encode_tag(connection, form));
	if (connection->label_count)
		failed |= json_object_set_new(object, "labels", encode_labels(connection));
	if (!(form & CONNECTION_NO_PREFIXES))
		failed |= json_object_set_new(object, "prefixes", encode_prefixes(connection));
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

char *connection_line(const struct connection *connection, unsigned form)
{
	json_t *object = connection_encode(connection, form);
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}
