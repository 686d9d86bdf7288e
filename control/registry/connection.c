/* SPDX-License-Identifier: BSD-3-Clause */
#include "connection.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct connection *connection_ref(struct connection *connection)
{
	atomic_fetch_add_explicit(&connection->references, 1, memory_order_relaxed);
	return connection;
}

void connection_unref(struct connection *connection)
{
	if (!connection ||
	    atomic_fetch_sub_explicit(&connection->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < connection->label_count; i++) {
		free(connection->labels[i].key);
		free(connection->labels[i].value);
	}
	free(connection->labels);
	free(connection->prefixes);
	free(connection->name);
	free(connection->partner);
	free(connection->city);
	free(connection->primary_site);
	free(connection->backup_site);
	free(connection);
}

static bool is_site(const char *name, const char *site)
{
	return site[0] && name && !strcmp(name, site);
}

enum connection_role connection_role(const struct connection *connection, const char *site)
{
	if (is_site(connection->primary_site, site))
		return ROLE_PRIMARY;
	return is_site(connection->backup_site, site) ? ROLE_BACKUP : ROLE_NONE;
}

uint32_t connection_mark(const struct connection *connection)
{
	return connection->tag.mark ? connection->tag.mark : connection->id;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool connection_same_attributes(const struct connection *a, const struct connection *b)
{
	bool same = same_text(a->name, b->name) && same_text(a->partner, b->partner) &&
		    same_text(a->country, b->country) && same_text(a->state, b->state) &&
		    same_text(a->city, b->city) && same_text(a->primary_site, b->primary_site) &&
		    same_text(a->backup_site, b->backup_site) && a->monitor == b->monitor &&
		    a->rtt_threshold_ms == b->rtt_threshold_ms && a->tag.mark == b->tag.mark &&
		    a->tag.vlan == b->tag.vlan && a->tag.dscp == b->tag.dscp &&
		    a->tag.has_dscp == b->tag.has_dscp && a->label_count == b->label_count;

	for (size_t i = 0; same && i < a->label_count; i++)
		same = same_text(a->labels[i].key, b->labels[i].key) &&
		       same_text(a->labels[i].value, b->labels[i].value);
	return same;
}

bool connection_prefix_same(const struct connection_prefix *a, const struct connection_prefix *b)
{
	return prefix_compare(&a->prefix, &b->prefix) == 0 && a->ownership == b->ownership &&
	       a->latency == b->latency;
}

const struct connection_prefix *connection_find_prefix(const struct connection *connection,
						       const struct prefix *prefix)
{
	size_t low = 0, high = connection->prefix_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = prefix_compare(&connection->prefixes[middle].prefix, prefix);

		if (order == 0)
			return &connection->prefixes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool connection_add_prefix(struct connection *connection, const struct connection_prefix *prefix)
{
	if (connection->prefix_count == connection->prefix_capacity) {
		size_t capacity = connection->prefix_capacity ? 2 * connection->prefix_capacity : 4;
		void *prefixes =
			reallocarray(connection->prefixes, capacity, sizeof(*connection->prefixes));

		if (!prefixes)
			return false;
		connection->prefixes = prefixes;
		connection->prefix_capacity = capacity;
	}
	connection->prefixes[connection->prefix_count++] = *prefix;
	return true;
}

/* Of equal prefixes, the one that was written on the first line comes first. */
static int compare_written(const void *a, const void *b)
{
	const struct connection_prefix *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (order == 0 && x->line != y->line)
		order = x->line < y->line ? -1 : 1;
	if (order == 0)
		order = x->ownership - y->ownership;
	return order ? order : y->latency - x->latency;
}

static void warn_repeated(const struct connection *connection,
			  const struct connection_prefix *repeated, struct error_list *warnings)
{
	char text[PREFIX_TEXT_SIZE];
	struct error warning;

	prefix_format(&repeated->prefix, text);
	error_set(&warning, ERROR_REPEATED_PREFIX, "%s is there twice in \"%s\"", text,
		  connection->name);
	error_name(warning.connection, connection->name);
	error_prefix(warning.prefix, text);
	warning.line = repeated->line;
	error_list_add(warnings, &warning);
}

void connection_sort_prefixes(struct connection *connection, struct error_list *warnings)
{
	struct connection_prefix *prefixes = connection->prefixes;
	size_t kept = 0;

	if (connection->prefix_count == 0)
		return;
	qsort(prefixes, connection->prefix_count, sizeof(*prefixes), compare_written);
	for (size_t i = 1; i < connection->prefix_count; i++) {
		if (prefix_compare(&prefixes[kept].prefix, &prefixes[i].prefix) == 0)
			warn_repeated(connection, &prefixes[i], warnings);
		else
			prefixes[++kept] = prefixes[i];
	}
	connection->prefix_count = kept + 1;
}

static bool copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool copy_labels(struct connection *to, const struct connection *from)
{
	to->labels = from->label_count ? calloc(from->label_count, sizeof(*to->labels)) : NULL;
	if (from->label_count && !to->labels)
		return false;
	for (size_t i = 0; i < from->label_count; i++) {
		to->label_count = i + 1;
		if (!copy_text(&to->labels[i].key, from->labels[i].key) ||
		    !copy_text(&to->labels[i].value, from->labels[i].value))
			return false;
	}
	return true;
}

static bool copy_prefixes(struct connection *to, const struct connection *from)
{
	for (size_t i = 0; i < from->prefix_count; i++)
		if (!connection_add_prefix(to, &from->prefixes[i]))
			return false;
	return true;
}

struct connection *connection_copy(const struct connection *connection)
{
	struct connection *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	atomic_init(&copy->references, 1);
	copy->id = connection->id;
	copy->counter = connection->counter;
	memcpy(copy->country, connection->country, sizeof(copy->country));
	memcpy(copy->state, connection->state, sizeof(copy->state));
	copy->monitor = connection->monitor;
	copy->rtt_threshold_ms = connection->rtt_threshold_ms;
	copy->tag = connection->tag;
	if (copy_text(&copy->name, connection->name) &&
	    copy_text(&copy->partner, connection->partner) &&
	    copy_text(&copy->city, connection->city) &&
	    copy_text(&copy->primary_site, connection->primary_site) &&
	    copy_text(&copy->backup_site, connection->backup_site) &&
	    copy_labels(copy, connection) && copy_prefixes(copy, connection))
		return copy;
	connection_unref(copy);
	return NULL;
}

static void hash_text(XXH3_state_t *hash, const char *text)
{
	XXH3_64bits_update(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void hash_number(XXH3_state_t *hash, uint32_t number)
{
	uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 24)};

	XXH3_64bits_update(hash, bytes, sizeof(bytes));
}

static void hash_prefixes(XXH3_state_t *hash, const struct connection *connection)
{
	for (size_t i = 0; i < connection->prefix_count; i++) {
		const struct connection_prefix *own = &connection->prefixes[i];
		uint8_t bytes[20];

		memcpy(bytes, own->prefix.addr, sizeof(own->prefix.addr));
		bytes[16] = own->prefix.family;
		bytes[17] = own->prefix.length;
		bytes[18] = own->ownership;
		bytes[19] = own->latency;
		XXH3_64bits_update(hash, bytes, sizeof(bytes));
	}
}

static uint64_t connection_hash(const struct connection *connection)
{
	const struct connection_tag *tag = &connection->tag;
	XXH3_state_t hash;

	XXH3_64bits_reset(&hash);
	hash_number(&hash, connection->id);
	hash_text(&hash, connection->name);
	hash_text(&hash, connection->partner);
	hash_text(&hash, connection->country);
	hash_text(&hash, connection->state);
	hash_text(&hash, connection->city);
	hash_text(&hash, connection->primary_site);
	hash_text(&hash, connection->backup_site);
	hash_number(&hash, connection->monitor);
	hash_number(&hash, connection->rtt_threshold_ms);
	hash_number(&hash, tag->mark);
	hash_number(&hash, tag->vlan);
	hash_number(&hash, tag->has_dscp ? tag->dscp : UINT32_MAX);
	for (size_t i = 0; i < connection->label_count; i++) {
		hash_text(&hash, connection->labels[i].key);
		hash_text(&hash, connection->labels[i].value);
	}
	hash_prefixes(&hash, connection);
	return XXH3_64bits_digest(&hash);
}

void connection_register(struct connection *connection, uint32_t id, uint32_t counter)
{
	connection->id = id;
	connection->counter = counter;
	connection->line = 0;
	if (connection->tag.mark == id)
		connection->tag.mark = 0;
	for (size_t i = 0; i < connection->prefix_count; i++)
		connection->prefixes[i].line = 0;
	connection->fingerprint = connection_hash(connection);
}
