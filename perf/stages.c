/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each stage of the DPDK worker costs. Packets circulate through a port of one ring; the
 * stages are added one by one, and take turns round by round, so that all of them meet the same
 * noise. The base is what testpmd calls macswap: receive, swap the MAC addresses, transmit.
 *
 *     stages PREFIXES PACKETS MATCHING-PERCENT ROUNDS [EAL-ARGUMENT...]
 *
 * Prints one JSON document: nanoseconds a packet, by stage, for each round.
 */
#include <jansson.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "mark.h"
#include "state.h"
#include "worker.h"

#define BURSTS	     20000 /* in a round */
#define FRAME_BYTES  60
#define RULES_A_CONN 8

/* How far a packet gets. */
enum depth {
	DEPTH_IO,      /* receive and transmit: what is left is the driver's */
	DEPTH_MACSWAP, /* the base */
	DEPTH_PARSE,
	DEPTH_LOOKUP,
	DEPTH_COUNT,
	DEPTH_TAG, /* all of it, as a worker does it */
	DEPTHS,
};
static const char *const depth_names[DEPTHS] = {"io", "macswap", "parse", "lookup", "count", "tag"};

struct bench {
	unsigned int prefixes, packets, matching, rounds;
	struct state *state;
	struct table *table;
	struct worker *worker;
	struct queue queue;
};

static void die(const char *what)
{
	fprintf(stderr, "stages: %s\n", what);
	exit(1);
}

/* xorshift: the same prefixes and packets every time. */
static __u32 random_next(void)
{
	static __u64 state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static int rule_compare(const void *a, const void *b)
{
	const struct pt_rule4 *x = a, *y = b;

	return x->addr != y->addr ? (x->addr < y->addr ? -1 : 1) : x->len - y->len;
}

/* Lengths as in a full table: most are /24, a few longer. */
static __u8 random_length(void)
{
	__u32 dice = random_next() % 100;

	return dice < 60 ? 24 : dice < 97 ? 16 + dice % 8 : dice < 98 ? 32 : 25 + dice % 6;
}

static struct pt_snapshot *snapshot_new(const struct bench *bench)
{
	__u32 classes = bench->prefixes / RULES_A_CONN + 1;
	size_t rules_offset = sizeof(struct pt_snapshot) + classes * sizeof(struct pt_class);
	size_t bytes = rules_offset + bench->prefixes * sizeof(struct pt_rule4);
	struct pt_snapshot *snapshot = calloc(1, bytes + 8);
	struct pt_class *class = (void *)((char *)snapshot + sizeof(*snapshot));
	struct pt_rule4 *rules = (void *)((char *)snapshot + rules_offset);
	__u32 count = 0;

	for (__u32 i = 0; i < classes; i++)
		class[i] = (struct pt_class){.class = i + 1,
					     .connection = i + 1,
					     .counter = i,
					     .mark = i + 1,
					     .dscp = i % 64};
	for (__u32 i = 0; i < bench->prefixes; i++) {
		__u8 len = random_length();

		rules[i].len = len;
		rules[i].addr = random_next() & (__u32)(~0ull << (32 - len));
		rules[i].class = 1 + random_next() % classes;
	}
	qsort(rules, bench->prefixes, sizeof(*rules), rule_compare);
	for (__u32 i = 0; i < bench->prefixes; i++)
		if (!count || rule_compare(&rules[count - 1], &rules[i]))
			rules[count++] = rules[i];
	*snapshot = (struct pt_snapshot){.magic = PT_SNAPSHOT_MAGIC,
					 .abi = PT_SNAPSHOT_ABI,
					 .generation = 1,
					 .class_count = classes,
					 .counters = classes,
					 .rule_count = {count},
					 .classes_offset = sizeof(*snapshot),
					 .rules_offset = {rules_offset}};
	snapshot->bytes = rules_offset + (count * sizeof(struct pt_rule4) + 7) / 8 * 8;
	snapshot->rules_offset[PT_IPV6] = snapshot->bytes;
	snapshot->checksum = pt_snapshot_checksum(snapshot);
	return snapshot;
}

/* UDP from an address in a random prefix, or from anywhere, to anywhere. */
static void packet_write(const struct bench *bench, const struct pt_snapshot *snapshot, __u8 *frame)
{
	const struct pt_rule4 *rules = pt_snapshot_rules4(snapshot);
	const struct pt_rule4 *rule = &rules[random_next() % snapshot->rule_count[PT_IPV4]];
	bool matches = random_next() % 100 < bench->matching;
	__u32 source = matches ? rule->addr : 240u << 24 | random_next() >> 4;
	__u32 destination = 240u << 24 | random_next() >> 4;

	memset(frame, 0, FRAME_BYTES);
	frame[5] = 2;
	frame[11] = 1;
	pt_store_be16(frame + 12, PT_ETHERTYPE_IPV4);
	frame[14] = 0x45;
	pt_store_be16(frame + 16, FRAME_BYTES - 14);
	frame[23] = 17;
	pt_store_be16(frame + 26, source >> 16);
	pt_store_be16(frame + 28, source);
	pt_store_be16(frame + 30, destination >> 16);
	pt_store_be16(frame + 32, destination);
}

static void bench_fill(const struct bench *bench, const struct pt_snapshot *snapshot,
		       struct rte_ring *ring)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"packets", bench->packets + 64, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	for (__u32 i = 0; i < bench->packets; i++) {
		struct rte_mbuf *mbuf = pool ? rte_pktmbuf_alloc(pool) : NULL;

		if (!mbuf)
			die("no memory for the packets");
		packet_write(bench, snapshot, (__u8 *)rte_pktmbuf_append(mbuf, FRAME_BYTES));
		rte_ring_enqueue(ring, mbuf);
	}
}

