/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publish under full load: two workers, each with packets that circulate through a port of one
 * ring, while set after set of 10,000 prefixes is published. Every packet sees one generation, and
 * none is lost to it.
 *
 * Both addresses of every packet are in generation g's prefixes, all of which have the class
 * 1 + g % 3, so that every rule changes in every publish, also against the set before last. That
 * class counts at index g; the others, which no rule has, at index 0. A packet that used two
 * generations' tables or descriptors therefore counts at 0, or receives on one generation and
 * transmits on another.
 *
 * The argument is the table, flat or lpm. With the seeded bug (SEEDED: a second read of the active
 * set) mixed packets must be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "state.h"
#include "table.h"
#include "table/snapshot_build.h"
#include "worker.h"

#ifdef SEEDED
#define SWAPS 50
#elif !defined(SWAPS)
#define SWAPS 1000
#endif
#define SECONDS	    (60 + SWAPS / 4) /* at most */
#define WORKERS	    2
#define CLASSES	    3
#define PREFIXES    10000
#define PACKETS	    256 /* that circulate, for each worker */
#define FRAME_BYTES 60

struct load {
	struct state *state;
	struct table *table;
	struct pt_snapshot *snapshot; /* that is published */
	struct worker *workers[WORKERS];
	struct rte_ring *rings[WORKERS];
};

static enum pt_config_table kind;

/* 198.18.0.0/15 in pieces of /29: 16,384 of them, of which every generation has 10,000. */
static struct pt_snapshot *snapshot_new(__u32 generation)
{
	static struct pt_rule4 rules[PREFIXES];
	__u32 class = 1 + generation % CLASSES;
	struct pt_class classes[CLASSES];
	__u32 connections[CLASSES];
	const struct snapshot_parts parts = {.generation = generation,
					     .counters = SWAPS + 1,
					     .class_count = CLASSES,
					     .classes = classes,
					     .connections = connections,
					     .rule_count = {PREFIXES, 0},
					     .rules4 = rules};
	struct pt_snapshot *snapshot;

	for (__u32 i = 0; i < CLASSES; i++) {
		connections[i] = i + 1 == class ? generation : UINT32_MAX;
		classes[i] = (struct pt_class){
			.counter = i + 1 == class ? generation : 0,
			.mark = 1,
			.dscp = generation % 64,
		};
	}
	for (__u32 i = 0; i < PREFIXES; i++)
		rules[i] = (struct pt_rule4){.addr = 0xc6120000 + i * 8, .class = class, .len = 29};
	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	return snapshot;
}

/* As the host does: the snapshot before is kept until this one is settled. */
static void publish(struct load *load, __u32 generation)
{
	struct pt_snapshot *snapshot = snapshot_new(generation);
	struct message message;
	const char *why = "";

	assert_int_equal(pt_snapshot_verify(snapshot, snapshot->bytes,
					    &(struct pt_snapshot_limits){SWAPS + 1, 0}, &why),
			 0);
	if (table_publish(load->table, snapshot, &message))
		fail_msg("generation %u: %s", generation, message.text);
	table_settle(load->table);
	free(load->snapshot);
	load->snapshot = snapshot;
}

static void frame_write(__u8 *frame, __u32 number)
{
	__u32 source = 0xc6120000 + number * 37 % (PREFIXES * 8);
	__u32 destination = 0xc6120000 + number * 5003 % (PREFIXES * 8);

	memset(frame, 0, FRAME_BYTES);
	pt_store_be16(frame + 12, PT_ETHERTYPE_IPV4);
	frame[14] = 0x45;
	pt_store_be16(frame + 16, FRAME_BYTES - 14);
	pt_store_be16(frame + 26, source >> 16);
	pt_store_be16(frame + 28, source);
	pt_store_be16(frame + 30, destination >> 16);
	pt_store_be16(frame + 32, destination);
}

