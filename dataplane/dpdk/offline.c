/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker as any other, on a port of two rings: frames go in by one, as mbufs around memory of
 * exactly their size, and come out of the other. The caller's thread is the worker's lcore.
 */
#include <errno.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../offline.h"
#include "eal.h"
#include "frame.h"
#include "mark.h"
#include "port.h"
#include "state.h"
#include "table.h"
#include "worker.h"

#define SEGMENT_BYTES 2048  /* where nothing else is asked for */
#define SEGMENTS_MAX  16383 /* in one burst; a memory pool likes 2^n - 1 */
#define RING_SIZE     64    /* holds a burst, with one place that a ring keeps free */

const struct pt_offline_engine pt_offline_engine = {
	.program = "peertag-dpdk",
	.name = "dpdk",
	.how = "a worker on virtual ports: neither hugepages nor privileges are needed",
	.ways = {[PT_OFFLINE_ARRIVING] = true, [PT_OFFLINE_SEGMENTS] = true},
};

struct pt_offline {
	unsigned int number; /* of those that this process opened */
	struct pt_offline_options options;
	struct state *state;
	struct table *table;
	void *snapshot; /* that is published: ours, since the table looks up in it */
	struct worker *worker;
	struct rte_mempool *pool; /* mbufs without memory */
	struct rte_ring *in, *out;
	struct pt_config_port port_config;
	struct port port;
	struct pt_counters counters;
	struct rte_mbuf *mbufs[PT_OFFLINE_BURST_MAX]; /* of the last burst: ours, until the next */
	__u32 count;
	__u8 *output; /* the last frames, where they do not lie in one piece */
	size_t output_bytes;
};

static int offline_eal(bool verbose, struct message *message)
{
	static bool started;
	const struct eal_options options = {.program = "peertag-dpdk",
					    .prefix = "peertag-offline",
					    .quiet = !verbose,
					    .offline = true};
	int error = started ? 0 : eal_start(&options, message);

	started = !error;
	return error;
}

static struct rte_ring *ring_new(const char *way, unsigned int number)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "offline-%s-%u", way, number);
	return rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* The port of two rings, opened as any port is. */
static int offline_port(struct pt_offline *offline, struct message *message)
{
	unsigned int number = offline->number;
	char name[RTE_ETH_NAME_MAX_LEN];
	int error;

	offline->in = ring_new("in", number);
	offline->out = ring_new("out", number);
	snprintf(name, sizeof(name), "offline-%u", number);
	if (!offline->in || !offline->out ||
	    rte_eth_from_rings(name, &offline->in, 1, &offline->out, 1, SOCKET_ID_ANY) < 0)
		return message_set(message, -rte_errno, "cannot make a port of rings: %s",
				   rte_strerror(rte_errno));
	if (asprintf(&offline->port_config.name, "net_ring_%s", name) < 0)
		return message_set(message, -ENOMEM, "out of memory");
	error = port_find(&offline->port, &offline->port_config, message);
	return error ? error : port_start(&offline->port, (struct port_queues){1, 1}, message);
}

static int offline_worker(struct pt_offline *offline, struct message *message)
{
	struct queue queue = {.port = offline->port.id,
			      .output_port = offline->port.id,
			      .multi_segs = offline->port.multi_segs,
			      .forward = offline->options.forward == PT_FORWARD_PORT};
	struct burst_options options = {.tag = offline->options.tag,
					.lane = state_lane(offline->state, 0),
					.capacity = offline->state->capacity};
	int error = mark_register(&options.mark_offset, &options.mark_flag, message);

	if (error)
		return error;
	offline->worker = worker_new(0, rte_lcore_id(), offline->table, &options);
	if (!offline->worker)
		return message_set(message, -ENOMEM, "out of memory");
	return worker_add_queue(offline->worker, &queue);
}

static int offline_verify(const void *snapshot, size_t bytes, __u32 capacity,
			  struct message *message)
{
	const char *why;
	/* Nothing is measured: time does not pass as it did for the capture. */
	const struct pt_snapshot_limits limits = {capacity, UINT32_MAX};
	int error = pt_snapshot_verify(snapshot, bytes, &limits, &why);

	return error ? message_set(message, error, "refused the snapshot: %s", why) : 0;
}