static void bench_open(struct bench *bench)
{
	struct burst_options options = {.tag = {.carrier = {[PT_CARRIER_DSCP] = true}}};
	struct rte_ring *ring = rte_ring_create("ring", rte_align32pow2(bench->packets + 1),
						SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	struct pt_snapshot *snapshot = snapshot_new(bench);
	struct rte_eth_conf none = {};
	struct message message;
	int port = ring ? rte_eth_from_ring(ring) : -1;

	if (port < 0 || rte_eth_dev_configure(port, 1, 1, &none) ||
	    rte_eth_tx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL))
		die("cannot make a port of a ring");
	bench_fill(bench, snapshot, ring);
	if (rte_eth_rx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL,
				   rte_mempool_lookup("packets")) ||
	    rte_eth_dev_start(port))
		die("cannot start the port");
	if (state_open(NULL, snapshot->counters, 1, &bench->state, &message) ||
	    table_new(bench->state, 1, &bench->table, &message) ||
	    table_publish(bench->table, snapshot, &message))
		die(message.text);
	options.lane = state_lane(bench->state, 0);
	options.capacity = snapshot->counters;
	bench->worker = worker_new(0, rte_lcore_id(), bench->table, &options);
	bench->queue = (struct queue){
		.port = port, .output_port = port, .forward = true, .multi_segs = true};
	free(snapshot);
}

static inline void swap_macs(struct burst *burst)
{
	for (__u16 i = 0; i < burst->count; i++) {
		struct rte_ether_hdr *header =
			rte_pktmbuf_mtod(burst->mbufs[i], struct rte_ether_hdr *);
		struct rte_ether_addr source = header->src_addr;

		header->src_addr = header->dst_addr;
		header->dst_addr = source;
	}
}

/* One burst, as far as `depth`: a constant where this is called. */
static __rte_always_inline void poll_to(struct bench *bench, enum depth depth)
{
	struct worker *worker = bench->worker;
	struct pt_port_counters *port = &worker->options.lane->ports[0];
	struct burst *burst = &worker->burst;
	const struct table_set *set;

	if (!burst_receive(burst, &bench->queue))
		return;
	set = __atomic_load_n(worker->active, __ATOMIC_ACQUIRE);
	if (depth == DEPTH_MACSWAP)
		swap_macs(burst);
	if (depth >= DEPTH_PARSE)
		burst_parse(burst, set);
	if (depth >= DEPTH_LOOKUP)
		burst_lookup(burst, set);
	if (depth >= DEPTH_COUNT)
		burst_count(burst, set, &worker->options, port);
	if (depth >= DEPTH_TAG)
		burst_tag(burst, set, &worker->options, &bench->queue, port);
	burst_transmit(burst, &bench->queue, port);
}

#define RUN(depth)                                                                                 \
	static void run_##depth(struct bench *bench)                                               \
	{                                                                                          \
		for (int i = 0; i < BURSTS; i++)                                                   \
			poll_to(bench, depth);                                                     \
	}
RUN(DEPTH_IO)
RUN(DEPTH_MACSWAP)
RUN(DEPTH_PARSE)
RUN(DEPTH_LOOKUP)
RUN(DEPTH_COUNT)
RUN(DEPTH_TAG)

static void (*const runs[DEPTHS])(struct bench *bench) = {run_DEPTH_IO,	   run_DEPTH_MACSWAP,
							  run_DEPTH_PARSE, run_DEPTH_LOOKUP,
							  run_DEPTH_COUNT, run_DEPTH_TAG};

static json_t *bench_run(struct bench *bench)
{
	json_t *document = json_object();
	__u64 start;
	double ns;

	for (int depth = 0; depth < DEPTHS; depth++)
		json_object_set_new(document, depth_names[depth], json_array());
	for (unsigned int round = 0; round < bench->rounds * DEPTHS; round++) {
		start = rte_rdtsc_precise();
		runs[round % DEPTHS](bench);
		ns = (rte_rdtsc_precise() - start) * 1e9 / rte_get_tsc_hz() / BURSTS / BURST_MAX;
		json_array_append_new(json_object_get(document, depth_names[round % DEPTHS]),
				      json_real(ns));
	}
	return document;
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	json_t *document;

	if (argc < 5)
		die("usage: stages PREFIXES PACKETS MATCHING-PERCENT ROUNDS [EAL-ARGUMENT...]");
	bench.prefixes = strtoul(argv[1], NULL, 10);
	bench.packets = strtoul(argv[2], NULL, 10);
	bench.matching = strtoul(argv[3], NULL, 10);
	bench.rounds = strtoul(argv[4], NULL, 10);
	if (!bench.prefixes || bench.packets < BURST_MAX || !bench.rounds)
		die("at least 1 prefix, 32 packets, 1 round");
	if (rte_eal_init(argc - 4, argv + 4) < 0)
		die("cannot start EAL");
	bench_open(&bench);
	document = bench_run(&bench);
	json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
	puts("");
	json_decref(document);
	return 0;
}
