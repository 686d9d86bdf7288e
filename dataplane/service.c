/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

struct arguments {
	const char *config;
	const char *name;
	const char *detach;
};

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

/* Signals are blocked before any engine makes a thread, which would inherit them unblocked. */
static int make_loop(sd_event **ret, struct message *message)
{
	int error = sd_event_new(ret);

	if (error >= 0)
		error = block_signals(*ret);
	return error < 0 ? message_set(message, error, "cannot make an event loop") : 0;
}

static int make_host(const struct pt_config *config, const char *name, sd_event *loop,
		     struct host **ret, struct message *message)
{
	char socket_path[PATH_MAX], kept_path[PATH_MAX];

	if (mkdir(config->run_dir, 0755) && errno != EEXIST)
		return message_set(message, -errno, "cannot make %s: %s", config->run_dir,
				   strerror(errno));
	if (pt_config_engine_socket(config, name, socket_path, sizeof(socket_path)))
		return message_set(message, -ENAMETOOLONG, "the path of the socket is too long");
	snprintf(kept_path, sizeof(kept_path), "%s/engine-%s.snapshot", config->run_dir, name);
	return host_new(loop, socket_path, kept_path, ret, message);
}

static int run_loop(sd_event *loop, struct message *message)
{
	int error;

	sd_notify(0, "READY=1");
	error = sd_event_loop(loop);
	sd_notify(0, "STOPPING=1");
	return error < 0
		       ? message_set(message, error, "the event loop failed: %s", strerror(-error))
		       : 0;
}

/* Packets, and what is hashed of them, are in this memory: it belongs in no core file. */
static int refuse_core_files(struct message *message)
{
	const struct rlimit none = {};

	return setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0)
		       ? message_set(message, -errno, "cannot rule out core files: %s",
				     strerror(errno))
		       : 0;
}

static int run_engine(const struct service *service, const struct pt_config *config,
		      const struct pt_config_engine *engine_config, struct message *message)
{
	struct host *host = NULL;
	sd_event *loop = NULL;
	void *engine = NULL;
	int error = refuse_core_files(message);

	if (!error)
		error = make_loop(&loop, message);
	if (!error)
		error = make_host(config, engine_config->name, loop, &host, message);
	if (!error)
		error = service->open(config, engine_config, &engine, message);
	if (!error)
		error = service->start(engine, host, loop, message);
	if (!error)
		error = run_loop(loop, message);
	host_stop(host);
	service->free(engine);
	host_free(host);
	sd_event_unref(loop);
	return error;
}

static int run_configured(const struct service *service, const struct arguments *arguments,
			  const struct pt_config *config, struct message *message)
{
	const struct pt_config_engine *engine;
	int error;

	if (arguments->detach)
		return service->detach(config, arguments->detach, message);
	engine = pt_config_engine(config, arguments->name);
	if (!engine)
		return message_set(message, -ENOENT, "no engine is called %s in %s",
				   arguments->name, config->path ? config->path : PT_CONFIG_PATH);
	error = service->check(config, engine, message);
	return error ? error : run_engine(service, config, engine, message);
}

static int run(const struct service *service, const struct arguments *arguments,
	       struct message *message)
{
	struct pt_config *config;
	int error =
		pt_config_load(arguments->config, &config, message->text, sizeof(message->text));

	if (error)
		return error;
	error = run_configured(service, arguments, config, message);
	pt_config_free(config);
	return error;
}

static int parse_arguments(const struct service *service, int argc, char **argv,
			   struct arguments *arguments)
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
			service->verbose();
		else
			return -EINVAL;
	}
	if (service->detach && optind + 2 == argc && !strcmp(argv[optind], "detach"))
		arguments->detach = argv[optind + 1];
	else if (optind != argc)
		return -EINVAL;
	return !arguments->name == !arguments->detach ? -EINVAL : 0;
}

int service_main(const struct service *service, int argc, char **argv)
{
	struct arguments arguments = {};
	struct message message = {};

	if (argc == 2 && !strcmp(argv[1], "--version"))
		return printf("%s %s\n", service->program, PEERTAG_VERSION) < 0;
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return fputs(service->usage, stdout) < 0;
	if (parse_arguments(service, argc, argv, &arguments)) {
		fputs(service->usage, stderr);
		return 2;
	}
	if (run(service, &arguments, &message) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", service->program, message.text);
	return 1;
}
