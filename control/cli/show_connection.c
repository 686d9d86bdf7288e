/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections: what they are, what they counted, whose an address is. */
#include "field.h"
#include "show.h"
#include "table.h"

static void print_line(const char *key, const char *text)
{
	if (*text)
		printf("%-14s %s\n", key, text);
}

static void print_labels(json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value)
		printf("%-14s %s = %s\n", "label", key, json_string_value(value));
}

static void print_tag(const json_t *tag)
{
	static const char *const keys[] = {"mark", "dscp", "vlan"};

	printf("%-14s", "tag");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(tag, keys[i]))
			printf(" %s %" JSON_INTEGER_FORMAT, keys[i], field_number(tag, keys[i]));
	printf("\n");
}

static void print_prefixes(const json_t *prefixes)
{
	json_t *prefix;
	size_t i;

	json_array_foreach (prefixes, i, prefix) {
		const char *cidr = json_is_string(prefix) ? json_string_value(prefix)
							  : field_text(prefix, "prefix");

		printf("%-14s %s%s%s%s\n", "prefix", cidr,
		       *field_text(prefix, "ownership") ? " ownership " : "",
		       field_text(prefix, "ownership"),
		       field_true(prefix, "latency") ? " latency on" : "");
	}
}

static void print_connection(const json_t *connection)
{
	print_line("name", field_text(connection, "name"));
	if (json_object_get(connection, "id"))
		printf("%-14s %" JSON_INTEGER_FORMAT "\n", "id", field_number(connection, "id"));
	print_line("partner", field_text(connection, "partner"));
	print_line("country", field_text(connection, "country"));
	print_line("state", field_text(connection, "state"));
	print_line("city", field_text(connection, "city"));
	print_line("primary", field_text(connection, "primary_site"));
	print_line("backup", field_text(connection, "backup_site"));
	print_line("monitor", field_true(connection, "monitor") ? "on" : "off");
	if (json_object_get(connection, "rtt_threshold_ms"))
		printf("%-14s %" JSON_INTEGER_FORMAT " ms\n", "rtt_threshold",
		       field_number(connection, "rtt_threshold_ms"));
	print_tag(json_object_get(connection, "tag"));
	print_labels(json_object_get(connection, "labels"));
	print_prefixes(json_object_get(connection, "prefixes"));
}

static void add_connection(struct table *table, const json_t *connection)
{
	const char *state = field_text(connection, "state");

	table_number(table, field_number(connection, "id"));
	table_text(table, "%s", field_text(connection, "name"));
	table_text(table, "%s", field_text(connection, "partner"));
	table_text(table, "%s%s%s", field_text(connection, "country"), *state ? "/" : "", state);
	table_number(table, json_array_size(json_object_get(connection, "prefixes")));
	table_number(table, field_number(connection, "tag.mark"));
	table_text(table, "%s", field_text(connection, "primary_site"));
	table_text(table, "%s", field_text(connection, "backup_site"));
}

void show_connections(const json_t *arguments, const json_t *answer)
{
	struct table *table;
	json_t *connection;
	size_t i;

	if (json_is_object(answer)) {
		print_connection(answer);
		return;
	}
	table = table_new(">ID NAME PARTNER PLACE >PREFIXES >MARK PRIMARY BACKUP");
	json_array_foreach (answer, i, connection)
		add_connection(table, connection);
	table_print(table, stdout);
	if (!table_rows(table))
		printf(json_object_size(arguments) ? "no such connection\n"
						   : "no connection is registered\n");
	table_free(table);
}

static void print_outcomes(json_t *outcomes)
{
	const char *outcome;
	json_t *packets;

	printf("\nall ports:");
	json_object_foreach (outcomes, outcome, packets)
		printf(" %s %" JSON_INTEGER_FORMAT, outcome, json_integer_value(packets));
	printf("\n");
}

void show_counters(const json_t *arguments, const json_t *answer)
{
	struct table *table = table_new("CONNECTION >RECEIVE-PACKETS >RECEIVE-BYTES "
					">TRANSMIT-PACKETS >TRANSMIT-BYTES");
	const char *name;
	json_t *counters;

	(void)arguments;
	json_object_foreach (json_object_get(answer, "connections"), name, counters) {
		table_text(table, "%s", name);
		table_number(table, field_number(counters, "receive.packets"));
		table_number(table, field_number(counters, "receive.bytes"));
		table_number(table, field_number(counters, "transmit.packets"));
		table_number(table, field_number(counters, "transmit.bytes"));
	}
	table_print(table, stdout);
	if (!table_rows(table))
		printf("no connection is registered\n");
	print_outcomes(json_object_get(answer, "outcomes"));
	table_free(table);
}

void show_lookup(const json_t *arguments, const json_t *answer)
{
	json_t *engine;
	size_t i;

	(void)arguments;
	if (*field_text(answer, "connection"))
		printf("%s is in %s of %s (class %" JSON_INTEGER_FORMAT ")\n",
		       field_text(answer, "address"), field_text(answer, "prefix"),
		       field_text(answer, "connection"), field_number(answer, "class"));
	else
		printf("%s is in no connection's prefix\n", field_text(answer, "address"));
	json_array_foreach (json_object_get(answer, "engines"), i, engine)
		printf("engine %s: class %" JSON_INTEGER_FORMAT ", %s\n",
		       field_text(engine, "name"), field_number(engine, "class"),
		       field_true(engine, "agrees") ? "agrees" : "DISAGREES");
}
