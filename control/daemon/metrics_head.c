/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_head.h"
#include "metrics_latency.h"
#include "status.h"

#include "../registry/compile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct head {
	FILE *stream;
	const struct engines *engines;
	bool openmetrics;
	uint64_t series;
};

enum kind {
	GAUGE,
	COUNTER,
};

static void family(struct head *head, const char *name, enum kind kind, const char *help)
{
	const char *suffix = kind == COUNTER && !head->openmetrics ? "_total" : "";

	fprintf(head->stream, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
		kind == COUNTER ? "counter" : "gauge");
}

static void sample(struct head *head, const char *name_and_labels, double value)
{
	fprintf(head->stream, "%s %.15g\n", name_and_labels, value);
	head->series++;
}

static void gauge(struct head *head, const char *name, const char *help, double value)
{
	family(head, name, GAUGE, help);
	sample(head, name, value);
}

/* Names come from the configuration, and an interface may be called anything. */
static void label_value(FILE *stream, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			fputc('\\', stream);
		fputc(*value == '\n' ? 'n' : *value, stream);
	}
}

/* A sample as far as its first label; the caller writes the rest. */
static void engine_sample(struct head *head, const char *name, enum kind kind,
			  const struct engine *engine)
{
	fprintf(head->stream, "%s%s{engine=\"", name, kind == COUNTER ? "_total" : "");
	label_value(head->stream, engine->name);
	fputc('"', head->stream);
	head->series++;
}

/* One sample an engine. */
static void engine_family(struct head *head, const char *name, enum kind kind, const char *help,
			  double (*value)(const struct engine *engine))
{
	family(head, name, kind, help);
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);

		engine_sample(head, name, kind, engine);
		fprintf(head->stream, "} %.15g\n", value(engine));
	}
}

static double engine_generation(const struct engine *engine)
{
	return engine->held.set.generation;
}

static double engine_up(const struct engine *engine)
{
	return engine->up;
}

static double engine_table_bytes(const struct engine *engine)
{
	return engine->held.table_bytes;
}

static void write_table_room(struct head *head)
{
	const char *name = "peertag_table_room_bytes";

	family(head, name, GAUGE, "What peertag_table_bytes may grow to, where that is limited.");
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);

		if (!status_table_room(engine))
			continue;
		engine_sample(head, name, GAUGE, engine);
		fprintf(head->stream, "} %" PRIu64 "\n", status_table_room(engine));
	}
}

static double engine_publish_seconds(const struct engine *engine)
{
	return engine->publish_seconds;
}

static double engine_publish_failures(const struct engine *engine)
{
	return engine->publish_failures;
}

/* Counters are 64 bit and stay exact: no double in between. */
static void port_sample(struct head *head, const char *name, const struct engine *engine,
			size_t port, const char *outcome, uint64_t value)
{
	engine_sample(head, name, COUNTER, engine);
	fputs(",port=\"", head->stream);
	label_value(head->stream, engine->status.ports[port].name);
	if (outcome)
		fprintf(head->stream, "\",outcome=\"%s", outcome);
	fprintf(head->stream, "\"} %" PRIu64 "\n", value);
}

/* Calls `each` for every port of every engine, with its counters. */
static void each_port(struct head *head, const char *name, const char *help,
		      void (*each)(struct head *head, const char *name, const struct engine *engine,
				   size_t port, const struct pt_port_counters *counters))
{
	family(head, name, COUNTER, help);
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);

		for (size_t port = 0; port < engine->status.port_count; port++) {
			struct pt_port_counters counters = status_port_counters(engine, port);

			each(head, name, engine, port, &counters);
		}
	}
}

static void write_received(struct head *head, const char *name, const struct engine *engine,
			   size_t port, const struct pt_port_counters *counters)
{
	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		port_sample(head, name, engine, port, pt_outcome_name(outcome),
			    counters->received[outcome].packets);
}

