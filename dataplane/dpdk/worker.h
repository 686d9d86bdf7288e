/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one lcore that polls its queues and runs each burst to completion through the stages
 * of burst.h and lookup.h. No lock, no system call, no allocation and no log in its loop.
 *
 * Threading: what others read of a worker (figures) or write into it (paused, stop) is one aligned
 * word each, read and written relaxed. Everything else is the worker's own while it runs.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_WORKER_H
#define PEERTAG_DATAPLANE_DPDK_WORKER_H

#include <stdbool.h>

#include "burst.h"
#include "table.h"

#define WORKER_QUEUES_MAX 64

/* Since the worker was made; they never decrease. */
struct worker_figures {
	__u64 rounds;	   /* over its queues: the watchdog's sign of life */
	__u64 polls;	   /* of a queue */
	__u64 bursts;	   /* polls that brought packets */
	__u64 packets;	   /* in them */
	__u64 busy_cycles; /* spent on them */
};

struct worker {
	unsigned int lcore;
	__u32 number; /* with the table's QSBR; also of its lane */
	bool stop;
	struct rte_rcu_qsbr *qsbr;
	struct table_set *const *active;
	struct burst_options options;
	__u64 last_cycles; /* when the last poll ended */
	struct worker_figures figures __rte_cache_aligned;
	__u32 queue_count;
	struct queue queues[WORKER_QUEUES_MAX];
	struct burst burst; /* the last one */
};

/* Returns a worker without queues, which worker_free() frees, or NULL: out of memory. */
struct worker *worker_new(__u32 number, unsigned int lcore, struct table *table,
			  const struct burst_options *options);
void worker_free(struct worker *worker);

/* Before it runs. Returns 0 or -ENOSPC. */
int worker_add_queue(struct worker *worker, const struct queue *queue);

/* From any thread: its queue number `queue` is not polled from the next round on, or is again. */
void worker_pause(struct worker *worker, __u32 queue, bool paused);

/*
 * For the thread that runs the worker: between worker_begin() and worker_end(), worker_poll() polls
 * each of its queues once, and a publish waits for it to come around.
 */
void worker_begin(struct worker *worker);
void worker_poll(struct worker *worker);
void worker_end(struct worker *worker);

/* All of it, for rte_eal_remote_launch(): `argument` is the worker. Ends when `stop` is set. */
int worker_run(void *argument);
void worker_stop(struct worker *worker);

#endif
