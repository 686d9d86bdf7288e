/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <stdio.h>

#include "engine.h"
#include "telemetry.h"

#define CHECK_US     250000 /* how often ports and workers are looked at */
#define STUCK_CHECKS 4	    /* looks without a sign of life */

void watch_save_nic_packets(const struct engine *engine)
{
	for (__u32 i = 0; i < engine->port_count; i++)
		engine->state->file->nic_packets[engine->ports[i].slot] =
			port_nic_packets(&engine->ports[i]);
}

/* Which queues touch a port, as they receive from it or transmit to it. */
static bool queue_touches(const struct queue *queue, __u32 port)
{
	return queue->input == port || (queue->forward && queue->output == port);
}

/* Its queues are polled, or not any more: no worker is in one of them when this returns. */
static void watch_pause(struct engine *engine, __u32 port, bool paused)
{
	for (__u32 i = 0; i < engine->worker_count; i++) {
		struct worker *worker = engine->workers[i];

		for (__u32 n = 0; n < worker->queue_count; n++)
			if (queue_touches(&worker->queues[n], port))
				worker_pause(worker, n, paused);
	}
	table_grace(engine->table);
}

void watch_point_queues(struct engine *engine)
{
	for (__u32 i = 0; i < engine->worker_count; i++) {
		struct worker *worker = engine->workers[i];

		for (__u32 n = 0; n < worker->queue_count; n++) {
			struct queue *queue = &worker->queues[n];

			queue->port = engine->ports[queue->input].id;
			if (!queue->forward)
				continue;
			queue->output_port = engine->ports[queue->output].id;
			queue->vlan_insert = engine->ports[queue->output].vlan_insert;
			queue->multi_segs = engine->ports[queue->output].multi_segs;
		}
	}
}

/* Whether a queue's ports, both, can be used. */
static bool queue_is_ready(const struct engine *engine, const struct queue *queue)
{
	return engine->ports[queue->input].started &&
	       (!queue->forward || engine->ports[queue->output].started);
}

static void watch_unpause(struct engine *engine)
{
	for (__u32 i = 0; i < engine->worker_count; i++) {
		struct worker *worker = engine->workers[i];

		for (__u32 n = 0; n < worker->queue_count; n++)
			worker_pause(worker, n, !queue_is_ready(engine, &worker->queues[n]));
	}
}

static void watch_restart_port(struct engine *engine, __u32 port)
{
	struct message message;

	watch_pause(engine, port, true);
	if (port_restart(&engine->ports[port], &message))
		fprintf(stderr, "warning: %s\n", message.text);
	watch_point_queues(engine);
	watch_unpause(engine);
}

/* A queue can only be taken from a worker that comes around. */
static bool watch_can_pause(const struct engine *engine)
{
	for (__u32 i = 0; i < engine->worker_count; i++)
		if (engine->still[i])
			return false;
	return true;
}

static void watch_check_ports(struct engine *engine)
{
	struct pt_engine_port told;
	bool restart, changed;

	for (__u32 i = 0; i < engine->port_count; i++) {
		restart = false;
		changed = port_check(&engine->ports[i], &restart);
		restart = restart && watch_can_pause(engine);
		if (restart)
			watch_restart_port(engine, i);
		if (!changed && !restart)
			continue;
		engine_port_status(engine, i, &told);
		fprintf(stderr, "port %s: %s\n", told.name, told.mode);
	}
	watch_save_nic_packets(engine);
}

bool watch_worker_is_stuck(const struct engine *engine, __u32 worker)
{
	return __atomic_load_n(&engine->still[worker], __ATOMIC_RELAXED) >= STUCK_CHECKS;
}

static void watch_check_worker(struct engine *engine, __u32 i)
{
	const struct worker *worker = engine->workers[i];
	__u64 rounds = __atomic_load_n(&worker->figures.rounds, __ATOMIC_RELAXED);
	bool moves = rounds != engine->seen_rounds[i] || worker->queue_count == 0;
	bool was_stuck = watch_worker_is_stuck(engine, i);

	engine->seen_rounds[i] = rounds;
	__atomic_store_n(&engine->still[i], moves ? 0 : engine->still[i] + 1, __ATOMIC_RELAXED);
	if (watch_worker_is_stuck(engine, i) && !was_stuck)
		fprintf(stderr,
			"warning: the worker on lcore %u is stuck: it has not come around for "
			"%u ms; its queues are not served, and a publish waits for it\n",
			worker->lcore, STUCK_CHECKS * CHECK_US / 1000);
	else if (moves && was_stuck)
		fprintf(stderr, "the worker on lcore %u goes on\n", worker->lcore);
}

static int watch_on_timer(sd_event_source *source, uint64_t now_us, void *argument)
{
	struct engine *engine = argument;

	telemetry_hold();
	watch_check_ports(engine);
	telemetry_release();
	for (__u32 i = 0; i < engine->worker_count; i++)
		watch_check_worker(engine, i);
	sd_event_source_set_time(source, now_us + CHECK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int watch_start(struct engine *engine, sd_event *loop)
{
	return sd_event_add_time_relative(loop, &engine->timer, CLOCK_MONOTONIC, CHECK_US, 0,
					  watch_on_timer, engine);
}

void watch_stop(struct engine *engine)
{
	sd_event_source_disable_unref(engine->timer);
	engine->timer = NULL;
}