static void write_sent(struct head *head, const char *name, const struct engine *engine,
		       size_t port, const struct pt_port_counters *counters)
{
	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		port_sample(head, name, engine, port, pt_outcome_name(outcome),
			    counters->sent[outcome].packets);
}

static void write_forward_drops(struct head *head, const char *name, const struct engine *engine,
				size_t port, const struct pt_port_counters *counters)
{
	port_sample(head, name, engine, port, NULL, counters->forward_drops);
}

static void write_nic_received(struct head *head, const char *name, const struct engine *engine,
			       size_t port, const struct pt_port_counters *counters)
{
	(void)counters;
	port_sample(head, name, engine, port, NULL, engine->status.ports[port].nic_packets);
}

static void write_tag_failures(struct head *head)
{
	const char *name = "peertag_tag_failures";

	family(head, name, COUNTER, "Tags that could not be written; the packet went on untagged.");
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);
		uint64_t failures[PT_CARRIERS] = {};

		for (size_t port = 0; port < engine->status.port_count; port++) {
			struct pt_port_counters counters = status_port_counters(engine, port);

			for (int carrier = 0; carrier < PT_CARRIERS; carrier++)
				failures[carrier] += counters.tag_failures[carrier];
		}
		for (enum pt_carrier carrier = 0; carrier < PT_CARRIERS; carrier++) {
			engine_sample(head, name, COUNTER, engine);
			fprintf(head->stream, ",carrier=\"%s\"} %" PRIu64 "\n",
				pt_carrier_name(carrier), failures[carrier]);
		}
	}
}

static void write_ports(struct head *head)
{
	each_port(head, "peertag_packets", "Packets that arrived, by their one outcome.",
		  write_received);
	each_port(head, "peertag_sent_packets", "Packets that the host sent, by outcome.",
		  write_sent);
	each_port(head, "peertag_forward_drops", "Packets that the paired port did not take.",
		  write_forward_drops);
	each_port(head, "peertag_nic_received_packets",
		  "Packets received by the port's own count since the engine attached.",
		  write_nic_received);
	write_tag_failures(head);
}

/* One sample a worker: `value` writes it. */
static void worker_family(struct head *head, const char *name, enum kind kind, const char *help,
			  void (*value)(FILE *stream, const struct engine *engine, size_t worker))
{
	family(head, name, kind, help);
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);

		for (size_t worker = 0; worker < engine->status.worker_count; worker++) {
			engine_sample(head, name, kind, engine);
			fprintf(head->stream, ",worker=\"%u\"} ",
				engine->status.workers[worker].lcore);
			value(head->stream, engine, worker);
			fputc('\n', head->stream);
		}
	}
}

static void write_polls(FILE *stream, const struct engine *engine, size_t worker)
{
	fprintf(stream, "%" PRIu64, (uint64_t)engine->status.workers[worker].polls);
}

static void write_bursts(FILE *stream, const struct engine *engine, size_t worker)
{
	fprintf(stream, "%" PRIu64, (uint64_t)engine->status.workers[worker].bursts);
}

static void write_worker_packets(FILE *stream, const struct engine *engine, size_t worker)
{
	fprintf(stream, "%" PRIu64, (uint64_t)engine->status.workers[worker].packets);
}

static void write_busy_seconds(FILE *stream, const struct engine *engine, size_t worker)
{
	fprintf(stream, "%.15g", status_busy_seconds(engine, worker));
}

static void write_stuck(FILE *stream, const struct engine *engine, size_t worker)
{
	fputc(status_stuck(engine, worker) ? '1' : '0', stream);
}

static void write_workers(struct head *head)
{
	worker_family(head, "peertag_worker_polls", COUNTER,
		      "Times that the worker asked a queue for packets, since it started.",
		      write_polls);
	worker_family(head, "peertag_worker_bursts", COUNTER,
		      "Polls that brought packets, since the worker started.", write_bursts);
	worker_family(head, "peertag_worker_packets", COUNTER,
		      "Packets that the worker took, since it started.", write_worker_packets);
	worker_family(head, "peertag_worker_busy_seconds", COUNTER,
		      "Time that the worker spent on packets, since it started.",
		      write_busy_seconds);
	worker_family(head, "peertag_worker_stuck", GAUGE,
		      "1 while the worker does not come around: its queues are not served.",
		      write_stuck);
}

