/* SPDX-License-Identifier: BSD-3-Clause */
/* What changed, would change and has changed: results, differences, history. */
#include "field.h"
#include "show.h"
#include "table.h"

#include <string.h>
#include <time.h>

/* "added 2 connections, 7 prefixes; removed 1 prefix"; false: nothing. */
static bool print_totals(const json_t *totals)
{
	static const char *const kinds[] = {"added", "changed", "removed"};
	bool any = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *total = json_object_get(totals, kinds[i]);
		json_int_t connections = field_number(total, "connections");
		json_int_t prefixes = field_number(total, "prefixes");

		if (!connections && !prefixes)
			continue;
		printf("%s%s %s%s%s", any ? "; " : "", kinds[i],
		       connections ? field_plural(connections, "connection", "connections") : "",
		       connections && prefixes ? ", " : "",
		       prefixes ? field_plural(prefixes, "prefix", "prefixes") : "");
		any = true;
	}
	return any;
}

void show_result(const json_t *arguments, const json_t *answer)
{
	(void)arguments;
	if (!print_totals(answer))
		printf("nothing changed");
	printf("\nrevision %" JSON_INTEGER_FORMAT ", generation %" JSON_INTEGER_FORMAT
	       ", in %.3f s\n",
	       field_number(answer, "revision"), field_number(answer, "generation"),
	       json_number_value(json_object_get(answer, "seconds")));
}

static void print_value(const json_t *value)
{
	char *text;

	if (!value || json_is_null(value)) {
		printf("nothing");
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	printf("%s", text ? text : "?");
	free(text);
}

static void print_attributes(json_t *attributes)
{
	const char *key;
	json_t *change;

	json_object_foreach (attributes, key, change) {
		printf("    %s: ", key);
		print_value(json_object_get(change, "before"));
		printf(" -> ");
		print_value(json_object_get(change, "after"));
		printf("\n");
	}
}

static void print_prefixes(const json_t *list, char sign)
{
	json_t *prefix;
	size_t i;

	json_array_foreach (list, i, prefix) {
		if (json_is_string(prefix)) {
			printf("    %c %s\n", sign, json_string_value(prefix));
			continue;
		}
		printf("    %c %s%s%s%s\n", sign, field_text(prefix, "prefix"),
		       *field_text(prefix, "ownership") ? " ownership " : "",
		       field_text(prefix, "ownership"),
		       field_true(prefix, "latency") ? " latency on" : "");
	}
}

void show_difference(const json_t *arguments, const json_t *answer)
{
	json_t *change;
	size_t i;

	(void)arguments;
	json_array_foreach (json_object_get(answer, "connections"), i, change) {
		const char *what = field_text(change, "change");
		char sign = !strcmp(what, "added") ? '+' : !strcmp(what, "removed") ? '-' : '~';

		printf("%c %s\n", sign, field_text(change, "name"));
		print_attributes(json_object_get(change, "attributes"));
		print_prefixes(field_get(change, "prefixes.added"), '+');
		print_prefixes(field_get(change, "prefixes.changed"), '~');
		print_prefixes(field_get(change, "prefixes.removed"), '-');
	}
	if (!print_totals(answer))
		printf("no difference");
	printf("\n");
}

static void add_change(struct table *table, const json_t *entry, const char *key)
{
	json_int_t connections = field_number(json_object_get(entry, key), "connections");
	json_int_t prefixes = field_number(json_object_get(entry, key), "prefixes");

	if (connections || prefixes)
		table_text(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, connections,
			   prefixes);
	else
		table_text(table, "-");
}

void show_history(const json_t *arguments, const json_t *answer)
{
	struct table *table = table_new(">REVISION TIME >UID ACTION >CONNECTIONS >IPV4 >IPV6 "
					">ADDED >CHANGED >REMOVED");
	json_t *entry;
	size_t i;

	(void)arguments;
	json_array_foreach (answer, i, entry) {
		table_number(table, field_number(entry, "revision"));
		table_text(table, "%s", field_text(entry, "time"));
		table_number(table, field_number(entry, "uid"));
		table_text(table, "%s", field_text(entry, "action"));
		table_number(table, field_number(entry, "connections"));
		table_number(table, field_number(entry, "prefixes.ipv4"));
		table_number(table, field_number(entry, "prefixes.ipv6"));
		add_change(table, entry, "added");
		add_change(table, entry, "changed");
		add_change(table, entry, "removed");
	}
	table_print(table, stdout);
	if (!table_rows(table))
		printf("no revision yet\n");
	table_free(table);
}
