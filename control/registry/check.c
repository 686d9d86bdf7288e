/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"
#include "selection.h"
#include "special.h"

#include <stdlib.h>
#include <string.h>

/* One connection of a set, sorted by something; equal ones stay in the order of the set. */
struct ranked {
	const struct connection *connection;
	size_t rank;
};

static struct ranked *rank_set(const struct connection_set *set,
			       int (*compare)(const void *, const void *))
{
	struct ranked *ranked = calloc(set->count + 1, sizeof(*ranked));

	for (size_t i = 0; ranked && i < set->count; i++)
		ranked[i] = (struct ranked){set->items[i], i};
	if (ranked)
		qsort(ranked, set->count, sizeof(*ranked), compare);
	return ranked;
}

static int compare_names(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = strcmp(x->connection->name, y->connection->name);

	return order ? order : x->rank < y->rank ? -1 : 1;
}

void check_names(const struct connection_set *set, struct error_list *errors)
{
	struct ranked *ranked = rank_set(set, compare_names);
	size_t first = 0;

	errors->truncated |= !ranked;
	for (size_t i = 1; ranked && i < set->count; i++) {
		const char *name = ranked[i].connection->name;
		uint32_t line = ranked[first].connection->line;
		struct error error;

		if (strcmp(ranked[first].connection->name, name) != 0) {
			first = i;
			continue;
		}
		error_set(&error, ERROR_DUPLICATE_NAME, "there is another connection \"%s\"", name);
		if (line)
			error_set_hint(&error, "the first one is on line %u", line);
		error.line = ranked[i].connection->line;
		error_name(error.connection, name);
		error_name(error.conflicts_with, name);
		error_list_add(errors, &error);
	}
	free(ranked);
}

/* Fills in what @entry says of the error. */
static void add_entry_error(const struct prefix_entry *entry, struct error *error,
			    struct error_list *errors)
{
	char text[PREFIX_TEXT_SIZE];

	error_name(error->connection, entry->connection->name);
	error_prefix(error->prefix, prefix_format(&entry->prefix, text));
	error->line = entry->connection->prefixes[entry->own].line;
	error_list_add(errors, error);
}

static void add_conflict(enum error_code code, const char *relation,
			 const struct prefix_entry *entry, const struct prefix_entry *other,
			 struct error_list *errors)
{
	char text[PREFIX_TEXT_SIZE], other_text[PREFIX_TEXT_SIZE];
	struct error error;

	prefix_format(&entry->prefix, text);
	prefix_format(&other->prefix, other_text);
	error_set(&error, code, "%s of \"%s\" %s %s of \"%s\"", text, entry->connection->name,
		  relation, other_text, other->connection->name);
	if (code == ERROR_OVERLAP)
		error_set_hint(&error, "overlap: nested in the configuration allows it");
	error_name(error.conflicts_with, other->connection->name);
	error_prefix(error.conflicts_with_prefix, other_text);
	add_entry_error(entry, &error, errors);
}

static void check_special(const struct prefix_entry *entry, struct error_list *errors)
{
	const struct special_range *range;
	char text[PREFIX_TEXT_SIZE];
	struct error error;

	prefix_format(&entry->prefix, text);
	if (entry->prefix.length == 0) {
		error_set(&error, ERROR_DEFAULT_ROUTE, "%s is a default route", text);
	} else {
		range = special_range_of(&entry->prefix);
		if (!range)
			return;
		error_set(&error, ERROR_SPECIAL_RANGE, "%s lies in or covers %s (%s)", text,
			  range->prefix, range->name);
	}
	error_set_hint(&error, "allow_special: true in the configuration allows it");
	add_entry_error(entry, &error, errors);
}

/* The nearest enclosing prefix of another connection, or NULL. */
static const struct prefix_entry *foreign_parent(const struct prefix_table *table,
						 const struct prefix_entry *entry)
{
	for (uint32_t at = entry->parent; at != PREFIX_TABLE_NONE; at = table->entries[at].parent) {
		const struct prefix *parent = &table->entries[at].prefix;

		for (uint32_t i = at; i < table->count; i++) {
			if (prefix_compare(&table->entries[i].prefix, parent) != 0)
				break;
			if (table->entries[i].connection != entry->connection)
				return &table->entries[i];
		}
	}
	return NULL;
}

void check_prefixes(const struct prefix_table *table, const struct policy *policy,
		    struct error_list *errors)
{
	const struct prefix_entry *first = table->entries;

	for (size_t i = 0; i < table->count; i++) {
		const struct prefix_entry *entry = &table->entries[i];
		const struct prefix_entry *foreign;

		if (prefix_compare(&first->prefix, &entry->prefix) != 0)
			first = entry;
		if (!policy->allow_special && entry->ordinal)
			check_special(entry, errors);
		if (first != entry)
			add_conflict(ERROR_DUPLICATE_PREFIX, "is also", entry, first, errors);
		if (policy->overlap_nested)
			continue;
		foreign = foreign_parent(table, entry);
		if (foreign && (entry->ordinal || foreign->ordinal))
			add_conflict(ERROR_OVERLAP, "lies inside", entry, foreign, errors);
	}
}

static uint64_t fixed_series(const struct pt_config *config)
{
	uint64_t series = CHECK_OWN_SERIES + config->engine_count * CHECK_ENGINE_SERIES;

	for (size_t i = 0; i < config->engine_count; i++)
		series += config->engines[i].port_count * CHECK_PORT_SERIES;
	return series;
}

