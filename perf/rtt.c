/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What measuring round-trip times costs the DPDK worker a packet, over as many TCP flows as flow.h
 * has: the stage alone, between two readings of the CPU's counter for each burst, behind the stages
 * that come before it.
 *
 *     rtt [--quick]
 *
 * Prints a JSON list of items (see report.py) to stdout.
 */
#include <jansson.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "latency.h"
#include "lookup.h"
#include "measure.h"
#include "state.h"
#include "table.h"
#include "workload.h"

#define SLOTS	   4096
#define BURSTS	   (1 << 15) /* of a round */
#define ROUNDS_MAX 15

static const __u32 sizes[] = {1000, 100000};

struct bench {
	struct workload *workload;
	struct pt_snapshot *snapshot;
	struct state *state;
	struct table *table;
	struct latency *latency;
	struct burst_options options;
	struct flow flows[FLOWS];
	struct rte_mbuf *mbufs[FLOWS];
	struct burst burst;
	__u64 next; /* segment */
};

static struct bench bench;

static void die(const char *what)
{
	fprintf(stderr, "rtt: %s\n", what);
	exit(1);
}

static void packets_open(void)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"packets", FLOWS + 64, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	for (int i = 0; i < FLOWS; i++) {
		__u8 *frame;

		bench.mbufs[i] = pool ? rte_pktmbuf_alloc(pool) : NULL;
		frame = bench.mbufs[i] ? (__u8 *)rte_pktmbuf_append(bench.mbufs[i], FLOW_BYTES)
				       : NULL;
		if (!frame)
			die("no memory for the packets");
		memset(frame, 0, FLOW_BYTES);
		flow_frame(frame);
	}
}

static void bench_open(__u32 prefixes)
{
	struct message message;

	if (workload_random(PT_IPV4, prefixes, workload_classes(prefixes), 1, &bench.workload) ||
	    workload_snapshot(bench.workload, SLOTS, &bench.snapshot))
		die("cannot make the snapshot");
	if (state_open(NULL, bench.snapshot->counters, 1, &bench.state, &message) ||
	    table_new(bench.state, 1, PT_TABLE_FLAT, &bench.table, &message) ||
	    table_publish(bench.table, bench.snapshot, &message) ||
	    latency_new(1, SLOTS, 60000, &bench.latency, &message))
		die(message.text);
	bench.options = (struct burst_options){.lane = state_lane(bench.state, 0),
					       .capacity = bench.snapshot->counters,
					       .rtt = latency_rtt(bench.latency, 0)};
	bench.next = 0;
	flows_choose(bench.workload, 1, bench.flows);
}

static void bench_close(void)
{
	latency_free(bench.latency);
	table_free(bench.table);
	state_free(bench.state);
	free(bench.snapshot);
	workload_free(bench.workload);
}

/* The next segments of some flows. */
static void burst_fill(struct burst *burst)
{
	burst->count = BURST_MAX;
	for (int i = 0; i < BURST_MAX; i++, bench.next++) {
		__u32 which = bench.next % FLOWS * FLOW_STRIDE % FLOWS;

		burst->mbufs[i] = bench.mbufs[which];
		flow_write(rte_pktmbuf_mtod(burst->mbufs[i], __u8 *) + PT_ETHERNET_BYTES,
			   &bench.flows[which], bench.next / FLOWS);
	}
}

/* Cycles that the stage takes, of which reading the counter is taken off. */
static __u64 burst_run(void)
{
	struct table_set *const *active = table_active(bench.table);
	struct burst *burst = &bench.burst;
	__u64 start, middle, end;

	burst_fill(burst);
	burst_parse(burst, *active);
	burst_lookup(burst, *active);
	burst_count(burst, *active, &bench.options, &bench.options.lane->ports[0]);
	start = rte_rdtsc_precise();
	middle = rte_rdtsc_precise();
	burst_measure(burst, *active, &bench.options);
	end = rte_rdtsc_precise();
	return end - middle - (middle - start);
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static __u64 samples_count(void)
{
	const struct pt_latency_lane *lane = bench.latency->lanes;
	__u64 samples = 0;

	for (int slot = 0; slot < SLOTS; slot++)
		for (int i = 0; i < PT_LATENCY_WINDOWS; i++)
			for (int bin = 0; bin < PT_HISTOGRAM_BINS; bin++)
				samples += lane->slots[slot].windows[i].bins[bin].count;
	return samples;
}

static json_t *bench_item(double *ns, unsigned int rounds)
{
	qsort(ns, rounds, sizeof(*ns), double_compare);
	fprintf(stderr, "dpdk rtt, added, %s asked for [ns]: %.2f (%.2f to %.2f)\n",
		bench.workload->name, ns[rounds / 2], ns[0], ns[rounds - 1]);
	return json_pack("{s:s, s:o, s:s, s:s, s:{s:f, s:f, s:f}, s:I}", "bench", "dpdk rtt, added",
			 "case", json_sprintf("%s, asked for", bench.workload->name), "kind",
			 "scale", "unit", "ns", "ours", "median", ns[rounds / 2], "min", ns[0],
			 "max", ns[rounds - 1], "prefixes", (json_int_t)bench.workload->count);
}

static json_t *bench_run(unsigned int rounds)
{
	double ns[ROUNDS_MAX];

	for (unsigned int round = 0; round < rounds; round++) {
		__u64 cycles = 0;

		for (int i = 0; i < BURSTS; i++)
			cycles += burst_run();
		ns[round] = cycles * 1e9 / rte_get_tsc_hz() / BURSTS / BURST_MAX;
	}
	if (samples_count() < (__u64)rounds * BURSTS * BURST_MAX / (4 * FLOW_LAG))
		die("not measured");
	return bench_item(ns, rounds);
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0],	      "--no-huge",	"-m", "256", "--no-pci",
		       "--no-shconf", "--no-telemetry", "-l", "1"};
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	json_t *items = json_array();

	if (rte_eal_init(sizeof(eal) / sizeof(*eal), eal) < 0)
		die("cannot start EAL");
	packets_open();
	for (int i = 0; i < (quick ? 1 : 2); i++) {
		bench_open(sizes[i]);
		json_array_append_new(items, bench_run(quick ? 3 : ROUNDS_MAX));
		bench_close();
	}
	json_dumpf(items, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
	puts("");
	json_decref(items);
	return 0;
}
