/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../classify.h"
#include "../service.h"
#include "engine.h"

static const char usage_text[] =
	"usage: peertag-dpdk [-v] [-c CONFIG] -n NAME         run the engine NAME\n"
	"       peertag-dpdk classify --snapshot FILE CAPTURE run a capture; --help says more\n"
	"       peertag-dpdk --version | --help\n"
	"\n"
	"The engine runs a worker on each lcore but the first that EAL is given, over the ports\n"
	"that CONFIG (" PT_CONFIG_PATH ") names, and loads into its table what peertagd sends.\n"
	"EAL's arguments are in CONFIG: `eal: \"-l 0-1 -a 0000:8a:00.0\"`.\n";

static int check_port(const struct pt_config_port *port, struct message *message)
{
	if (port->forward == PT_FORWARD_PASS)
		return message_set(message, -EINVAL,
				   "port %s: `forward: pass` is for XDP, since DPDK has no host to "
				   "pass packets to: say `forward: drop`, for a mirror or tap, or "
				   "`forward: PORT`",
				   port->name);
	if (port->mode != PT_MODE_AUTO)
		return message_set(message, -EINVAL,
				   "port %s: `mode` is for XDP: leave it out, DPDK's driver is "
				   "chosen by EAL's arguments",
				   port->name);
	return 0;
}

/* Nobody but code in this process sees a mark. */
static void warn_of_mark(const struct pt_config_tag *tag)
{
	if (tag->carrier[PT_CARRIER_MARK] && !tag->carrier[PT_CARRIER_DSCP] &&
	    !tag->carrier[PT_CARRIER_VLAN])
		fputs("warning: the mark is the only tag that is on, and with DPDK it does not "
		      "leave the process: `tag: {dscp: true}` or `{vlan: true}` do\n",
		      stderr);
}

static int dpdk_check(const struct pt_config *config, const struct pt_config_engine *engine,
		      struct message *message)
{
	int error = 0;

	if (strchr(engine->name, '/'))
		return message_set(message, -EINVAL,
				   "engine %s: the name may have no slash, since files are called "
				   "after it",
				   engine->name);
	if (engine->port_count > PT_PORTS_MAX)
		return message_set(message, -E2BIG, "engine %s: at most %u ports", engine->name,
				   PT_PORTS_MAX);
	for (size_t i = 0; !error && i < engine->port_count; i++)
		error = check_port(&engine->ports[i], message);
	if (!error)
		warn_of_mark(&config->tag);
	return error;
}

static void print_start(const struct engine *engine)
{
	unsigned long long bytes =
		engine->state->lane_count * pt_lane_bytes(engine->state->capacity);

	fprintf(stderr,
		"peertag-dpdk %s: engine %s, %u ports, %u workers; counters %.1f MiB "
		"(max_connections %u x 32 bytes x workers)\n",
		PEERTAG_VERSION, engine->engine_config->name, engine->port_count,
		engine->worker_count, bytes / 1048576.0, engine->state->capacity);
}

static int dpdk_open(const struct pt_config *config, const struct pt_config_engine *engine_config,
		     void **ret, struct message *message)
{
	struct engine *engine;
	int error = engine_new(config, engine_config, &engine, message);

	if (error)
		return error;
	print_start(engine);
	*ret = engine;
	return 0;
}

static void dpdk_free(void *engine)
{
	engine_free(engine);
}

/* The kept set is published first, so that no packet is unmatched for want of it. */
static int dpdk_start(void *engine, struct host *host, sd_event *loop, struct message *message)
{
	int error = host_start(host, &engine_functions, engine, message);

	return error ? error : engine_run(engine, loop, message);
}

static const struct service service = {
	.program = "peertag-dpdk",
	.usage = usage_text,
	.verbose = engine_be_verbose,
	.check = dpdk_check,
	.open = dpdk_open,
	.free = dpdk_free,
	.start = dpdk_start,
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "classify"))
		return classify_main(argc - 1, argv + 1);
	return service_main(&service, argc, argv);
}
