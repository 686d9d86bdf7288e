/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"

#include <errno.h>
#include <limits.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assign.h"
#include "eal.h"
#include "mark.h"
#include "telemetry.h"
#include "watch.h"

#define STOP_MS 2000 /* how long a worker may take to end */

static bool verbose;

void engine_be_verbose(void)
{
	verbose = true;
}

static int engine_eal(const struct engine *engine, struct message *message)
{
	char prefix[64];
	const struct eal_options options = {.program = "peertag-dpdk",
					    .prefix = prefix,
					    .arguments = engine->engine_config->eal,
					    .verbose = verbose};

	snprintf(prefix, sizeof(prefix), "peertag-%s", engine->engine_config->name);
	return eal_start(&options, message);
}

/* All lcores but the main one, which is control's. */
static int engine_count_workers(struct engine *engine, struct message *message)
{
	unsigned int lcores = rte_lcore_count() - 1;

	if (lcores == 0)
		return message_set(message, -EINVAL,
				   "engine %s: EAL was given one lcore, which is not for packets: "
				   "give it one more for each worker, as in `eal: \"-l 0-1\"`",
				   engine->engine_config->name);
	engine->worker_count = lcores < PT_WORKERS_MAX ? lcores : PT_WORKERS_MAX;
	return 0;
}

static int engine_state(struct engine *engine, struct message *message)
{
	char path[PATH_MAX];
	int bytes = snprintf(path, sizeof(path), "%s/engine-%s.counters", engine->config->run_dir,
			     engine->engine_config->name);

	if (bytes >= (int)sizeof(path))
		return message_set(message, -ENAMETOOLONG, "the path of the counters is too long");
	return state_open(path, engine->config->max_connections, engine->worker_count,
			  &engine->state, message);
}

static int engine_port(struct engine *engine, const struct pt_config_port *config,
		       struct message *message)
{
	struct port *port = &engine->ports[engine->port_count];
	int error = port_find(port, config, message);

	if (error)
		return error;
	engine->port_count++;
	error = state_port_slot(engine->state, config->name, &port->slot);
	if (error == -ENOSPC)
		return message_set(message, error,
				   "port %s: all %u port slots of the engine are taken",
				   config->name, PT_PORTS_MAX);
	if (error)
		return message_set(message, error, "port %s: the name is longer than %u bytes",
				   config->name, STATE_PORT_BYTES - 1);
	port->nic_base = engine->state->file->nic_packets[port->slot];
	return 0;
}

static int engine_ports(struct engine *engine, struct message *message)
{
	const struct pt_config_engine *config = engine->engine_config;
	int error = 0;

	for (size_t i = 0; !error && i < config->port_count; i++)
		error = engine_port(engine, &config->ports[i], message);
	return error;
}

/* The index of the port that a port forwards to. The configuration's reader knows it is there. */
static __u16 engine_output(const struct engine *engine, const struct pt_config_port *config)
{
	for (__u32 i = 0; i < engine->port_count; i++)
		if (config->forward == PT_FORWARD_PORT &&
		    !strcmp(engine->ports[i].config->name, config->forward_port))
			return i;
	return ASSIGN_NONE;
}

static int engine_workers(struct engine *engine, struct message *message)
{
	struct burst_options options = {.tag = engine->config->tag,
					.capacity = engine->state->capacity};
	int error = mark_register(&options.mark_offset, &options.mark_flag, message);
	unsigned int lcore = -1;

	for (__u32 i = 0; !error && i < engine->worker_count; i++) {
		lcore = rte_get_next_lcore(lcore, 1, 0);
		options.lane = state_lane(engine->state, i);
		options.rtt = latency_rtt(engine->latency, i);
		engine->workers[i] = worker_new(i, lcore, engine->table, &options);
		if (!engine->workers[i])
			error = message_set(message, -ENOMEM, "out of memory");
	}
	return error;
}

static int engine_give_queue(struct engine *engine, const struct assign_queue *assigned,
			     struct message *message)
{
	const struct port *port = &engine->ports[assigned->port];
	__u16 output = engine_output(engine, port->config);
	struct queue queue = {.port = port->id,
			      .queue = assigned->queue,
			      .slot = port->slot,
			      .input = assigned->port,
			      .output = output,
			      .forward = output != ASSIGN_NONE};

	if (queue.forward) {
		queue.output_port = engine->ports[output].id;
		queue.output_queue = assigned->transmit_queue;
	}
	if (worker_add_queue(engine->workers[assigned->worker], &queue))
		return message_set(message, -ENOSPC,
				   "a worker can poll at most %u queues: give EAL more lcores",
				   WORKER_QUEUES_MAX);
	return 0;
}

