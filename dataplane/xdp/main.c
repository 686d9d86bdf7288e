/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <peertag/latency.h>

#include "../classify.h"
#include "../service.h"
#include "engine.h"
#include "program.h"

static const char usage_text[] =
	"usage: peertag-xdp [-v] [-c CONFIG] -n NAME         run the engine NAME\n"
	"       peertag-xdp [-c CONFIG] detach PORT          take the programs off a port\n"
	"       peertag-xdp classify --snapshot FILE CAPTURE run a capture; --help says more\n"
	"       peertag-xdp --version | --help\n"
	"\n"
	"The engine attaches its BPF programs to the ports that CONFIG (" PT_CONFIG_PATH ")\n"
	"names, and loads into them what peertagd sends. Ending it leaves them attached.\n";

/* Kernels before 5.11 charge BPF memory to this limit. */
static void raise_memlock(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static int xdp_check(const struct pt_config *config, const struct pt_config_engine *engine,
		     struct message *message)
{
	if (strchr(engine->name, '.') || strchr(engine->name, '/'))
		return message_set(message, -EINVAL,
				   "engine %s: the name may have no dot or slash, since a BPF file "
				   "system has none",
				   engine->name);
	if (engine->port_count > PT_PORTS_MAX)
		return message_set(message, -E2BIG, "engine %s: at most %u ports", engine->name,
				   PT_PORTS_MAX);
	for (size_t i = 0; i < engine->port_count; i++)
		if (config->tag.carrier[PT_CARRIER_VLAN] &&
		    engine->ports[i].forward == PT_FORWARD_PASS)
			return message_set(message, -EINVAL,
					   "port %s: `tag.vlan` needs `forward: PORT`: a host does "
					   "not expect tags on what is passed to it",
					   engine->ports[i].name);
	return 0;
}

static void print_start(const struct pt_config *config, const struct pt_config_engine *engine)
{
	int cpus = libbpf_num_possible_cpus();
	unsigned long long bytes = (cpus + 1) * pt_lane_bytes(config->max_connections);
	unsigned long long latency_bytes = cpus * pt_latency_lane_bytes(config->latency_slots);

	fprintf(stderr,
		"peertag-xdp %s: engine %s, %zu ports; counters %.1f MiB (max_connections %u x 32 "
		"bytes x %d possible CPUs + 1), tables 2 x %u MiB (max_prefixes %u), round-trip times "
		"%.1f MiB (latency.slots %u)\n",
		PEERTAG_VERSION, engine->name, engine->port_count, bytes / 1048576.0,
		config->max_connections, cpus, (engine_table_room(config) >> 20) ?: 1,
		config->max_prefixes, latency_bytes / 1048576.0, config->latency_slots);
}

static int xdp_open(const struct pt_config *config, const struct pt_config_engine *engine_config,
		    void **ret, struct message *message)
{
	struct engine *engine;
	int error;

	print_start(config, engine_config);
	raise_memlock();
	error = engine_new(config, engine_config, &engine, message);
	if (error)
		return error;
	*ret = engine;
	return 0;
}

static void xdp_free(void *engine)
{
	engine_free(engine);
}

/* The kept set is published first, so that no packet is unmatched for want of it. */
static int xdp_start(void *engine, struct host *host, sd_event *loop, struct message *message)
{
	bool attach_first = engine_is_changing(engine);
	int error = attach_first ? engine_attach(engine, message) : 0;

	if (!error)
		error = host_start(host, &engine_functions, engine, message);
	if (!error && !attach_first)
		error = engine_attach(engine, message);
	if (error)
		return error;
	error = engine_watch(engine, loop);
	return error ? message_set(message, error, "cannot watch the network devices: %s",
				   strerror(-error))
		     : 0;
}

static int xdp_detach(const struct pt_config *config, const char *port, struct message *message)
{
	raise_memlock();
	return engine_detach(config, port, message);
}

static void xdp_verbose(void)
{
	program_verbose(1);
}

static const struct service service = {
	.program = "peertag-xdp",
	.usage = usage_text,
	.verbose = xdp_verbose,
	.check = xdp_check,
	.open = xdp_open,
	.free = xdp_free,
	.start = xdp_start,
	.detach = xdp_detach,
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "classify"))
		return classify_main(argc - 1, argv + 1);
	return service_main(&service, argc, argv);
}
