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
	int snapshot_fd;
	const struct pt_config_tag *tag;
	const char *capture;
	const char *write; /* NULL: the packets are not kept */
};

/*
 * The document that the program prints, its connections by id; what it says on standard error goes
 * to ours. The program is looked for beside this one, then where administrators' programs are.
 * NULL: `error` says why, in the program's words if it has any.
 */
json_t *offline_engine_run(const struct offline_run *run, struct error *error);

#endif
