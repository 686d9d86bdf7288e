/* SPDX-License-Identifier: BSD-3-Clause */
/* Round-trip times of connections, and of their selected prefixes below each. */
#include "field.h"
#include "show.h"
#include "table.h"

#include <string.h>
#include <time.h>

static void add_milliseconds(struct table *table, const json_t *figures, const char *key)
{
	table_text(table, "%.3f", json_number_value(json_object_get(figures, key)) * 1e3);
}

static void add_figures(struct table *table, const json_t *figures)
{
	static const char *const keys[] = {"p50", "p90", "p99", "mean"};
	bool withheld = json_object_get(figures, "withheld");

	if (withheld)
		table_text(table, "-");
	else
		table_number(table, field_number(figures, "samples"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (withheld)
			table_text(table, "-");
		else
			add_milliseconds(table, figures, keys[i]);
	}
	table_text(table, "%s", field_text(figures, "withheld"));
}

/* From `at` on, as they come in the order of the connections. Returns where the next one's begin.
 */
static void *add_prefixes(struct table *table, json_t *prefixes, void *at, const char *connection)
{
	for (; at; at = json_object_iter_next(prefixes, at)) {
		const json_t *figures = json_object_iter_value(at);

		if (strcmp(field_text(figures, "connection"), connection))
			break;
		table_text(table, "%s", connection);
		table_text(table, "%s", json_object_iter_key(at));
		add_figures(table, figures);
	}
	return at;
}

static void print_window(const json_t *answer)
{
	json_int_t seconds = field_number(answer, "window.seconds");
	const json_t *end = field_get(answer, "window.end");
	time_t when = (time_t)json_number_value(end);
	char text[32];

	if (!json_is_number(end)) {
		printf("no window of %s has ended yet\n\n",
		       field_plural(seconds, "second", "seconds"));
		return;
	}
	strftime(text, sizeof(text), "%H:%M:%S", localtime(&when));
	printf("the %s to %s, in milliseconds\n\n", field_plural(seconds, "second", "seconds"),
	       text);
}

void show_latency(const json_t *arguments, const json_t *answer)
{
	struct table *table = table_new("CONNECTION PREFIX >SAMPLES >P50 >P90 >P99 >MEAN NOTE");
	json_t *prefixes = json_object_get(answer, "prefixes");
	const char *name = field_text(arguments, "name");
	void *at = json_object_iter(prefixes);
	const char *connection;
	json_t *figures;

	json_object_foreach (json_object_get(answer, "connections"), connection, figures) {
		table_text(table, "%s", connection);
		table_text(table, "all");
		add_figures(table, figures);
		at = add_prefixes(table, prefixes, at, connection);
	}
	if (table_rows(table))
		print_window(answer);
	table_print(table, stdout);
	if (!table_rows(table))
		printf("no prefix%s%s is selected for latency: `peertag prefix set NAME CIDR latency "
		       "on`\n",
		       *name ? " of " : "", name);
	table_free(table);
}