/* A port whose transmit queue is its receive queue. */
static __u16 port_open(struct load *load, __u32 number, struct rte_mempool *pool)
{
	struct rte_eth_conf none = {};
	struct rte_ring *ring;
	char name[32];
	int port;

	snprintf(name, sizeof(name), "circle-%u", number);
	ring = rte_ring_create(name, 2 * PACKETS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(ring);
	load->rings[number] = ring;
	for (__u32 i = 0; i < PACKETS; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

		assert_non_null(mbuf);
		frame_write((__u8 *)rte_pktmbuf_append(mbuf, FRAME_BYTES), i + number * PACKETS);
		rte_ring_enqueue(ring, mbuf);
	}
	port = rte_eth_from_ring(ring);
	assert_true(port >= 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &none), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 0, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	return port;
}

static void load_open(struct load *load)
{
	struct burst_options options = {.tag = {.carrier = {[PT_CARRIER_DSCP] = true}},
					.capacity = SWAPS + 1};
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"packets", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct message message;

	assert_non_null(pool);
	if (state_open(NULL, SWAPS + 1, WORKERS, &load->state, &message) ||
	    table_new(load->state, WORKERS, kind, &load->table, &message))
		fail_msg("%s", message.text);
	publish(load, 1);
	for (__u32 i = 0; i < WORKERS; i++) {
		__u16 port = port_open(load, i, pool);
		struct queue queue = {
			.port = port, .output_port = port, .forward = true, .slot = i};

		options.lane = state_lane(load->state, i);
		load->workers[i] = worker_new(i, i + 1, load->table, &options);
		assert_non_null(load->workers[i]);
		worker_add_queue(load->workers[i], &queue);
		assert_int_equal(rte_eal_remote_launch(worker_run, load->workers[i], i + 1), 0);
	}
}

static void load_stop(struct load *load)
{
	for (__u32 i = 0; i < WORKERS; i++)
		worker_stop(load->workers[i]);
	rte_eal_mp_wait_lcore();
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

struct books {
	unsigned long long packets, mixed, unmatched, drops;
	bool whole; /* every packet is still there */
};

static void count_mixed(const struct pt_counters *counters, struct books *books)
{
	struct pt_connection_counters nobody = {};
	long long between = 0;

	pt_counters_connection(counters, 0, &nobody);
	books->mixed = nobody.direction[PT_RECEIVE].packets + nobody.direction[PT_TRANSMIT].packets;
	for (__u32 generation = 1; generation <= SWAPS; generation++) {
		struct pt_connection_counters sum = {};

		pt_counters_connection(counters, generation, &sum);
		between += sum.direction[PT_RECEIVE].packets - sum.direction[PT_TRANSMIT].packets;
		books->mixed += between < 0 ? -between : between;
	}
}

static struct books count_books(const struct load *load)
{
	struct pt_counters counters = state_counters(load->state);
	struct books books = {.whole = true};

	for (__u32 i = 0; i < WORKERS; i++) {
		struct pt_port_counters port = {};

		pt_counters_port(&counters, i, &port);
		books.packets += pt_count_total(port.received).packets;
		books.unmatched += port.received[PT_OUTCOME_UNMATCHED].packets;
		books.drops += port.forward_drops;
		books.whole &= rte_ring_count(load->rings[i]) == PACKETS;
	}
	count_mixed(&counters, &books);
	return books;
}

#ifdef SEEDED

static void judge(__u32 swaps, const struct books *books)
{
	(void)swaps;
	assert_true(books->mixed > 0);
}

#else

static void judge(__u32 swaps, const struct books *books)
{
	assert_int_equal(swaps, SWAPS);
	assert_int_equal(books->mixed, 0);
	assert_int_equal(books->unmatched, 0);
	assert_int_equal(books->drops, 0);
	assert_true(books->whole);
}

#endif

static void every_packet_sees_one_generation_and_none_is_lost(void **state)
{
	double start = now_s(), end = start + SECONDS;
	__u32 generation = 1;
	struct load load = {};
	struct books books;

	(void)state;
	load_open(&load);
	while (generation < SWAPS && now_s() < end)
		publish(&load, ++generation);
	load_stop(&load);
	books = count_books(&load);
	printf("%s: %u swaps of %u prefixes in %.1f s, %llu packets, %llu mixed, %llu unmatched, "
	       "%llu dropped\n",
	       pt_config_table_name(kind), generation, PREFIXES, now_s() - start, books.packets,
	       books.mixed, books.unmatched, books.drops);
	judge(generation, &books);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_sees_one_generation_and_none_is_lost)};
	char prefix[32];
	/* The publishing thread has both CPUs, the workers one each. */
	char *arguments[] = {"test_dpdk_publish",
			     "--no-huge",
			     "-m",
			     "1024",
			     "--no-pci",
			     "--no-telemetry",
			     "--no-shconf",
			     "--file-prefix",
			     prefix,
			     "--lcores",
			     "0@(0-1),1@0,2@1"};

	if (argc > 1 && !strcmp(argv[1], "lpm"))
		kind = PT_TABLE_LPM;
	snprintf(prefix, sizeof(prefix), "test-publish-%d", getpid());
	if (rte_eal_init(sizeof(arguments) / sizeof(*arguments), arguments) < 0) {
		puts("skipped: DPDK does not start with two CPUs and without hugepages");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
