/* SPDX-License-Identifier: BSD-3-Clause */
/* A port of the DPDK engine in a child of child.h; what goes wrong ends it. Threading: none. */
#ifndef DATAPLANE_PORT_FIXTURE_H
#define DATAPLANE_PORT_FIXTURE_H

#include "child.h"
#include "port.h"

#define PORT_WAIT_MS 3000

/* Starts EAL without hugepages, on one lcore, with these devices: "--vdev=net_null0". */
void start_eal(const char *devices);
/* With other memory than "--no-huge -m 128". */
void start_eal_with(const char *memory, const char *devices);

void find(struct port *port, const char *name);
void find_and_start(struct port *port, const char *name, __u16 queues);

/* With "lcore 1: 0" as those who poll it. */
struct pt_engine_port status_of(const struct port *port);

/* Looks after it until it is up, or until its mode has `part`, which it must within PORT_WAIT_MS.
 */
void wait_until_up(struct port *port);
void wait_until(struct port *port, const char *part);

/* Looks after it until it wants to be restarted, and does that. */
void wait_and_restart(struct port *port);

#endif
