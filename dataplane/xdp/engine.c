/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capacity.h"
#include "drops.h"
#include "engine.h"
#include "latency.h"
#include "port.h"
#include "state.h"
#include "table.h"

/* How often a port that could not be attached is tried again without any event. */
#define RETRY_US 500000

/* Of an image, for each prefix: a million of them take 7 to 11, some thousand a little more. */
#define PREFIX_BYTES 12

struct engine {
	const struct pt_config *config;
	const struct pt_config_engine *engine_config;
	struct state *state;
	struct table *table;
	struct port *ports;
	size_t port_count;
	int watch;
	sd_event_source *watch_source;
	sd_event_source *timer_source;
};

__u32 engine_table_room(const struct pt_config *config)
{
	__u64 bytes = sizeof(struct pt_table) +
		      config->max_connections * (__u64)sizeof(struct pt_class) +
		      config->max_prefixes * (__u64)PREFIX_BYTES;
	__u32 room = state_room_for(bytes);

	return room ? room : PT_XDP_TABLE_MAX;
}

int engine_pins(const struct pt_config *config, const char *name, char *dir, size_t bytes)
{
	return snprintf(dir, bytes, "%s/%s", config->pins, name) < (int)bytes ? 0 : -ENAMETOOLONG;
}

static int engine_ports(struct engine *engine, struct message *message)
{
	const struct pt_config_engine *config = engine->engine_config;
	int error = 0;

	engine->ports = calloc(config->port_count + 1, sizeof(*engine->ports));
	if (!engine->ports)
		return message_set(message, -ENOMEM, "out of memory");
	for (size_t i = 0; !error && i < config->port_count; i++) {
		error = port_init(&engine->ports[i], &config->ports[i], &engine->config->tag,
				  engine->state, message);
		engine->port_count += !error;
	}
	return error;
}

int engine_new(const struct pt_config *config, const struct pt_config_engine *engine_config,
	       struct engine **ret, struct message *message)
{
	const struct state_options options = {
		.capacity = config->max_connections,
		.table_room = engine_table_room(config),
		.latency_slots = config->latency_slots,
		.latency_window_ms = config->latency_window_s * 1000,
		.tries = engine_config->table == PT_TABLE_LPM,
	};
	struct engine *engine = calloc(1, sizeof(*engine));
	char dir[PATH_MAX];
	int error;

	if (!engine)
		return message_set(message, -ENOMEM, "out of memory");
	engine->config = config;
	engine->engine_config = engine_config;
	engine->watch = -1;
	error = engine_pins(config, engine_config->name, dir, sizeof(dir));
	if (error)
		message_set(message, error, "the path of the pins is too long");
	if (!error)
		error = state_open(dir, &options, &engine->state, message);
	if (!error)
		error = table_new(engine->state, &engine->table, message);
	if (!error)
		error = engine_ports(engine, message);
	if (error) {
		engine_free(engine);
		return error;
	}
	*ret = engine;
	return 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	sd_event_source_disable_unref(engine->timer_source);
	sd_event_source_disable_unref(engine->watch_source);
	if (engine->watch >= 0)
		close(engine->watch);
	for (size_t i = 0; i < engine->port_count; i++)
		port_done(&engine->ports[i]);
	free(engine->ports);
	table_free(engine->table);
	state_free(engine->state);
	free(engine);
}

static void engine_check_ports(struct engine *engine)
{
	char mode[512];

	for (size_t i = 0; i < engine->port_count; i++) {
		if (!port_check(&engine->ports[i]))
			continue;
		port_mode(&engine->ports[i], mode, sizeof(mode));
		fprintf(stderr, "port %s: %s\n", engine->ports[i].config->name, mode);
	}
}

static int engine_on_devices(sd_event_source *source, int fd, uint32_t events, void *argument)
{
	(void)source;
	(void)events;
	device_drain(fd);
	engine_check_ports(argument);
	return 0;
}