/* A copy that begins with a cache line. */
static void *snapshot_copy(const void *snapshot, size_t bytes)
{
	size_t lines = (bytes + PT_TABLE_LINE - 1) / PT_TABLE_LINE;
	void *copy = aligned_alloc(PT_TABLE_LINE, lines * PT_TABLE_LINE);

	return copy ? memcpy(copy, snapshot, bytes) : NULL;
}

static int offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes,
			   struct message *message)
{
	void *copy = snapshot_copy(snapshot, bytes);
	int error = copy ? offline_verify(copy, bytes, offline->state->capacity, message)
			 : message_set(message, -ENOMEM, "out of memory");

	if (!error)
		error = table_publish(offline->table, copy, message);
	if (error) {
		free(copy);
		return error;
	}
	table_settle(offline->table);
	free(offline->snapshot);
	offline->snapshot = copy;
	return 0;
}

static int offline_make(struct pt_offline *offline, __u32 capacity, struct message *message)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	int error = state_open(NULL, capacity, 1, &offline->state, message);

	if (!error)
		error = table_new(offline->state, 1, offline->options.table, &offline->table,
				  message);
	if (error)
		return error;
	offline->counters = state_counters(offline->state);
	snprintf(name, sizeof(name), "offline-%u", offline->number);
	offline->pool = rte_pktmbuf_pool_create(name, SEGMENTS_MAX, 0, 0, 0, SOCKET_ID_ANY);
	if (!offline->pool)
		return message_set(message, -rte_errno, "cannot make a pool of packets: %s",
				   rte_strerror(rte_errno));
	error = offline_port(offline, message);
	return error ? error : offline_worker(offline, message);
}

static int offline_open(const void *image, size_t bytes, const struct pt_offline_options *options,
			struct pt_offline **ret, struct message *message)
{
	static unsigned int number;
	const struct pt_snapshot *snapshot = image;
	struct pt_offline *offline;
	__u32 capacity = options->capacity;
	int error = offline_verify(image, bytes, UINT32_MAX, message);

	if (!error)
		error = offline_eal(options->verbose, message);
	if (error)
		return error;
	if (!capacity)
		capacity = snapshot->counters ? snapshot->counters : 1;
	offline = calloc(1, sizeof(*offline));
	if (!offline)
		return message_set(message, -ENOMEM, "out of memory");
	offline->number = ++number;
	offline->options = *options;
	error = offline_make(offline, capacity, message);
	if (!error)
		error = offline_publish(offline, image, bytes, message);
	if (error) {
		pt_offline_close(offline);
		return error;
	}
	*ret = offline;
	return 0;
}

int pt_offline_open(const void *snapshot, size_t bytes, const struct pt_offline_options *options,
		    struct pt_offline **ret, char *text, size_t text_bytes)
{
	struct message message;
	int error = offline_open(snapshot, bytes, options, ret, &message);

	if (error)
		snprintf(text, text_bytes, "%s", message.text);
	return error;
}

int pt_offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes, char *text,
		       size_t text_bytes)
{
	struct message message;
	int error = offline_publish(offline, snapshot, bytes, &message);

	if (error)
		snprintf(text, text_bytes, "%s", message.text);
	return error;
}

static void offline_drop_burst(struct pt_offline *offline)
{
	rte_pktmbuf_free_bulk(offline->mbufs, offline->count);
	offline->count = 0;
}

void pt_offline_close(struct pt_offline *offline)
{
	if (!offline)
		return;
	offline_drop_burst(offline);
	worker_free(offline->worker);
	port_stop(&offline->port);
	rte_ring_free(offline->in);
	rte_ring_free(offline->out);
	rte_mempool_free(offline->pool);
	table_free(offline->table);
	free(offline->snapshot);
	state_free(offline->state);
	free(offline->port_config.name);
	free(offline->output);
	free(offline);
}

/* How a frame is cut into segments. */
static struct rte_mbuf *offline_frame(const struct pt_offline *offline,
				      const struct pt_offline_frame *frame)
{
	__u32 first = FRAME_SEGMENT_MAX, next = FRAME_SEGMENT_MAX;

	if (offline->options.way == PT_OFFLINE_SEGMENTS) {
		first = offline->options.first_bytes ? offline->options.first_bytes : SEGMENT_BYTES;
		next = offline->options.next_bytes ? offline->options.next_bytes : SEGMENT_BYTES;
	}
	return frame_new(offline->pool, frame->bytes, frame->size, first, next);
}

