/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process of an engine: arguments, configuration, event loop, host; the same for every engine.
 * Threading: service_main() is the main thread.
 */
#ifndef PEERTAG_DATAPLANE_SERVICE_H
#define PEERTAG_DATAPLANE_SERVICE_H

#include <systemd/sd-event.h>

#include <peertag/config.h>

#include "host.h"
#include "message.h"

struct service {
	const char *program; /* "peertag-xdp" */
	const char *usage;

	/* -v was given. */
	void (*verbose)(void);

	/* Whether the configuration is one for this engine: before anything is touched. */
	int (*check)(const struct pt_config *config, const struct pt_config_engine *engine_config,
		     struct message *message);

	/*
	 * Opens the engine; the configuration outlives it. Returns 0 and *ret, or -errno and why.
	 * `free` gets NULL where that failed.
	 */
	int (*open)(const struct pt_config *config, const struct pt_config_engine *engine_config,
		    void **ret, struct message *message);
	void (*free)(void *engine);

	/* Calls host_start() in its turn, and looks after the ports in `loop` from then on. */
	int (*start)(void *engine, struct host *host, sd_event *loop, struct message *message);

	/* Takes a port out of the engines' hands, whether they run or not; NULL: there is no such
	 * verb, since nothing of the engine outlives its process. */
	int (*detach)(const struct pt_config *config, const char *port, struct message *message);
};

/*
 * Runs `PROGRAM [-v] [-c CONFIG] -n NAME` until SIGTERM or SIGINT, or `PROGRAM [-c CONFIG] detach
 * PORT`, and answers --help and --version. What goes wrong is told on stderr, with the program's
 * name in front. Returns the exit code: 0, 1 failed, 2 usage.
 */
int service_main(const struct service *service, int argc, char **argv);

#endif
