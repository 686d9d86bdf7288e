/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "../classify.h"
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

struct arguments {
	const char *config;
	const char *name;
	const char *detach;
};

static int usage_error(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static void fail(const char *text)
{
	fprintf(stderr, "peertag-xdp: %s\n", text);
}

/* Kernels before 5.11 charge BPF memory to this limit. */
static void raise_memlock(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static int engine_check_config(const struct pt_config *config,
			       const struct pt_config_engine *engine, struct message *message)
{
	if (strchr(engine->name, '.') || strchr(engine->name, '/'))
		return message_set(message, -EINVAL,
				   "engine %s: the name may have no dot or slash, since a BPF file "
				   "system has none",
				   engine->name);
	if (engine->table == PT_TABLE_FLAT)
		return message_set(message, -EOPNOTSUPP,
				   "engine %s: `table: flat` is not built in; leave it out, or "
				   "say `table: lpm`",
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

	fprintf(stderr,
		"peertag-xdp %s: engine %s, %zu ports; counters %.1f MiB (max_connections %u x 32 "
		"bytes x %d possible CPUs + 1)\n",
		PEERTAG_VERSION, engine->name, engine->port_count, bytes / 1048576.0,
		config->max_connections, cpus);
}

static int block_signals(sd_event *loop)
{
	static const int ending[] = {SIGTERM, SIGINT};
	sigset_t set;
	int error = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; error >= 0 && i < sizeof(ending) / sizeof(*ending); i++)
		error = sd_event_add_signal(loop, NULL, ending[i], NULL, NULL);
	return error < 0 ? error : 0;
}

/* The kept set is published first, so that no packet is unmatched for want of it. */
static int start(struct engine *engine, struct host *host, struct message *message)
{
	bool attach_first = engine_is_changing(engine);
	int error = attach_first ? engine_attach(engine, message) : 0;

	if (!error)
		error = host_start(host, &engine_functions, engine, message);
	if (!error && !attach_first)
		error = engine_attach(engine, message);
	return error;
}

static int run_loop(struct engine *engine, struct host *host, sd_event *loop,
		    struct message *message)
{
	int error = start(engine, host, message);

	if (error)
		return error;
	error = engine_watch(engine, loop);
	if (error)
		return message_set(message, error, "cannot watch the network devices: %s",
				   strerror(-error));
	sd_notify(0, "READY=1");
	error = sd_event_loop(loop);
	sd_notify(0, "STOPPING=1");
	return error < 0
		       ? message_set(message, error, "the event loop failed: %s", strerror(-error))
		       : 0;
}

static int run_engine(const struct pt_config *config, const struct pt_config_engine *engine_config,
		      struct message *message)
{
	char socket_path[PATH_MAX], kept_path[PATH_MAX];
	struct engine *engine = NULL;
	struct host *host = NULL;
	sd_event *loop = NULL;
	int error = sd_event_new(&loop);

	if (error >= 0)
		error = block_signals(loop);
	if (error < 0)
		return message_set(message, error, "cannot make an event loop");
	if (mkdir(config->run_dir, 0755) && errno != EEXIST)
		error = message_set(message, -errno, "cannot make %s: %s", config->run_dir,
				    strerror(errno));
	if (!error &&
	    pt_config_engine_socket(config, engine_config->name, socket_path, sizeof(socket_path)))
		error = message_set(message, -ENAMETOOLONG, "the path of the socket is too long");
	snprintf(kept_path, sizeof(kept_path), "%s/engine-%s.snapshot", config->run_dir,
		 engine_config->name);
	if (!error)
		error = host_new(loop, socket_path, kept_path, &host, message);
	if (!error)
		error = engine_new(config, engine_config, &engine, message);
	if (!error)
		error = run_loop(engine, host, loop, message);
	host_free(host);
	engine_free(engine);
	sd_event_unref(loop);
	return error;
}

static int with_config(const struct arguments *arguments, struct message *message)
{
	const struct pt_config_engine *engine;
	struct pt_config *config;
	int error =
		pt_config_load(arguments->config, &config, message->text, sizeof(message->text));

	if (error)
		return error;
	raise_memlock();
	engine = arguments->name ? pt_config_engine(config, arguments->name) : NULL;
	if (arguments->detach)
		error = engine_detach(config, arguments->detach, message);
	else if (!engine)
		error = message_set(message, -ENOENT, "no engine is called %s in %s",
				    arguments->name, config->path ? config->path : PT_CONFIG_PATH);
	else
		error = engine_check_config(config, engine, message);
	if (!error && engine) {
		print_start(config, engine);
		error = run_engine(config, engine, message);
	}
	pt_config_free(config);
	return error;
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"name", required_argument, NULL, 'n'},
						{"verbose", no_argument, NULL, 'v'},
						{}};
	int option;

	while ((option = getopt_long(argc, argv, "c:n:v", options, NULL)) != -1) {
		if (option == 'c')
			arguments->config = optarg;
		else if (option == 'n')
			arguments->name = optarg;
		else if (option == 'v')
			program_verbose(1);
		else
			return -EINVAL;
	}
	if (optind + 2 == argc && !strcmp(argv[optind], "detach"))
		arguments->detach = argv[optind + 1];
	else if (optind != argc)
		return -EINVAL;
	return !arguments->name == !arguments->detach ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {};
	struct message message = {};

	if (argc > 1 && !strcmp(argv[1], "classify"))
		return classify_main(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return puts("peertag-xdp " PEERTAG_VERSION) < 0;
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return fputs(usage_text, stdout) < 0;
	if (parse_arguments(argc, argv, &arguments))
		return usage_error();
	if (with_config(&arguments, &message)) {
		fail(message.text);
		return 1;
	}
	return 0;
}
