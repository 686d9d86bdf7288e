/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's telemetry socket: the commands below /peertag/. Threading: the handlers run in threads of
 * DPDK's, one at a time among themselves, beside everything else.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_TELEMETRY_H
#define PEERTAG_DATAPLANE_DPDK_TELEMETRY_H

#include "../message.h"

struct engine;

/* Registers the commands for `engine`, once a process. Returns 0, or -errno and why. */
int telemetry_start(const struct engine *engine, struct message *message);

/* No handler runs in between: the ports are being changed. */
void telemetry_hold(void);
void telemetry_release(void);

/* From then on they answer nothing, and use the engine no more. */
void telemetry_stop(void);

#endif
