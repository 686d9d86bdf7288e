/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What looks after the running engine, from a timer: links, devices that want a reset or came back,
 * and workers that do not come around.
 *
 * Threading: the main thread, but for watch_worker_is_stuck().
 */
#ifndef PEERTAG_DATAPLANE_DPDK_WATCH_H
#define PEERTAG_DATAPLANE_DPDK_WATCH_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include <peertag/types.h>

struct engine;

/* Returns 0 or more, or -errno. */
int watch_start(struct engine *engine, sd_event *loop);
void watch_stop(struct engine *engine);

/* Tells the queues what their ports are now: a device that was probed again may have another
 * number, and other abilities. No worker polls the queues of such a port. */
void watch_point_queues(struct engine *engine);

/* Keeps the devices' own counts where they outlive the process. */
void watch_save_nic_packets(const struct engine *engine);

/* Whether the worker has not come around for a while. */
bool watch_worker_is_stuck(const struct engine *engine, __u32 worker);

#endif
