/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a port's device is configured, and its queues: from what the device says that it can do.
 * Threading: the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_PORT_OPEN_H
#define PEERTAG_DATAPLANE_DPDK_PORT_OPEN_H

#include "port.h"

/*
 * Brings the device of a port that is not started to where it can be: offloads, buffers, queues.
 * *queues is what is wanted, and then what there is: transmit queues may be more. Returns 0, or
 * -errno and why.
 */
int port_open(struct port *port, struct port_queues *queues, struct message *message);

/* "port NAME (DRIVER): cannot WHAT: ERROR". Returns `error`. */
int port_fail(const struct port *port, int error, const char *what, struct message *message);

#endif
