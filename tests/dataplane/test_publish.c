/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publish under load: every packet sees one generation.
 *
 * Generation g has one connection with counter g, which both addresses of every packet are in. A
 * packet that saw two generations counts receive on the older and transmit on the newer one; since
 * it can only go that way, the sums over (receive - transmit) up to g are the packets that were
 * mixed between g and g + 1: none can hide behind another. No packet may miss a set either.
 *
 * A packet may also take a class number from one generation and the descriptor from another. So
 * the number alternates, and the other number's descriptor is a trap, with a counter behind all.
 *
 * With the seeded bug (SEEDED), which is in the flat path, the same test must find mixed packets.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "offline.h"
#include "table/snapshot_build.h"
#include "xdp/timing.h"

#ifdef SEEDED
#define SWAPS  200
#define TABLES PT_TABLE_FLAT
#else
#define SWAPS  1000
#define TABLES PT_TABLE_FLAT, PT_TABLE_LPM
#endif
#define TRAP	   (SWAPS + 1)
#define SECONDS	   60 /* at most */
#define REPEAT	   50 /* packets in one test run: a grace period waits for all of them */
#define GENERATORS 2

static struct pt_snapshot *snapshot_of(__u32 generation)
{
	__u32 number = 1 + generation % 2, other = 3 - number;
	struct pt_class classes[2];
	__u32 connections[2];
	const struct pt_rule4 rule = {0xc6120000, number, 15, {}}; /* 198.18.0.0/15 */
	const struct snapshot_parts parts = {.generation = generation,
					     .counters = TRAP + 1,
					     .class_count = 2,
					     .classes = classes,
					     .connections = connections,
					     .rule_count = {1, 0},
					     .rules4 = &rule};
	struct pt_snapshot *snapshot;

	classes[number - 1] =
		(struct pt_class){.counter = generation, .mark = generation, .dscp = PT_DSCP_NONE};
	connections[number - 1] = generation;
	classes[other - 1] = (struct pt_class){.counter = TRAP, .mark = TRAP, .dscp = PT_DSCP_NONE};
	connections[other - 1] = TRAP;
	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	return snapshot;
}

/* UDP from 198.18.0.1 to 198.19.0.1, as far as the classifier looks. */
static const __u8 frame[60] = {
	[12] = 0x08, 0x00,	      /* IPv4 */
	[14] = 0x45, [17] = 46,	      /* version, header and total length */
	[26] = 198,  18,	0, 1, /* source */
	[30] = 198,  19,	0, 1, /* destination */
};

struct load {
	struct pt_offline *offline;
	atomic_bool stop;
};

static void *generate(void *argument)
{
	struct load *load = argument;
	__u32 ns;

	while (!load->stop)
		if (pt_offline_time(load->offline, frame, sizeof(frame), REPEAT, &ns))
			return load;
	return NULL;
}

static void publish(struct pt_offline *offline, __u32 generation)
{
	struct pt_snapshot *snapshot = snapshot_of(generation);
	char message[256] = "";

	if (pt_offline_publish(offline, snapshot, snapshot->bytes, message, sizeof(message)))
		fail_msg("generation %u: %s", generation, message);
	free(snapshot);
}

static struct pt_offline *open_offline(enum pt_config_table table)
{
	const struct pt_offline_options options = {.way = PT_OFFLINE_ARRIVING, .table = table};
	struct pt_snapshot *snapshot = snapshot_of(1);
	struct pt_offline *offline;
	char message[256];

	if (pt_offline_open(snapshot, snapshot->bytes, &options, &offline, message,
			    sizeof(message)))
		fail_msg("%s", message);
	free(snapshot);
	return offline;
}

static unsigned long long count_mixed(const struct pt_offline *offline)
{
	const struct pt_counters *counters = pt_offline_counters(offline);
	unsigned long long mixed = 0;
	long long between = 0;

	for (__u32 counter = 0; counter <= TRAP; counter++) {
		struct pt_connection_counters sum = {};

		pt_counters_connection(counters, counter, &sum);
		if (counter == TRAP)
			mixed += sum.direction[PT_RECEIVE].packets +
				 sum.direction[PT_TRANSMIT].packets;
		between += sum.direction[PT_RECEIVE].packets - sum.direction[PT_TRANSMIT].packets;
		assert_true(between >= 0);
		mixed += between;
	}
	assert_int_equal(between, 0);
	return mixed;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static __u64 packets_so_far(const struct load *load)
{
	struct pt_port_counters port = {};

	pt_counters_port(pt_offline_counters(load->offline), 0, &port);
	return pt_count_total(port.received).packets;
}

/* A swap is much faster than a thread is scheduled: each waits for packets of the one before. */
static void await_packets(const struct load *load, double end)
{
	__u64 before = packets_so_far(load);

	while (packets_so_far(load) == before && now_s() < end)
		sched_yield();
}

static __u32 swap_under_load(struct load *load)
{
	pthread_t threads[GENERATORS];
	double end = now_s() + SECONDS;
	__u32 generation = 1;
	void *failed;

	for (int i = 0; i < GENERATORS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, generate, load), 0);
	while (generation < SWAPS && now_s() < end) {
		await_packets(load, end);
		publish(load->offline, ++generation);
	}
	load->stop = true;
	for (int i = 0; i < GENERATORS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	return generation;
}

#ifdef SEEDED

static void judge(__u32 swaps, unsigned long long mixed, unsigned long long unmatched)
{
	(void)swaps;
	(void)unmatched;
	assert_true(mixed > 0);
}

#else

static void judge(__u32 swaps, unsigned long long mixed, unsigned long long unmatched)
{
	assert_int_equal(swaps, SWAPS);
	assert_int_equal(mixed, 0);
	assert_int_equal(unmatched, 0);
}

#endif

static void swap_and_judge(enum pt_config_table table)
{
	struct load load = {.offline = open_offline(table)};
	struct pt_port_counters port = {};
	double start = now_s();
	__u32 swaps = swap_under_load(&load);
	unsigned long long mixed = count_mixed(load.offline);

	pt_counters_port(pt_offline_counters(load.offline), 0, &port);
	printf("%s: %u swaps in %.1f s, %llu packets, %llu mixed, %llu unmatched\n",
	       pt_config_table_name(table), swaps, now_s() - start,
	       pt_count_total(port.received).packets, mixed,
	       port.received[PT_OUTCOME_UNMATCHED].packets);
	pt_offline_close(load.offline);
	judge(swaps, mixed, port.received[PT_OUTCOME_UNMATCHED].packets);
}

static void every_packet_sees_one_generation(void **state)
{
	static const enum pt_config_table tables[] = {TABLES};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		swap_and_judge(tables[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_packet_sees_one_generation)};

	if (geteuid()) {
		puts("skipped: loading BPF programs takes root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
