/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker polls which queue, and by which queue it transmits: decided once, at start, as data.
 *
 * A queue, receive or transmit, belongs to one worker, because no ethdev queue may be used by two
 * threads at once. A port's receive queues are as many as there are workers, its device allows, and
 * the port that it forwards to has transmit queues for; each is polled by another worker. Each
 * worker that sends to a port has one transmit queue of it, so ports that share an output also
 * share its workers, where it has fewer transmit queues than there are workers.
 *
 * Loads, in receive queues, are as even as that allows: they differ by one at most, unless ports
 * share an output that has fewer transmit queues than there are workers. Then no queue could be
 * given to another worker, nor all that a worker polls for an output to one that polls nothing for
 * it, and make them more even. Ports of one queue choose first, and so get different workers while
 * there are any. The same ports always get the same queues. Threading: pure.
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
	__u16 receive[PT_PORTS_MAX];  /* queues to configure, by port */
	__u16 transmit[PT_PORTS_MAX]; /* 0: nobody forwards to it */
	__u16 queue_count;
	struct assign_queue queues[]; /* by port, then by queue */
};

/*
 * Assigns the queues of `port_count` ports (at most PT_PORTS_MAX) to `workers` workers (1 to
 * PT_WORKERS_MAX). Returns 0 and *ret, which free() frees, or -errno and why, with the index of the
 * port that has the problem in *ret_port; the message does not name it: -ENOTSUP: it has no receive
 * queue, or others forward to it and it has no transmit queue; -EINVAL: numbers that make no sense;
 * -ENOMEM. All else can be assigned: the same workers, as many as an output has transmit queues,
 * can poll all that is forwarded to it.
 */
int assign(const struct assign_port *ports, __u16 port_count, __u16 workers,
	   struct assignment **ret, __u16 *ret_port, struct message *message);

#endif
