/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <string.h>

static json_t *count_json(struct pt_count count)
{
	return json_pack("{s:I,s:I}", "packets", (json_int_t)count.packets, "bytes",
			 (json_int_t)count.bytes);
}

static json_t *outcomes_json(const struct pt_count outcomes[PT_OUTCOMES])
{
	json_t *object = json_object();

	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		json_object_set_new(object, pt_outcome_name(outcome),
				    json_integer(outcomes[outcome].packets));
	return object;
}

static json_t *carriers_json(const __u64 carriers[PT_CARRIERS])
{
	json_t *object = json_object();

	for (enum pt_carrier carrier = 0; carrier < PT_CARRIERS; carrier++)
		json_object_set_new(object, pt_carrier_name(carrier),
				    json_integer(carriers[carrier]));
	return object;
}

struct pt_port_counters status_port_counters(const struct engine *engine, size_t port)
{
	struct pt_port_counters counters = {};

	if (engine->counters.lanes && engine->status.ports[port].slot < PT_PORTS_MAX)
		pt_counters_port(&engine->counters, engine->status.ports[port].slot, &counters);
	return counters;
}

uint64_t status_table_room(const struct engine *engine)
{
	return strcmp(engine->held.table, pt_config_table_name(PT_TABLE_FLAT))
		       ? 0
		       : engine->held.table_room;
}

static json_t *port_json(const struct engine *engine, size_t at)
{
	const struct pt_engine_port *port = &engine->status.ports[at];
	struct pt_port_counters counters = status_port_counters(engine, at);

	return json_pack("{s:s,s:b,s:s,s:s,s:o,s:I,s:o,s:o,s:o,s:o,s:I}", "name", port->name, "up",
			 engine->up && port->up, "mode", port->mode, "driver", port->driver,
			 "received", count_json(pt_count_total(counters.received)), "nic_packets",
			 (json_int_t)port->nic_packets, "outcomes",
			 outcomes_json(counters.received), "sent_outcomes",
			 outcomes_json(counters.sent), "tagged", carriers_json(counters.tagged),
			 "tag_failures", carriers_json(counters.tag_failures), "forward_drops",
			 (json_int_t)counters.forward_drops);
}

double status_busy_seconds(const struct engine *engine, size_t worker)
{
	const struct pt_engine_status *status = &engine->status;

	if (!status->cycles_hz)
		return 0;
	return (double)status->workers[worker].busy_cycles / (double)status->cycles_hz;
}

bool status_stuck(const struct engine *engine, size_t worker)
{
	return engine->up && engine->status.workers[worker].stuck;
}

/* `value`, which is not negative, to so many parts of one. */
static json_t *rounded_json(double value, double parts)
{
	return json_real((double)(json_int_t)(value * parts + 0.5) / parts);
}

/* null where there is nothing to divide by yet. */
static json_t *ratio_json(__u64 dividend, __u64 divisor)
{
	return divisor ? rounded_json((double)dividend / (double)divisor, 100) : json_null();
}

json_t *status_queues_json(const char *queues)
{
	json_t *list = json_array();

	while (*queues) {
		size_t length = strcspn(queues, " ");

		json_array_append_new(list, json_stringn(queues, length));
		queues += length + strspn(queues + length, " ");
	}
	return list;
}

static json_t *worker_json(const struct engine *engine, size_t at)
{
	const struct pt_engine_worker *worker = &engine->status.workers[at];
	bool several_cpus = worker->cpu == (__u32)-1;

	return json_pack(
		"{s:I,s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:b}", "lcore", (json_int_t)worker->lcore,
		"cpu", several_cpus ? json_null() : json_integer(worker->cpu), "queues",
		status_queues_json(worker->queues), "polls", (json_int_t)worker->polls, "bursts",
		(json_int_t)worker->bursts, "packets", (json_int_t)worker->packets, "busy_seconds",
		rounded_json(status_busy_seconds(engine, at), 1e6), "cycles_per_packet",
		ratio_json(worker->busy_cycles, worker->packets), "packets_per_burst",
		ratio_json(worker->packets, worker->bursts), "stuck", status_stuck(engine, at));
}

static json_t *engine_json(const struct engines *engines, const struct engine *engine)
{
	json_t *ports = json_array(), *workers = json_array();
	json_t *object;

	for (size_t i = 0; i < engine->status.port_count; i++)
		json_array_append_new(ports, port_json(engine, i));
	for (size_t i = 0; i < engine->status.worker_count; i++)
		json_array_append_new(workers, worker_json(engine, i));
	object = json_pack("{s:s,s:b,s:I,s:I,s:s,s:s,s:I,s:f,s:I,s:I,s:o,s:o}", "name",
			   engine->name, "up", engine->up, "generation",
			   (json_int_t)engine->held.set.generation, "desired_generation",
			   (json_int_t)engines_desired(engines), "kind", engine->held.kind, "table",
			   engine->held.table, "table_bytes", (json_int_t)engine->held.table_bytes,
			   "publish_seconds", engine->publish_seconds, "publish_failures",
			   (json_int_t)engine->publish_failures, "capacity",
			   (json_int_t)engine->held.capacity, "ports", ports, "workers", workers);
	if (object && engine->failure[0])
		json_object_set_new(object, "error", json_string(engine->failure));
	return object;
}

json_t *status_json(const struct view *view, const struct engines *engines, const char *site)
{
	json_t *list = json_array();

	for (size_t i = 0; i < engines_count(engines); i++)
		json_array_append_new(list, engine_json(engines, engines_at(engines, i)));
	return json_pack("{s:s,s:s,s:I,s:b,s:I,s:{s:I,s:I},s:o}", "version", PEERTAG_VERSION,
			 "site", site, "revision", (json_int_t)view->revision, "ready",
			 engines_ready(engines), "connections", (json_int_t)view->by_name.count,
			 "prefixes", "ipv4", (json_int_t)view->totals.ipv4, "ipv6",
			 (json_int_t)view->totals.ipv6, "engines", list);
}

/* What arrived on all ports of all engines. */
json_t *status_outcomes_json(const struct engines *engines)
{
	struct pt_count total[PT_OUTCOMES] = {};

	for (size_t i = 0; i < engines_count(engines); i++) {
		const struct engine *engine = engines_at(engines, i);

		for (size_t port = 0; port < engine->status.port_count; port++) {
			struct pt_port_counters counters = status_port_counters(engine, port);

			for (int outcome = 0; outcome < PT_OUTCOMES; outcome++)
				pt_count_add(&total[outcome], counters.received[outcome].packets,
					     counters.received[outcome].bytes);
		}
	}
	return outcomes_json(total);
}
