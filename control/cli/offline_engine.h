/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of an engine's program over a capture, without a daemon or a network.
 * Threading: the program's only thread.
 */
#ifndef CONTROL_OFFLINE_ENGINE_H
#define CONTROL_OFFLINE_ENGINE_H

#include "../registry/error.h"

#include <peertag/config.h>

struct offline_run {
	const char *engine; /* name of its program */
	enum pt_config_table table;
	int snapshot_fd;
	const struct pt_config_tag *tag;
	const char *capture;
	const char *write; /* NULL: the packets are not kept */
};

/* Whether there is such a program, beside this one or where administrators' programs are. */
bool offline_engine_found(const char *engine);

/*
 * The document that the program prints, its connections by id; what it says on standard error goes
 * to ours. `error` is ERROR_NONE, or says why it failed, in its own words if it has any. Where it
 * failed in the midst of the capture, there is a document of what came before; else NULL.
 */
json_t *offline_engine_run(const struct offline_run *run, struct error *error);

#endif
