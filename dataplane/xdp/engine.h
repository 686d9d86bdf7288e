/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP engine: state, table and ports behind the functions that the host wants.
 * Threading: as in host.h.
 */
#ifndef PEERTAG_DATAPLANE_XDP_ENGINE_H
#define PEERTAG_DATAPLANE_XDP_ENGINE_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include <peertag/config.h>

#include "../host.h"
#include "../message.h"

struct engine;

extern const struct host_engine engine_functions;

/*
 * Opens the pins of the engine and takes up what is in them. Returns 0 and *ret, which
 * engine_free() frees (all stays attached), or -errno and why. The configuration outlives it.
 */
int engine_new(const struct pt_config *config, const struct pt_config_engine *engine_config,
	       struct engine **ret, struct message *message);
void engine_free(struct engine *engine);

/*
 * Attaches the ports. If max_connections or max_prefixes was changed, counts and table are carried
 * over: before that, engine_is_changing() says so, and nothing may be published. Returns 0, or
 * -errno and why.
 */
int engine_attach(struct engine *engine, struct message *message);
bool engine_is_changing(const struct engine *engine);

/* Looks after the ports in `loop` from now on. Returns 0 or -errno. */
int engine_watch(struct engine *engine, sd_event *loop);

/* Detaches `port` from whatever engine of this configuration it is pinned for. */
int engine_detach(const struct pt_config *config, const char *port, struct message *message);

/* How many bytes an image may have under this configuration. */
__u32 engine_table_room(const struct pt_config *config);

/* Writes the directory of an engine's pins. Returns 0 or -ENAMETOOLONG. */
int engine_pins(const struct pt_config *config, const char *name, char *dir, size_t bytes);

#endif
