/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <rte_telemetry.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "telemetry.h"

/* Connections in one answer: DPDK's socket takes no more than some KiB at once. */
#define COUNTERS_PAGE 64

/* DPDK's handlers get no argument. */
static const struct engine *telemetry_engine;
static pthread_mutex_t telemetry_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_count(struct rte_tel_data *data, const char *packets, const char *bytes,
		      struct pt_count count)
{
	rte_tel_data_add_dict_u64(data, packets, count.packets);
	rte_tel_data_add_dict_u64(data, bytes, count.bytes);
}

static struct rte_tel_data *port_data(const struct engine *engine, __u32 number)
{
	struct rte_tel_data *data = rte_tel_data_alloc();
	struct pt_counters counters = state_counters(engine->state);
	struct pt_port_counters sum = {};
	struct pt_engine_port port = {};

	if (!data)
		return NULL;
	engine_port_status(engine, number, &port);
	pt_counters_port(&counters, port.slot, &sum);
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "driver", port.driver);
	rte_tel_data_add_dict_string(data, "mode", port.mode);
	rte_tel_data_add_dict_int(data, "up", port.up);
	add_count(data, "received_packets", "received_bytes", pt_count_total(sum.received));
	for (int outcome = 0; outcome < PT_OUTCOMES; outcome++)
		rte_tel_data_add_dict_u64(data, pt_outcome_name(outcome),
					  sum.received[outcome].packets);
	rte_tel_data_add_dict_u64(data, "forward_drops", sum.forward_drops);
	rte_tel_data_add_dict_u64(data, "nic_packets", port.nic_packets);
	return data;
}

static int tell_ports(const struct engine *engine, const char *parameters,
		      struct rte_tel_data *data)
{
	(void)parameters;
	rte_tel_data_start_dict(data);
	for (__u32 i = 0; i < engine->port_count; i++)
		rte_tel_data_add_dict_container(data, engine->ports[i].config->name,
						port_data(engine, i), 0);
	return 0;
}

static __u64 ratio(__u64 of, __u64 by)
{
	return by ? of / by : 0;
}

static struct rte_tel_data *worker_data(const struct engine *engine, __u32 number)
{
	struct rte_tel_data *data = rte_tel_data_alloc();
	struct pt_engine_worker worker = {};

	if (!data)
		return NULL;
	engine_worker_status(engine, number, &worker);
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "queues", worker.queues);
	rte_tel_data_add_dict_int(data, "stuck", worker.stuck);
	rte_tel_data_add_dict_u64(data, "polls", worker.polls);
	rte_tel_data_add_dict_u64(data, "bursts", worker.bursts);
	rte_tel_data_add_dict_u64(data, "packets", worker.packets);
	rte_tel_data_add_dict_u64(data, "busy_cycles", worker.busy_cycles);
	rte_tel_data_add_dict_u64(data, "cycles_per_packet",
				  ratio(worker.busy_cycles, worker.packets));
	rte_tel_data_add_dict_u64(data, "packets_per_burst", ratio(worker.packets, worker.bursts));
	return data;
}

static int tell_workers(const struct engine *engine, const char *parameters,
			struct rte_tel_data *data)
{
	char lcore[16];

	(void)parameters;
	rte_tel_data_start_dict(data);
	for (__u32 i = 0; i < engine->worker_count; i++) {
		snprintf(lcore, sizeof(lcore), "lcore_%u", engine->workers[i]->lcore);
		rte_tel_data_add_dict_container(data, lcore, worker_data(engine, i), 0);
	}
	return 0;
}

static struct rte_tel_data *connection_data(const struct pt_counters *counters, __u32 index)
{
	struct rte_tel_data *data = rte_tel_data_alloc();
	struct pt_connection_counters sum = {};

	if (!data)
		return NULL;
	pt_counters_connection(counters, index, &sum);
	rte_tel_data_start_dict(data);
	add_count(data, "receive_packets", "receive_bytes", sum.direction[PT_RECEIVE]);
	add_count(data, "transmit_packets", "transmit_bytes", sum.direction[PT_TRANSMIT]);
	return data;
}

/* A page of connections by id, from the counter index that the parameter says; and the next one. */
static int tell_counters(const struct engine *engine, const char *parameters,
			 struct rte_tel_data *data)
{
	struct pt_counters counters = state_counters(engine->state);
	const struct pt_owner *owners = engine->state->owners.owners;
	__u64 index = parameters ? strtoull(parameters, NULL, 10) : 0;
	__u32 told = 0;
	char id[16];

	rte_tel_data_start_dict(data);
	for (; index < counters.capacity && told < COUNTERS_PAGE; index++) {
		if (!owners[index].in_use)
			continue;
		snprintf(id, sizeof(id), "%u", owners[index].connection);
		rte_tel_data_add_dict_container(data, id, connection_data(&counters, index), 0);
		told++;
	}
	while (index < counters.capacity && !owners[index].in_use)
		index++;
	if (index < counters.capacity)
		rte_tel_data_add_dict_u64(data, "next", index);
	return 0;
}

static const struct command {
	const char *name;
	const char *help;
	int (*tell)(const struct engine *engine, const char *parameters, struct rte_tel_data *data);
} commands[] = {
	{"/peertag/ports", "What the ports received, by outcome. No parameters.", tell_ports},
	{"/peertag/workers", "What the workers polled, and its cost. No parameters.", tell_workers},
	{"/peertag/counters",
	 "Counters by connection id. Parameter: the counter index to begin at, `next` of the page "
	 "before.",
	 tell_counters},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static int handle(const char *name, const char *parameters, struct rte_tel_data *data)
{
	int error = -ENODEV;

	pthread_mutex_lock(&telemetry_lock);
	for (size_t i = 0; telemetry_engine && i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			error = commands[i].tell(telemetry_engine, parameters, data);
	pthread_mutex_unlock(&telemetry_lock);
	return error;
}

int telemetry_start(const struct engine *engine, struct message *message)
{
	int error = 0;

	for (size_t i = 0; !error && i < COMMANDS; i++)
		error = rte_telemetry_register_cmd(commands[i].name, handle, commands[i].help);
	if (error)
		return message_set(message, error, "cannot register with DPDK's telemetry: %s",
				   strerror(-error));
	pthread_mutex_lock(&telemetry_lock);
	telemetry_engine = engine;
	pthread_mutex_unlock(&telemetry_lock);
	return 0;
}

void telemetry_hold(void)
{
	pthread_mutex_lock(&telemetry_lock);
}

void telemetry_release(void)
{
	pthread_mutex_unlock(&telemetry_lock);
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&telemetry_lock);
	telemetry_engine = NULL;
	pthread_mutex_unlock(&telemetry_lock);
}