static int offline_fill(struct pt_offline *offline, const struct pt_offline_frame *frames,
			__u32 count)
{
	offline_drop_burst(offline);
	for (__u32 i = 0; i < count; i++) {
		if (frames[i].size > PT_OFFLINE_FRAME_MAX)
			return -EMSGSIZE;
		offline->mbufs[i] = offline_frame(offline, &frames[i]);
		if (!offline->mbufs[i])
			return -ENOMEM;
		offline->count++;
	}
	return 0;
}

/* Every packet goes through the rings, and stays ours to look at, also where it is dropped. */
static int offline_poll(struct pt_offline *offline)
{
	void *out[PT_OFFLINE_BURST_MAX];
	unsigned int left;

	for (__u32 i = 0; i < offline->count; i++)
		rte_pktmbuf_refcnt_update(offline->mbufs[i], 1);
	rte_ring_enqueue_bulk(offline->in, (void *const *)offline->mbufs, offline->count, NULL);
	worker_begin(offline->worker);
	worker_poll(offline->worker);
	worker_end(offline->worker);
	left = rte_ring_dequeue_burst(offline->out, out, PT_OFFLINE_BURST_MAX, NULL);
	rte_pktmbuf_free_bulk((struct rte_mbuf **)out, left);
	if (offline->worker->burst.count != offline->count)
		return -EIO;
	return left == (offline->options.forward == PT_FORWARD_PORT ? offline->count : 0) ? 0
											  : -EIO;
}

/* Room for all frames that are not in one piece. */
static int offline_reserve(struct pt_offline *offline)
{
	size_t bytes = 0;
	__u8 *output;

	for (__u32 i = 0; i < offline->count; i++)
		if (offline->mbufs[i]->nb_segs > 1)
			bytes += offline->mbufs[i]->pkt_len;
	if (bytes <= offline->output_bytes)
		return 0;
	output = realloc(offline->output, bytes);
	if (!output)
		return -ENOMEM;
	offline->output = output;
	offline->output_bytes = bytes;
	return 0;
}

static void take_result(const struct pt_offline *offline, __u32 i, __u8 *output,
			struct pt_offline_result *ret)
{
	const struct burst_options *options = &offline->worker->options;
	const struct burst *burst = &offline->worker->burst;
	const struct rte_mbuf *mbuf = offline->mbufs[i];

	*ret = (struct pt_offline_result){
		.outcome = burst->outcome[i],
		.source_class = burst->class[i][BURST_SOURCE],
		.destination_class = burst->class[i][BURST_DESTINATION],
		.forward = offline->options.forward,
		.bytes = mbuf->pkt_len,
	};
	for (int carrier = 0; carrier < PT_CARRIERS; carrier++) {
		ret->tagged[carrier] = burst->tagged[i] >> carrier & 1;
		ret->failed[carrier] = burst->failed[i] >> carrier & 1;
	}
	if (mbuf->ol_flags & options->mark_flag)
		ret->mark = *RTE_MBUF_DYNFIELD(mbuf, options->mark_offset, __u32 *);
	ret->frame = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, output);
}

int pt_offline_run(struct pt_offline *offline, const struct pt_offline_frame *frames, __u32 count,
		   struct pt_offline_result *ret)
{
	__u8 *output;
	int error = count && count <= PT_OFFLINE_BURST_MAX ? 0 : -EINVAL;

	if (!error)
		error = offline_fill(offline, frames, count);
	if (!error)
		error = offline_poll(offline);
	if (!error)
		error = offline_reserve(offline);
	if (error)
		return error;
	output = offline->output;
	for (__u32 i = 0; i < count; i++) {
		take_result(offline, i, output, &ret[i]);
		if (offline->mbufs[i]->nb_segs > 1)
			output += offline->mbufs[i]->pkt_len;
	}
	return 0;
}

const struct pt_counters *pt_offline_counters(const struct pt_offline *offline)
{
	return &offline->counters;
}
