/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DPDK engine: state, table, ports and workers behind the functions that the host wants.
 *
 * Threading: as in host.h. Workers run from engine_run() to engine_free(); the watchdog, links and
 * devices that want a reset are looked after by a timer in the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_ENGINE_H
#define PEERTAG_DATAPLANE_DPDK_ENGINE_H

#include <systemd/sd-event.h>

#include <peertag/config.h>

#include "../host.h"
#include "../message.h"
#include "latency.h"
#include "port.h"
#include "state.h"
#include "table.h"
#include "worker.h"

struct engine {
	const struct pt_config *config;
	const struct pt_config_engine *engine_config;
	struct state *state;
	struct table *table;
	struct latency *latency;
	struct port ports[PT_PORTS_MAX];
	__u32 port_count;
	struct worker *workers[PT_WORKERS_MAX];
	__u32 worker_count;
	__u64 seen_rounds[PT_WORKERS_MAX]; /* at the watchdog's last look */
	__u32 still[PT_WORKERS_MAX];	   /* looks since the worker last came around */
	sd_event_source *timer;
};

extern const struct host_engine engine_functions;

/* From then on EAL says all that it has to say. */
void engine_be_verbose(void);

/*
 * Starts EAL, finds the ports, opens the counters and assigns the queues. Nothing is received yet.
 * Returns 0 and *ret, which engine_free() frees, or -errno and why. The configuration outlives it.
 */
int engine_new(const struct pt_config *config, const struct pt_config_engine *engine_config,
	       struct engine **ret, struct message *message);
void engine_free(struct engine *engine);

/* Starts the ports and the workers, and looks after them in `loop` from then on. */
int engine_run(struct engine *engine, sd_event *loop, struct message *message);

/* Fills the figures of a worker; also for DPDK's telemetry. */
void engine_worker_status(const struct engine *engine, __u32 worker, struct pt_engine_worker *ret);
void engine_port_status(const struct engine *engine, __u32 port, struct pt_engine_port *ret);

#endif