static int engine_on_timer(sd_event_source *source, uint64_t now_us, void *argument)
{
	engine_check_ports(argument);
	sd_event_source_set_time(source, now_us + RETRY_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The name of a port that is attached though the configuration has it no more; "" for none. */
static const char *other_port(const struct engine *engine, __u32 slot)
{
	char path[PATH_MAX], pin[32];

	for (size_t i = 0; i < engine->port_count; i++)
		if (engine->ports[i].slot == slot)
			return "";
	snprintf(pin, sizeof(pin), "xdp-%u", slot);
	state_pin_path(engine->state, pin, path, sizeof(path));
	return access(path, F_OK) ? "" : engine->state->shared->ports[slot];
}

/* They go on counting until somebody says otherwise; but not into counters of another size. */
static int engine_check_others(const struct engine *engine, struct message *message)
{
	for (__u32 slot = 0; slot < PT_PORTS_MAX; slot++) {
		const char *name = other_port(engine, slot);

		if (name[0] && state_is_changing(engine->state))
			return message_set(
				message, -EBUSY,
				"port %s is attached and not in the configuration, so "
				"max_connections and max_prefixes cannot change: peertag-xdp detach %s",
				name, name);
		if (name[0])
			fprintf(stderr,
				"warning: port %s is not in the configuration and still attached: "
				"peertag-xdp detach %s\n",
				name, name);
	}
	return 0;
}

static bool engine_forwards(const struct engine *engine)
{
	for (size_t i = 0; i < engine->port_count; i++)
		if (engine->ports[i].config->forward == PT_FORWARD_PORT)
			return true;
	return false;
}

bool engine_is_changing(const struct engine *engine)
{
	return state_is_changing(engine->state);
}

/* Why a program of this port may still count in the old maps; "" if none does. */
static const char *carry_obstacle(const struct port *port)
{
	if (port->hook.link >= 0 && port->problem.text[0])
		return port->problem.text;
	return port->filters.text;
}

/* All programs count in the new maps now, or the change waits for another start. */
static int engine_carry(struct engine *engine, struct message *message)
{
	const char *obstacle;
	int error;

	for (size_t i = 0; i < engine->port_count; i++) {
		obstacle = carry_obstacle(&engine->ports[i]);
		if (obstacle[0])
			return message_set(
				message, -EBUSY,
				"max_connections and max_prefixes cannot change: port %s: %s",
				engine->ports[i].config->name, obstacle);
	}
	error = table_grace(engine->table);
	return error ? message_set(message, error, "cannot wait for running programs: %s",
				   strerror(-error))
		     : capacity_carry(engine->state, message);
}

int engine_attach(struct engine *engine, struct message *message)
{
	struct message warning;
	int error = engine_check_others(engine, message);

	if (error)
		return error;
	if (engine_is_changing(engine))
		drops_detach(engine->state->dir);
	if (engine_forwards(engine) && drops_attach(engine->state, &warning))
		fprintf(stderr, "warning: lost redirects are not counted: %s\n", warning.text);
	engine_check_ports(engine);
	return engine_is_changing(engine) ? engine_carry(engine, message) : 0;
}

int engine_watch(struct engine *engine, sd_event *loop)
{
	int error;

	engine->watch = device_watch();
	if (engine->watch < 0)
		return engine->watch;
	error = sd_event_add_io(loop, &engine->watch_source, engine->watch, EPOLLIN,
				engine_on_devices, engine);
	if (error >= 0)
		error = sd_event_add_time_relative(loop, &engine->timer_source, CLOCK_MONOTONIC,
						   RETRY_US, 0, engine_on_timer, engine);
	if (error < 0)
		return error;
	/* Whatever changed between attaching and watching. */
	engine_check_ports(engine);
	return 0;
}

static void engine_open(void *argument, struct pt_engine_open *ret, int *ret_fds)
{
	const struct engine *engine = argument;
	const struct pt_xdp_state *shared = engine->state->shared;

	memcpy(ret->set.registry, shared->registry, sizeof(ret->set.registry));
	ret->set.generation = shared->generation;
	ret->set.checksum = shared->generation ? shared->checksum : 0;
	snprintf(ret->kind, sizeof(ret->kind), "xdp");
	snprintf(ret->table, sizeof(ret->table), "%s",
		 pt_config_table_name(engine->engine_config->table));
	ret->table_room = engine->state->table_room;
	ret->capacity = engine->state->capacity;
	ret->lane_count = engine->state->lane_count;
	ret->table_bytes = shared->table_bytes;
	ret->latency_slots = engine->state->latency_slots;
	ret->latency_lanes = latency_lanes();
	ret->latency_window_ms = engine->state->latency_window_ms;
	ret_fds[PT_ENGINE_FD_COUNTERS] = state_map(engine->state, "counters");
	ret_fds[PT_ENGINE_FD_LATENCY] = state_map(engine->state, "latency");
}

static void engine_status(void *argument, struct pt_engine_status *ret)
{
	const struct engine *engine = argument;

	for (size_t i = 0; i < engine->port_count && i < PT_PORTS_MAX; i++)
		port_status(&engine->ports[i], &ret->ports[ret->port_count++]);
}

static int engine_lookup(void *argument, enum pt_family family, const __u8 *addr,
			 struct pt_engine_lookup *ret)
{
	const struct engine *engine = argument;
	struct pt_class class;
	int error = table_lookup(engine->table, family, addr, &ret->class, &class);

	if (!error && ret->class)
		ret->connection = engine->state->owners.owners[class.counter].connection;
	return error;
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