static int engine_assign(struct engine *engine, struct message *message)
{
	struct assign_port ports[PT_PORTS_MAX];
	struct assignment *assignment = NULL;
	struct port_queues most;
	struct message why;
	__u16 problem = 0;
	int error;

	for (__u32 i = 0; i < engine->port_count; i++) {
		most = port_queues_max(&engine->ports[i]);
		ports[i] = (struct assign_port){most.receive, most.transmit,
						engine_output(engine, engine->ports[i].config)};
	}
	error = assign(ports, engine->port_count, engine->worker_count, &assignment, &problem,
		       &why);
	if (error)
		return message_set(message, error, "port %s: %s",
				   engine->ports[problem].config->name, why.text);
	for (__u32 i = 0; !error && i < engine->port_count; i++)
		engine->ports[i].queues =
			(struct port_queues){assignment->receive[i], assignment->transmit[i]};
	for (__u16 i = 0; !error && i < assignment->queue_count; i++)
		error = engine_give_queue(engine, &assignment->queues[i], message);
	free(assignment);
	return error;
}

int engine_new(const struct pt_config *config, const struct pt_config_engine *engine_config,
	       struct engine **ret, struct message *message)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int error;

	if (!engine)
		return message_set(message, -ENOMEM, "out of memory");
	engine->config = config;
	engine->engine_config = engine_config;
	error = engine_eal(engine, message);
	if (!error)
		error = engine_count_workers(engine, message);
	if (!error)
		error = engine_state(engine, message);
	if (!error)
		error = table_new(engine->state, engine->worker_count, engine_config->table,
				  &engine->table, message);
	if (!error)
		error = latency_new(engine->worker_count, config->latency_slots,
				    config->latency_window_s * 1000, &engine->latency, message);
	if (!error)
		error = engine_ports(engine, message);
	if (!error)
		error = engine_workers(engine, message);
	if (!error)
		error = engine_assign(engine, message);
	if (error) {
		engine_free(engine);
		return error;
	}
	*ret = engine;
	return 0;
}

/* Waits for the workers to end. A stuck one does not: then nothing under it may be taken away. */
static bool engine_stop_workers(struct engine *engine)
{
	int left_ms = STOP_MS;

	for (__u32 i = 0; i < engine->worker_count; i++)
		if (engine->workers[i])
			worker_stop(engine->workers[i]);
	for (__u32 i = 0; i < engine->worker_count; i++) {
		if (!engine->workers[i])
			continue;
		while (rte_eal_get_lcore_state(engine->workers[i]->lcore) == RUNNING &&
		       left_ms-- > 0)
			usleep(1000);
	}
	return left_ms > 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	telemetry_stop();
	watch_stop(engine);
	if (!engine_stop_workers(engine)) {
		fprintf(stderr,
			"peertag-dpdk: a worker does not end: leaving without cleaning up\n");
		_exit(1);
	}
	if (engine->state)
		watch_save_nic_packets(engine);
	for (__u32 i = 0; i < engine->port_count; i++)
		port_stop(&engine->ports[i]);
	for (__u32 i = 0; i < engine->worker_count; i++)
		worker_free(engine->workers[i]);
	table_free(engine->table);
	latency_free(engine->latency);
	state_free(engine->state);
	eal_stop();
	free(engine);
}

static int engine_launch(struct engine *engine, struct message *message)
{
	for (__u32 i = 0; i < engine->worker_count; i++) {
		struct worker *worker = engine->workers[i];
		int error = worker->queue_count
				    ? rte_eal_remote_launch(worker_run, worker, worker->lcore)
				    : 0;

		if (error)
			return message_set(message, error,
					   "cannot start the worker on lcore %u: %s", worker->lcore,
					   strerror(-error));
	}
	return 0;
}

static void engine_tell_ports(const struct engine *engine)
{
	struct pt_engine_port told;

	for (__u32 i = 0; i < engine->port_count; i++) {
		engine_port_status(engine, i, &told);
		fprintf(stderr, "port %s (%s): %s\n", told.name, told.driver, told.mode);
	}
}

int engine_run(struct engine *engine, sd_event *loop, struct message *message)
{
	int error = 0;

	for (__u32 i = 0; !error && i < engine->port_count; i++)
		error = port_start(&engine->ports[i], engine->ports[i].queues, message);
	if (error)
		return error;
	watch_point_queues(engine);
	error = engine_launch(engine, message);
	if (error)
		return error;
	engine_tell_ports(engine);
	error = telemetry_start(engine, message);
	if (error)
		return error;
	error = watch_start(engine, loop);
	return error < 0 ? message_set(message, error, "cannot start a timer: %s", strerror(-error))
			 : 0;
}

