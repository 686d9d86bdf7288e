/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon, its engines, their ports and their workers. */
#include "field.h"
#include "show.h"
#include "table.h"

#include <peertag/types.h>

static json_int_t outcome_number(const json_t *outcomes, enum pt_outcome outcome)
{
	return field_number(outcomes, pt_outcome_name(outcome));
}

static json_int_t failures_of(const json_t *port)
{
	json_int_t failures = 0;

	for (enum pt_carrier carrier = 0; carrier < PT_CARRIERS; carrier++)
		failures += field_number(json_object_get(port, "tag_failures"),
					 pt_carrier_name(carrier));
	return failures;
}

static void add_outcomes(struct table *table, const json_t *outcomes)
{
	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		table_number(table, outcome_number(outcomes, outcome));
}

static bool has_sent(const json_t *port)
{
	json_int_t sum = 0;

	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		sum += outcome_number(json_object_get(port, "sent_outcomes"), outcome);
	return sum > 0;
}

static void add_port(struct table *table, const char *engine, const json_t *port)
{
	const json_t *up = json_object_get(port, "up");

	table_text(table, "%s", field_text(port, "name"));
	table_text(table, "%s", engine);
	table_text(table, "%s", !up ? "" : json_is_true(up) ? "up" : "DOWN");
	table_text(table, "%s", field_text(port, "mode"));
	table_text(table, "%s", field_text(port, "driver"));
	table_text(table, "in");
	table_number(table, field_number(port, "received.packets"));
	table_number(table, field_number(port, "nic_packets"));
	add_outcomes(table, json_object_get(port, "outcomes"));
	table_number(table, field_number(port, "forward_drops"));
	table_number(table, failures_of(port));
	if (!has_sent(port))
		return;
	for (int i = 0; i < 5; i++)
		table_text(table, "%s", "");
	table_text(table, "out");
	table_text(table, "%s", "");
	table_text(table, "%s", "");
	add_outcomes(table, json_object_get(port, "sent_outcomes"));
	table_text(table, "%s", "");
	table_text(table, "%s", "");
}

void show_ports(const json_t *arguments, const json_t *answer)
{
	struct table *table =
		table_new("PORT ENGINE LINK MODE DRIVER WAY >RECEIVED >NIC >MATCHED >UNMATCHED "
			  ">NOT-IP >UNSUPPORTED >MALFORMED >DROPS >TAG-FAILURES");
	json_t *engine, *port;
	size_t i, j;

	(void)arguments;
	json_array_foreach (json_object_get(answer, "engines"), i, engine)
		json_array_foreach (json_object_get(engine, "ports"), j, port)
			add_port(table, field_text(engine, "name"), port);
	table_print(table, stdout);
	if (!table_rows(table))
		printf("no port: no engine that is up has one\n");
	table_free(table);
}

/* Of a figure that is null before there is anything to divide by. */
static void add_figure(struct table *table, const json_t *worker, const char *key, int decimals)
{
	const json_t *figure = json_object_get(worker, key);

	if (json_is_number(figure))
		table_text(table, "%.*f", decimals, json_number_value(figure));
	else
		table_text(table, "-");
}

static void add_queues(struct table *table, const json_t *queues)
{
	char text[128] = "";
	const json_t *queue;
	size_t i, used = 0;

	json_array_foreach (queues, i, queue) {
		used += snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "",
				 json_string_value(queue));
		if (used >= sizeof(text))
			break;
	}
	table_text(table, "%s", text);
}

static void add_worker(struct table *table, const json_t *engine, const json_t *worker)
{
	table_number(table, field_number(worker, "lcore"));
	table_text(table, "%s", field_text(engine, "name"));
	add_queues(table, json_object_get(worker, "queues"));
	table_number(table, field_number(worker, "packets"));
	add_figure(table, worker, "packets_per_burst", 1);
	add_figure(table, worker, "cycles_per_packet", 0);
	if (!field_true(engine, "up"))
		table_text(table, "DOWN");
	else
		table_text(table, field_true(worker, "stuck") ? "STUCK" : "polling");
}

static void show_workers(const json_t *answer)
{
	struct table *table =
		table_new(">LCORE ENGINE QUEUES >PACKETS >PACKETS/BURST >CYCLES/PACKET STATE");
	const json_t *engine, *worker;
	size_t i, j;

	json_array_foreach (json_object_get(answer, "engines"), i, engine)
		json_array_foreach (json_object_get(engine, "workers"), j, worker)
			add_worker(table, engine, worker);
	if (table_rows(table))
		printf("\n");
	table_print(table, stdout);
	table_free(table);
}

