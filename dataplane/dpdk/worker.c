/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "measure.h"

struct worker *worker_new(__u32 number, unsigned int lcore, struct table *table,
			  const struct burst_options *options)
{
	struct worker *worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*worker));

	if (!worker)
		return NULL;
	memset(worker, 0, sizeof(*worker));
	worker->number = number;
	worker->lcore = lcore;
	worker->qsbr = table_qsbr(table);
	worker->active = table_active(table);
	worker->options = *options;
	return worker;
}

void worker_free(struct worker *worker)
{
	free(worker);
}

int worker_add_queue(struct worker *worker, const struct queue *queue)
{
	if (worker->queue_count == WORKER_QUEUES_MAX)
		return -ENOSPC;
	worker->queues[worker->queue_count++] = *queue;
	return 0;
}

void worker_pause(struct worker *worker, __u32 queue, bool paused)
{
	__atomic_store_n(&worker->queues[queue].paused, paused, __ATOMIC_RELEASE);
}

/* One burst from the wire to the wire. Returns how many packets it had. */
static __u16 queue_poll(struct worker *worker, const struct queue *queue)
{
	struct pt_port_counters *port = &worker->options.lane->ports[queue->slot];
	struct burst *burst = &worker->burst;
	const struct table_set *set;

	if (!burst_receive(burst, queue))
		return 0;
	set = __atomic_load_n(worker->active, __ATOMIC_ACQUIRE);
	burst_parse(burst, set);
	burst_lookup(burst, set);
	burst_count(burst, set, &worker->options, port);
	burst_measure(burst, set, &worker->options);
	burst_tag(burst, set, &worker->options, queue, port);
	burst_transmit(burst, queue, port);
	return burst->count;
}

/* The time from the end of one poll to the end of the next belongs to the latter. */
static void worker_account(struct worker *worker, __u16 packets)
{
	struct worker_figures *figures = &worker->figures;
	__u64 now = rte_rdtsc();

	if (packets) {
		figures->bursts++;
		figures->packets += packets;
		figures->busy_cycles += now - worker->last_cycles;
	}
	figures->polls++;
	worker->last_cycles = now;
}

void worker_begin(struct worker *worker)
{
	rte_rcu_qsbr_thread_register(worker->qsbr, worker->number);
	rte_rcu_qsbr_thread_online(worker->qsbr, worker->number);
	worker->last_cycles = rte_rdtsc();
}

void worker_poll(struct worker *worker)
{
	for (__u32 i = 0; i < worker->queue_count; i++) {
		const struct queue *queue = &worker->queues[i];

		if (likely(!__atomic_load_n(&queue->paused, __ATOMIC_ACQUIRE)))
			worker_account(worker, queue_poll(worker, queue));
	}
	worker->figures.rounds++;
	rte_rcu_qsbr_quiescent(worker->qsbr, worker->number);
}

void worker_end(struct worker *worker)
{
	rte_rcu_qsbr_thread_offline(worker->qsbr, worker->number);
	rte_rcu_qsbr_thread_unregister(worker->qsbr, worker->number);
}

int worker_run(void *argument)
{
	struct worker *worker = argument;

	worker_begin(worker);
	while (likely(!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)))
		worker_poll(worker);
	worker_end(worker);
	return 0;
}

void worker_stop(struct worker *worker)
{
	__atomic_store_n(&worker->stop, true, __ATOMIC_RELAXED);
}
