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

	/* Calls host_start() at the right moment, and looks after the ports in `loop` from then on.
	 */
	int (*start)(void *engine, struct host *host, sd_event *loop, struct message *message);
};

/*
 * Runs `PROGRAM [-v] [-c CONFIG] -n NAME` until SIGTERM or SIGINT, and answers --help and
 * --version. Returns the exit code.
 */
int service_main(const struct service *service, int argc, char **argv);

/* Prints what became of the last word: "PROGRAM: TEXT", on stderr. */
void service_fail(const struct service *service, const struct message *message);

#endif