static json_int_t stuck_workers(const json_t *engine)
{
	json_int_t stuck = 0;
	const json_t *worker;
	size_t i;

	json_array_foreach (json_object_get(engine, "workers"), i, worker)
		stuck += field_true(worker, "stuck");
	return stuck;
}

/* Why the engine does not run what it should, or "". */
static const char *trouble_of(const json_t *engine)
{
	if (*field_text(engine, "error"))
		return field_text(engine, "error");
	if (!field_true(engine, "up"))
		return "not running";
	if (field_number(engine, "generation") != field_number(engine, "desired_generation"))
		return "not loaded yet";
	return "";
}

static void add_note(struct table *table, const json_t *engine)
{
	json_int_t stuck = stuck_workers(engine);
	const char *trouble = trouble_of(engine);

	if (stuck)
		table_text(table, "%s STUCK%s%s", field_plural(stuck, "worker", "workers"),
			   *trouble ? "; " : "", trouble);
	else
		table_text(table, "%s", trouble);
}

static void add_engine(struct table *table, const json_t *engine)
{
	table_text(table, "%s", field_text(engine, "name"));
	table_text(table, field_true(engine, "up") ? "up" : "DOWN");
	table_text(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		   field_number(engine, "generation"), field_number(engine, "desired_generation"));
	table_text(table, "%s", field_text(engine, "table"));
	table_text(table, "%.1f", (double)field_number(engine, "table_bytes") / (1 << 20));
	table_text(table, "%.3f", json_number_value(json_object_get(engine, "publish_seconds")));
	table_number(table, json_array_size(json_object_get(engine, "ports")));
	add_note(table, engine);
}

/* What an alert is about: of one of these there is a name. */
static const char *alert_subject(const json_t *alert)
{
	static const char *const keys[] = {"connection", "engine", "limit"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(alert, keys[i]))
			return field_text(alert, keys[i]);
	return "";
}

static void show_alerts(const json_t *answer)
{
	struct table *table = table_new("ALERT SEVERITY ABOUT");
	const json_t *alert;
	size_t i;

	json_array_foreach (json_object_get(answer, "alerts"), i, alert) {
		table_text(table, "%s", field_text(alert, "alert"));
		table_text(table, "%s", field_text(alert, "severity"));
		table_text(table, "%s", alert_subject(alert));
	}
	if (table_rows(table))
		printf("\n");
	table_print(table, stdout);
	table_free(table);
}

static void print_state(const json_t *answer)
{
	const char *site = field_text(answer, "site");
	const json_t *engine;
	json_int_t stuck = 0;
	size_t i;

	json_array_foreach (json_object_get(answer, "engines"), i, engine)
		stuck += stuck_workers(engine);
	printf("peertagd %s, %s", field_text(answer, "version"),
	       field_true(answer, "ready") ? "ready" : "NOT READY");
	if (stuck)
		printf(", %s STUCK", field_plural(stuck, "WORKER", "WORKERS"));
	printf("%s%s\n", *site ? ", site " : "", site);
}

void show_status(const json_t *arguments, const json_t *answer)
{
	struct table *table =
		table_new("ENGINE STATE >GENERATION TABLE >MIB >PUBLISH-S >PORTS NOTE");
	json_t *engine;
	size_t i;

	print_state(answer);
	printf("revision %" JSON_INTEGER_FORMAT ": %s, %" JSON_INTEGER_FORMAT
	       " IPv4 and %" JSON_INTEGER_FORMAT " IPv6 prefixes\n\n",
	       field_number(answer, "revision"),
	       field_plural(field_number(answer, "connections"), "connection", "connections"),
	       field_number(answer, "prefixes.ipv4"), field_number(answer, "prefixes.ipv6"));
	json_array_foreach (json_object_get(answer, "engines"), i, engine)
		add_engine(table, engine);
	table_print(table, stdout);
	if (table_rows(table)) {
		printf("\n");
		show_ports(arguments, answer);
		show_workers(answer);
	} else {
		printf("no engine is configured\n");
	}
	show_alerts(answer);
	table_free(table);
}
