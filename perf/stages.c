/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each stage of the DPDK worker costs. Packets circulate through a port of one ring; the
 * stages are added one by one, and take turns round by round, so that all of them meet the same
 * noise. The base is what testpmd calls macswap: receive, swap the MAC addresses, transmit.
 *
 *     stages flat|lpm PREFIXES PACKETS MATCHING-PERCENT ROUNDS [EAL-ARGUMENT...]
 *
 * Some prefixes get far more packets than others (Zipf), as in real traffic. Prints one JSON
 * document: nanoseconds a packet, by stage, for each round.
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
#include "random.h"
#include "state.h"
#include "worker.h"
#include "workload.h"
#include "zipf.h"

#define BURSTS	    20000 /* in a round */
#define FRAME_BYTES 60

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
	enum pt_config_table kind;
	unsigned int prefixes, packets, matching, rounds;
	struct random random; /* the same prefixes and packets every time */
	struct pt_snapshot *snapshot;
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

static void bench_snapshot(struct bench *bench)
{
	struct workload *workload;

	if (workload_random(PT_IPV4, bench->prefixes, workload_classes(bench->prefixes), 1,
			    &workload))
		die("cannot make that many prefixes");
	if (workload_snapshot(workload, 0, &bench->snapshot))
		die("cannot make the snapshot");
	workload_free(workload);
}

static __u32 random_nowhere(struct random *random)
{
	return 240u << 24 | random_next(random) >> 36;
}

/* UDP from an address in `rule` to nowhere. */
static void packet_write(struct random *random, const struct pt_rule4 *rule, bool matches,
			 __u8 *frame)
{
	__u32 host = random_next(random) & ~(__u32)(~0ull << (32 - rule->len));
	__u32 source = matches ? rule->addr | host : random_nowhere(random);
	__u32 destination = random_nowhere(random);

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

/* Popularity has nothing to do with the order of addresses: 2654435761 is prime. */
static const struct pt_rule4 *popular_rule(struct bench *bench, const struct zipf *zipf)
{
	__u64 rank = zipf_next(zipf, &bench->random);

	return &pt_snapshot_rules4(bench->snapshot)[rank * 2654435761 % zipf->count];
}

static void bench_fill(struct bench *bench, struct rte_ring *ring)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"packets", bench->packets + 64, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct zipf zipf;

	if (zipf_init(&zipf, bench->snapshot->rule_count[PT_IPV4]))
		die("out of memory");
	for (__u32 i = 0; i < bench->packets; i++) {
		struct rte_mbuf *mbuf = pool ? rte_pktmbuf_alloc(pool) : NULL;

		if (!mbuf)
			die("no memory for the packets");
		packet_write(&bench->random, popular_rule(bench, &zipf),
			     random_chance(&bench->random, bench->matching),
			     (__u8 *)rte_pktmbuf_append(mbuf, FRAME_BYTES));
		rte_ring_enqueue(ring, mbuf);
	}
	zipf_done(&zipf);
}

static void bench_open(struct bench *bench)
{
	struct burst_options options = {.tag = {.carrier = {[PT_CARRIER_DSCP] = true}}};
	struct rte_ring *ring = rte_ring_create("ring", rte_align32pow2(bench->packets + 1),
						SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	struct rte_eth_conf none = {};
	struct message message;
	int port = ring ? rte_eth_from_ring(ring) : -1;

	if (port < 0 || rte_eth_dev_configure(port, 1, 1, &none) ||
	    rte_eth_tx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL))
		die("cannot make a port of a ring");
	bench_snapshot(bench);
	bench_fill(bench, ring);
	if (rte_eth_rx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL,
				   rte_mempool_lookup("packets")) ||
	    rte_eth_dev_start(port))
		die("cannot start the port");
	if (state_open(NULL, bench->snapshot->counters, 1, &bench->state, &message) ||
	    table_new(bench->state, 1, bench->kind, &bench->table, &message) ||
	    table_publish(bench->table, bench->snapshot, &message))
		die(message.text);
	options.lane = state_lane(bench->state, 0);
	options.capacity = bench->snapshot->counters;
	bench->worker = worker_new(0, rte_lcore_id(), bench->table, &options);
	bench->queue = (struct queue){
		.port = port, .output_port = port, .forward = true, .multi_segs = true};
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

	if (argc < 6)
		die("usage: stages flat|lpm PREFIXES PACKETS MATCHING-PERCENT ROUNDS "
		    "[EAL-ARGUMENT...]");
	if (strcmp(argv[1], "flat") && strcmp(argv[1], "lpm"))
		die("the table is flat or lpm");
	bench.kind = strcmp(argv[1], "lpm") ? PT_TABLE_FLAT : PT_TABLE_LPM;
	bench.prefixes = strtoul(argv[2], NULL, 10);
	bench.packets = strtoul(argv[3], NULL, 10);
	bench.matching = strtoul(argv[4], NULL, 10);
	bench.rounds = strtoul(argv[5], NULL, 10);
	if (!bench.prefixes || bench.packets < BURST_MAX || !bench.rounds)
		die("at least 1 prefix, 32 packets, 1 round");
	if (rte_eal_init(argc - 5, argv + 5) < 0)
		die("cannot start EAL");
	bench_open(&bench);
	document = bench_run(&bench);
	json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
	puts("");
	json_decref(document);
	return 0;
}