static void engine_open(void *argument, struct pt_engine_open *ret, int *ret_fds)
{
	const struct engine *engine = argument;

	memcpy(ret->set.registry, engine->state->file->registry, sizeof(ret->set.registry));
	table_held(engine->table, &ret->set.generation, &ret->set.checksum, &ret->table_bytes);
	snprintf(ret->kind, sizeof(ret->kind), "dpdk");
	snprintf(ret->table, sizeof(ret->table), "%s",
		 pt_config_table_name(engine->engine_config->table));
	ret->capacity = engine->state->capacity;
	ret->lane_count = engine->state->lane_count;
	ret->counters_offset = engine->state->counters_offset;
	ret->latency_slots = engine->latency->slots;
	ret->latency_lanes = engine->latency->lane_count;
	ret->latency_window_ms = engine->latency->window_ms;
	ret_fds[PT_ENGINE_FD_COUNTERS] = engine->state->counters_fd;
	ret_fds[PT_ENGINE_FD_LATENCY] = engine->latency->fd;
}

/* Who polls a port: "lcore 3: 0 2, lcore 4: 1 3". */
static void name_pollers(const struct engine *engine, __u32 port, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (__u32 i = 0; i < engine->worker_count; i++) {
		const struct worker *worker = engine->workers[i];
		bool named = false;

		for (__u32 n = 0; n < worker->queue_count && used < bytes; n++) {
			if (worker->queues[n].input != port)
				continue;
			if (!named)
				used += snprintf(text + used, bytes - used,
						 "%slcore %u:", used ? ", " : "", worker->lcore);
			named = true;
			if (used < bytes)
				used += snprintf(text + used, bytes - used, " %u",
						 worker->queues[n].queue);
		}
	}
}

void engine_port_status(const struct engine *engine, __u32 port, struct pt_engine_port *ret)
{
	char pollers[96];

	name_pollers(engine, port, pollers, sizeof(pollers));
	port_status(&engine->ports[port], pollers, ret);
}

/* What a worker polls: "PORT:QUEUE PORT:QUEUE". */
static void name_queues(const struct engine *engine, const struct worker *worker, char *text,
			size_t bytes)
{
	static const char more[] = "...";
	size_t used = 0;

	text[0] = '\0';
	for (__u32 n = 0; n < worker->queue_count && used < bytes; n++)
		used += snprintf(text + used, bytes - used, "%s%s:%u", used ? " " : "",
				 engine->ports[worker->queues[n].input].config->name,
				 worker->queues[n].queue);
	if (used >= bytes)
		strcpy(text + bytes - sizeof(more), more);
}

/* The only CPU that an lcore may run on, or -1. */
static __u32 lcore_cpu(unsigned int lcore)
{
	rte_cpuset_t cpus = rte_lcore_cpuset(lcore);

	return CPU_COUNT(&cpus) == 1 ? (__u32)rte_lcore_to_cpu_id(lcore) : UINT32_MAX;
}

void engine_worker_status(const struct engine *engine, __u32 number, struct pt_engine_worker *ret)
{
	const struct worker *worker = engine->workers[number];
	const struct worker_figures *figures = &worker->figures;

	name_queues(engine, worker, ret->queues, sizeof(ret->queues));
	ret->lcore = worker->lcore;
	ret->cpu = lcore_cpu(worker->lcore);
	ret->stuck = watch_worker_is_stuck(engine, number);
	ret->polls = __atomic_load_n(&figures->polls, __ATOMIC_RELAXED);
	ret->bursts = __atomic_load_n(&figures->bursts, __ATOMIC_RELAXED);
	ret->packets = __atomic_load_n(&figures->packets, __ATOMIC_RELAXED);
	ret->busy_cycles = __atomic_load_n(&figures->busy_cycles, __ATOMIC_RELAXED);
}

static void engine_status(void *argument, struct pt_engine_status *ret)
{
	const struct engine *engine = argument;

	/* What is told is kept first: a kill behind it must not make it less. */
	watch_save_nic_packets(engine);
	ret->cycles_hz = rte_get_tsc_hz();
	for (__u32 i = 0; i < engine->port_count; i++)
		engine_port_status(engine, i, &ret->ports[ret->port_count++]);
	for (__u32 i = 0; i < engine->worker_count; i++)
		engine_worker_status(engine, i, &ret->workers[ret->worker_count++]);
}

static int engine_lookup(void *argument, enum pt_family family, const __u8 *addr,
			 struct pt_engine_lookup *ret)
{
	const struct engine *engine = argument;

	table_lookup(engine->table, family, addr, &ret->class, &ret->connection);
	return 0;
}

static int engine_publish(void *argument, const struct pt_snapshot *snapshot,
			  struct message *message)
{
	const struct engine *engine = argument;

	return table_publish(engine->table, snapshot, message);
}

static void engine_settle(void *argument)
{
	const struct engine *engine = argument;

	table_settle(engine->table);
}

const struct host_engine engine_functions = {
	.open = engine_open,
	.status = engine_status,
	.lookup = engine_lookup,
	.publish = engine_publish,
	.settle = engine_settle,
};
