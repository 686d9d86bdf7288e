/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker polls which queue, and by which queue it transmits: decided once, at start, as data.
 *
 * A queue, receive or transmit, belongs to one worker, because no ethdev queue may be used by two
 * threads at once. A port's receive queues are as many as there are workers, its device allows, and
 * the port that it forwards to has transmit queues for; ports that share an output share its
 * workers. Threading: pure.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_ASSIGN_H
#define PEERTAG_DATAPLANE_DPDK_ASSIGN_H

#include <peertag/counters.h>
#include <peertag/types.h>

#include "../message.h"

#define ASSIGN_NONE 0xffff

/* What is known of a port before. */
struct assign_port {
	__u16 receive_max;
	__u16 transmit_max;
	__u16 output; /* index of the port that it forwards to; ASSIGN_NONE: drops */
};

/* One receive queue. */
struct assign_queue {
	__u16 port; /* index */
	__u16 queue;
	__u16 worker;
	__u16 transmit_queue; /* of the output; 0 where there is none */
};

struct assignment {
	__u16 receive[PT_PORTS_MAX]; /* queues to configure, by port */
	__u16 transmit[PT_PORTS_MAX];
	__u16 queue_count;
	struct assign_queue queues[]; /* by port, then by queue */
};

/*
 * Assigns the queues of `port_count` ports to `workers` workers (at least 1). Returns 0 and *ret,
 * which free() frees, or -errno and why, with the number of the port that has the problem in
 * *ret_port.
 */
int assign(const struct assign_port *ports, __u16 port_count, __u16 workers,
	   struct assignment **ret, __u16 *ret_port, struct message *message);

#endif