struct policy policy_from_config(const struct pt_config *config)
{
	return (struct policy){
		.overlap_nested = config->overlap_nested,
		.allow_special = config->allow_special,
		.max_connections = config->max_connections,
		.max_prefixes = config->max_prefixes,
		.latency_slots = config->latency_slots,
		.series_limit = config->series_limit,
		.fixed_series = fixed_series(config),
	};
}

struct prefix_totals check_totals(const struct connection_set *set)
{
	struct prefix_totals totals = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct connection *connection = set->items[i];

		for (size_t own = 0; own < connection->prefix_count; own++)
			if (connection->prefixes[own].prefix.family == 4)
				totals.ipv4++;
			else
				totals.ipv6++;
	}
	return totals;
}

/* What only some connections have comes on top of what all have. */
uint64_t check_series(const struct connection_set *set)
{
	uint64_t series = set->count * CHECK_CONNECTION_SERIES;

	for (size_t i = 0; i < set->count; i++)
		series += set->items[i]->rtt_threshold_ms != 0;
	return series;
}

static void check_limit(uint64_t needed, uint64_t limit, const char *what, const char *key,
			struct error_list *errors)
{
	struct error error;

	if (limit == 0 || needed <= limit)
		return;
	error_set(&error, ERROR_CAPACITY, "%llu %s do not fit: %s is %llu",
		  (unsigned long long)needed, what, key, (unsigned long long)limit);
	error_set_hint(&error, "%s: %llu in the configuration is what this needs", key,
		       (unsigned long long)needed);
	error_list_add(errors, &error);
}

struct demand check_demand(const struct connection_set *set)
{
	struct prefix_totals totals = check_totals(set);
	struct selection selection = selection_of(set);

	return (struct demand){
		.connections = set->count,
		.prefixes = totals.ipv4 + totals.ipv6,
		.series = check_series(set) +
			  (selection.connections + selection.prefixes) * CHECK_LATENCY_SERIES,
		.latency_slots = selection.slots,
	};
}

bool check_grows(const struct demand *before, const struct demand *after)
{
	return after->connections > before->connections || after->prefixes > before->prefixes ||
	       after->series > before->series || after->latency_slots > before->latency_slots;
}

void check_capacity(const struct demand *demand, const struct policy *policy,
		    struct error_list *errors)
{
	check_limit(demand->connections, policy->max_connections, "connections", "max_connections",
		    errors);
	check_limit(policy->fixed_series + demand->series, policy->series_limit,
		    "series in /metrics", "series_limit", errors);
	check_limit(demand->prefixes, policy->max_prefixes, "prefixes", "max_prefixes", errors);
	check_limit(demand->latency_slots, policy->latency_slots, "latency slots", "latency.slots",
		    errors);
}

static int compare_connection_ids(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->connection->id < y->connection->id ? -1 : x->connection->id > y->connection->id;
}

static bool has_default_mark(const struct connection *connection)
{
	return connection_mark(connection) == connection->id;
}

void check_marks(const struct connection_set *set, struct error_list *errors)
{
	struct ranked *ranked = rank_set(set, compare_connection_ids);

	errors->truncated |= !ranked;
	for (size_t i = 0; ranked && i < set->count; i++) {
		const struct connection *connection = set->items[i];
		struct connection with_id = {.id = connection->tag.mark};
		struct ranked wanted = {.connection = &with_id}, *owner;
		struct error error;

		if (connection->tag.mark == 0 || has_default_mark(connection))
			continue;
		owner = bsearch(&wanted, ranked, set->count, sizeof(*ranked),
				compare_connection_ids);
		if (!owner || !has_default_mark(owner->connection))
			continue;
		error_set(&error, ERROR_CONFLICT, "mark %u is the default mark of \"%s\"",
			  connection->tag.mark, owner->connection->name);
		error_set_hint(&error, "choose another, or give \"%s\" a mark of its own",
			       owner->connection->name);
		error_name(error.connection, connection->name);
		error_name(error.conflicts_with, owner->connection->name);
		error.line = connection->line;
		error_list_add(errors, &error);
	}
	free(ranked);
}

bool check_input(struct input *input, const struct policy *policy)
{
	struct prefix_table table;
	struct demand demand;

	if (!prefix_table_build(&input->connections, &table)) {
		input->errors.truncated = true;
		return false;
	}
	check_names(&input->connections, &input->errors);
	check_prefixes(&table, policy, &input->errors);
	demand = check_demand(&input->connections);
	check_capacity(&demand, policy, &input->errors);
	prefix_table_done(&table);
	error_list_sort(&input->errors);
	error_list_sort(&input->warnings);
	return !input->errors.truncated;
}

json_t *check_document(const struct input *input)
{
	struct prefix_totals totals = check_totals(&input->connections);

	return json_pack(
		"{s:b, s:I, s:{s:I, s:I}, s:o, s:o}", "ok", !error_list_failed(&input->errors),
		"connections", (json_int_t)input->connections.count, "prefixes", "ipv4",
		(json_int_t)totals.ipv4, "ipv6", (json_int_t)totals.ipv6, "errors",
		error_list_json(&input->errors), "warnings", error_list_json(&input->warnings));
}