static void write_engines(struct head *head)
{
	engine_family(head, "peertag_engine_generation", GAUGE,
		      "Number of the set that the engine runs.", engine_generation);
	engine_family(head, "peertag_engine_up", GAUGE, "1 while the engine answers.", engine_up);
	engine_family(head, "peertag_table_bytes", GAUGE, "Memory of the engine's tables.",
		      engine_table_bytes);
	write_table_room(head);
	engine_family(head, "peertag_publish_seconds", GAUGE,
		      "From sending the last set to its acknowledgement.", engine_publish_seconds);
	engine_family(head, "peertag_publish_failures", COUNTER,
		      "Sets that the engine refused; the one before stood.",
		      engine_publish_failures);
}

static void write_latency(struct head *head, const struct view *view, const struct latency *latency,
			  const struct pt_config *config)
{
	const char *name = "peertag_rtt_samples_lost";

	gauge(head, "peertag_latency_slots", "Places for round-trip times that are in use.",
	      view->compiled->slot_count);
	gauge(head, "peertag_latency_slots_limit", "What peertag_latency_slots may grow to.",
	      config->latency_slots);
	family(head, name, COUNTER,
	       "Round-trip times that were begun, or were due, and came to nothing, as of the last "
	       "window's end.");
	for (size_t i = 0; i < engines_count(head->engines); i++) {
		const struct engine *engine = engines_at(head->engines, i);

		engine_sample(head, name, COUNTER, engine);
		fprintf(head->stream, "} %" PRIu64 "\n", latency_samples_lost(latency, engine));
	}
}

static void write_registry(struct head *head, const struct view *view,
			   const struct pt_config *config)
{
	gauge(head, "peertag_registry_revision", "Number of the registry's committed state.",
	      view->revision);
	gauge(head, "peertag_desired_generation", "Number of the set that engines shall run.",
	      engines_desired(head->engines));
	gauge(head, "peertag_ready", "1 while every engine runs the desired set.",
	      engines_ready(head->engines));
	gauge(head, "peertag_registry_connections", "Registered connections.", view->by_name.count);
	family(head, "peertag_registry_prefixes", GAUGE, "Registered prefixes.");
	sample(head, "peertag_registry_prefixes{family=\"ipv4\"}", view->totals.ipv4);
	sample(head, "peertag_registry_prefixes{family=\"ipv6\"}", view->totals.ipv6);
	gauge(head, "peertag_registry_connections_limit", "Connections that may be registered.",
	      config->max_connections);
	gauge(head, "peertag_registry_prefixes_limit", "Prefixes that may be registered.",
	      config->max_prefixes);
	gauge(head, "peertag_series_limit", "What peertag_series may grow to.",
	      config->series_limit);
	family(head, "peertag_build_info", GAUGE, "The version that runs; always 1.");
	sample(head, "peertag_build_info{version=\"" PEERTAG_VERSION "\"}", 1);
}

char *metrics_head(const struct view *view, const struct engines *engines,
		   const struct latency *latency, const struct pt_config *config, bool openmetrics,
		   size_t *ret_bytes)
{
	struct head head = {.engines = engines, .openmetrics = openmetrics};
	char *text = NULL;

	head.stream = open_memstream(&text, ret_bytes);
	if (!head.stream)
		return NULL;
	write_registry(&head, view, config);
	write_engines(&head);
	write_ports(&head);
	write_workers(&head);
	write_latency(&head, view, latency, config);
	gauge(&head, "peertag_series", "Series of this scrape.",
	      head.series + 1 + check_series(&view->by_name) +
		      latency_lines_series(latency_report(latency), view));
	if (fclose(head.stream) == 0)
		return text;
	free(text);
	return NULL;
}
