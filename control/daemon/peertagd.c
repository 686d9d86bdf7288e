/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peertagd: the control plane. It owns the registry, gives the engines their snapshots, and answers
 * the API. Nothing that forwards or counts depends on it, so it may end at any instant.
 */
#include "log.h"
#include "service.h"

#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* It needs no privilege, so it keeps none; and no memory of it belongs in a core file. */
static int drop_privileges(void)
{
	const struct rlimit none = {};

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return 0;
}

static void make_folder_of(const char *path)
{
	char folder[4096];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return;
	*slash = '\0';
	mkdir(folder, 0755); /* if this fails, what is to lie in it says why */
}

static int usage(FILE *stream, int status)
{
	fputs("usage: peertagd [-c CONFIG]\n\n"
	      "The control plane of peertag: keeps the registry of connections, gives the engines\n"
	      "their tables, and answers the API and /metrics.\n\n"
	      "  -c, --config FILE   configuration (" PT_CONFIG_PATH ")\n"
	      "  -V, --version\n"
	      "  -h, --help\n",
	      stream);
	return status;
}

/* Returns an exit status to end with, or -1 to go on. */
static int parse_options(int argc, char **argv, const char **ret_config)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*ret_config = optarg;
			break;
		case 'V':
			puts("peertagd " PEERTAG_VERSION);
			return 0;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	return optind < argc ? usage(stderr, 2) : -1;
}

static int run(const struct pt_config *config)
{
	struct service service = {.config = config};
	sigset_t blocked;
	int r;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);

	make_folder_of(config->registry);
	make_folder_of(config->api);
	r = drop_privileges();
	if (r < 0)
		log_error("cannot drop privileges: %s", strerror(-r));
	if (r == 0)
		r = sd_event_default(&service.loop);
	if (r >= 0)
		r = service_start(&service);
	if (r >= 0)
		r = service_run(&service);
	service_stop(&service);
	sd_event_unref(service.loop);
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct pt_config *config;
	const char *path = NULL;
	char message[512];
	int status = parse_options(argc, argv, &path);

	if (status >= 0)
		return status;
	if (pt_config_load(path, &config, message, sizeof(message)) < 0) {
		log_error("%s", message);
		return 1;
	}
	status = run(config);
	pt_config_free(config);
	return status;
}
