/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one lcore that polls its queues and runs each burst to completion through the stages
 * of burst.h. No lock, no system call, no allocation and no log in its loop.
 *
 * Threading: what others read of a worker (figures) or write into it (paused) is one aligned word
 * each, read and written relaxed; `stop` ends the loop. Everything else is the worker's own while
 * it runs.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_WORKER_H
#define PEERTAG_DATAPLANE_DPDK_WORKER_H

#include <stdbool.h>

#include "burst.h"
#include "table.h"

/* One receive queue, and where its packets go. */
struct queue {
	__u16 port; /* of ethdev */
	__u16 queue;
	__u16 output_port;
	__u16 output_queue;
	__u32 slot;	  /* of the port's counters */
	bool forward;	  /* else they are counted and dropped */
	bool vlan_insert; /* the output's device pushes a VLAN tag */
	bool paused;	  /* not polled: its port, or its output's, is being restarted */
};

/* Since the worker was made; never decrease. */
struct worker_figures {
	__u64 polls;	   /* of a queue */
	__u64 bursts;	   /* polls that brought packets */
	__u64 packets;	   /* in them */
	__u64 busy_cycles; /* spent on them */
};

struct worker {
	unsigned int lcore;
	__u32 number;
	struct table *table;
	struct burst_options options;
	struct worker_figures figures;
	bool stop;
	__u32 queue_count;
	struct queue queues[PT_PORTS_MAX];
	struct burst burst; /* the last one */
} __rte_cache_aligned;

/* Makes a worker that counts in `lane`; queues are added before it runs. Returns NULL: memory. */
struct worker *worker_new(__u32 number, unsigned int lcore, struct table *table,
			  const struct burst_options *options);
void worker_free(struct worker *worker);
int worker_add_queue(struct worker *worker, const struct queue *queue);

/* Polls each of its queues once. The caller is registered and online with the table's QSBR. */
void worker_poll(struct worker *worker);

/* The loop, for rte_eal_remote_launch(): `argument` is the worker. Ends when `stop` is set. */
int worker_run(void *argument);

#endif
