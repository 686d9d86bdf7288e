/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole frames: made on one end of a veth pair, received and dropped on the other, all on one CPU.
 * Who receives takes turns: nobody (XDP_DROP), the programs of the engine with the table and with
 * the kernel's tries, and nftables doing the same job.
 *
 *     xdp_live [OPTION...]     the options are those of xdp_setup.h; --prefixes6 is not for this
 * one
 *
 * A figure is the time from the first frame made to the last received, over their number: making
 * and sending are in it, which is what the floor takes. The engine switches tags off where it
 * drops; here the DSCP is on, as nftables has it. All counters are compared with what was sent.
 * Needs iproute2 and nftables. Prints a JSON list of items (see report.py) to stdout.
 *
 * The generator works in real time priority, so that no other process is in its figures.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peertag/xdp.h>

#include "nft_rules.h"
#include "program.h"
#include "skeleton.h"
#include "state.h"
#include "xdp_cores.h"
#include "xdp_frame.h"
#include "xdp_items.h"
#include "xdp_live.skel.h"
#include "xdp_setup.h"
#include "xdp_veth.h"
#include "xdp_wire.h"

#define FRAMES	     (1 << 17)
#define QUICK_FRAMES (1 << 14)
#define CORES_PASSES 4 /* as many frames, since threads do not begin at once */
#define ARRIVAL_MS   1000

enum receiver_kind {
	RECEIVE_DROP,
	RECEIVE_FLAT,
	RECEIVE_LPM,
	RECEIVE_NFT_MARK,
	RECEIVE_NFT_COUNT,
	RECEIVE_NFT_DROP,
	RECEIVERS,
};
static const char *const receiver_names[RECEIVERS] = {
	[RECEIVE_DROP] = "XDP_DROP",
	[RECEIVE_FLAT] = "table",
	[RECEIVE_LPM] = "LPM trie",
	[RECEIVE_NFT_MARK] = "nftables mark, counters, dscp",
	[RECEIVE_NFT_COUNT] = "nftables counters, dscp",
	[RECEIVE_NFT_DROP] = "nftables drop",
};

struct receiver {
	struct peertag *programs; /* NULL: none of ours */
	int link;		  /* of an XDP program; -1: none */
	__u64 received;		  /* so far */
	struct series ns;
};

struct bench {
	const struct bench_options *options;
	const struct workload *workload;
	struct pt_snapshot *snapshot;
	struct setup flat, lpm;
	struct xdp_live *generator;
	struct frame_bytes frame;
	__u32 frames;
	struct receiver receivers[RECEIVERS];
	__u64 *expected[2]; /* by direction and class */
};

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static void nft_open(const struct bench *bench, enum receiver_kind kind)
{
	static const enum nft_job jobs[RECEIVERS] = {
		[RECEIVE_NFT_MARK] = NFT_MARK,
		[RECEIVE_NFT_COUNT] = NFT_COUNT,
		[RECEIVE_NFT_DROP] = NFT_DROP,
	};
	char name[VETH_NAME_BYTES];
	double seconds;

	veth_enter(VETH_RECEIVER);
	veth_index(VETH_RECEIVER, kind, name);
	seconds = nft_load(name, jobs[kind], bench->workload);
	fprintf(stderr, "%s: %s loaded in %.2f s\n", bench->workload->name, receiver_names[kind],
		seconds);
}

static void receiver_open(struct bench *bench, enum receiver_kind kind)
{
	struct receiver *receiver = &bench->receivers[kind];

	*receiver = (struct receiver){.link = -1};
	veth_make(kind);
	if (kind == RECEIVE_FLAT || kind == RECEIVE_LPM) {
		receiver->programs =
			wire_programs(kind == RECEIVE_FLAT ? &bench->flat : &bench->lpm, 0);
		receiver->link = wire_attach(program_fd(receiver->programs, PROGRAM_XDP), kind);
	} else if (kind == RECEIVE_DROP) {
		receiver->link = wire_attach(bpf_program__fd(bench->generator->progs.sink), kind);
	} else {
		nft_open(bench, kind);
	}
}

static void receiver_close(struct receiver *receiver, enum receiver_kind kind)
{
	char name[VETH_NAME_BYTES];

	veth_enter(VETH_RECEIVER);
	veth_index(VETH_RECEIVER, kind, name);
	if (receiver->link >= 0)
		close(receiver->link);
	else
		nft_unload(name);
	if (receiver->programs)
		peertag__destroy(receiver->programs);
	veth_remove(kind);
}

/* All of them must have arrived. */
static void receiver_wait(struct bench *bench, enum receiver_kind kind)
{
	struct receiver *receiver = &bench->receivers[kind];
	__u64 wanted = receiver->received + bench->frames;

	for (int ms = 0; ms < ARRIVAL_MS && receiver->received < wanted; ms++) {
		receiver->received = veth_received(kind);
		if (receiver->received < wanted)
			usleep(1000);
	}
	errno = 0;
	if (receiver->received != wanted)
		die("%s: %s received %lld frames too many", bench->workload->name,
		    receiver_names[kind], (long long)(receiver->received - wanted));
}

/* Returns the nanoseconds of a frame. */
static double receiver_pass(struct bench *bench, enum receiver_kind kind, __u32 first)
{
	double start, seconds;

	bench->generator->bss->packet_next = first;
	veth_enter(VETH_GENERATOR);
	bench_alone(true);
	start = seconds_now();
	wire_generate(bench->generator, &bench->frame, kind, bench->frames);
	seconds = seconds_now() - start;
	bench_alone(false);
	receiver_wait(bench, kind);
	return seconds * 1e9 / bench->frames;
}

/* What a pass that begins at packet `first` has everybody count. */
static void expect(struct bench *bench, const __u32 *answers, __u32 addrs, __u32 first)
{
	for (__u32 i = 2 * first; i < 2 * (first + bench->frames); i++) {
		__u32 class = answers[i % addrs];

		if (class)
			bench->expected[i % 2][class - 1]++;
	}
}

static void bench_measure(struct bench *bench, const __u32 *answers, __u32 addrs)
{
	for (int kind = 0; kind < RECEIVERS; kind++)
		bench->receivers[kind].ns = (struct series){};
	for (unsigned int round = 0; round <= bench->options->rounds; round++) {
		__u32 first = round * bench->frames;

		for (int turn = 0; turn < RECEIVERS; turn++) {
			int kind = (turn + round) % RECEIVERS;
			double ns = receiver_pass(bench, kind, first);

			/* The first round warms. */
			if (round)
				series_add(&bench->receivers[kind].ns, ns);
		}
		expect(bench, answers, addrs, first);
	}
}

static void counters_compare(const struct bench *bench, enum receiver_kind kind,
			     __u64 *const packets[2])
{
	errno = 0;
	for (int direction = 0; direction < 2; direction++)
		for (__u32 i = 0; i < bench->workload->classes; i++)
			if (packets[direction][i] != bench->expected[direction][i])
				die("%s: %s counted %llu packets of class %u, not %llu",
				    bench->workload->name, receiver_names[kind],
				    (unsigned long long)packets[direction][i], i + 1,
				    (unsigned long long)bench->expected[direction][i]);
}

static void engine_counters(const struct setup *setup, __u32 classes, __u64 *ret_packets[2])
{
	struct pt_counters counters = state_counters(setup->state);

	for (__u32 i = 0; i < classes; i++) {
		struct pt_connection_counters sum = {};

		pt_counters_connection(&counters, i, &sum);
		ret_packets[0][i] = sum.direction[PT_RECEIVE].packets;
		ret_packets[1][i] = sum.direction[PT_TRANSMIT].packets;
	}
}

static void counters_check(struct bench *bench, enum receiver_kind kind)
{
	__u32 classes = bench->workload->classes;
	__u64 *packets[2] = {calloc(classes, sizeof(__u64)), calloc(classes, sizeof(__u64))};
	char name[VETH_NAME_BYTES];

	if (!packets[0] || !packets[1])
		die("no memory for the counters");
	veth_enter(VETH_RECEIVER);
	veth_index(VETH_RECEIVER, kind, name);
	if (kind == RECEIVE_FLAT || kind == RECEIVE_LPM)
		engine_counters(kind == RECEIVE_FLAT ? &bench->flat : &bench->lpm, classes,
				packets);
	else
		nft_counters(name, classes, packets);
	counters_compare(bench, kind, packets);
	free(packets[0]);
	free(packets[1]);
}

static void bench_items(const struct bench *bench, const char *stream, json_t *items)
{
	for (int kind = 0; kind < RECEIVERS; kind++) {
		bool floor = kind == RECEIVE_DROP || kind == RECEIVE_NFT_DROP;
		struct item item = {
			.bench = "xdp live",
			.kind = floor ? "floor" : "peer",
			.unit = "ns",
			.workload = bench->workload,
			.stream = stream,
			.ours_name = receiver_names[RECEIVE_FLAT],
			.ours = &bench->receivers[RECEIVE_FLAT].ns,
			.peer = receiver_names[kind],
			.peer_value = &bench->receivers[kind].ns,
		};

		if (kind != RECEIVE_FLAT)
			item_add(items, &item);
	}
}

static void stream_run(struct bench *bench, enum stream_kind kind, json_t *items)
{
	struct stream *stream = setup_stream(bench->workload, kind, bench->options->seed);
	double hits;
	__u32 *answers = setup_answers(bench->workload, stream, bench->snapshot, &hits);

	fprintf(stderr, "%s %s: %.1f %% hit\n", bench->workload->name, stream_name(kind),
		hits * 100);
	frame_stream_put(bpf_map__fd(bench->generator->maps.addrs), stream);
	bench_measure(bench, answers, stream->count);
	bench_items(bench, stream_name(kind), items);
	free(answers);
	stream_free(stream);
}

static void bench_open(struct bench *bench, const struct bench_options *options,
		       const struct workload *workload)
{
	*bench = (struct bench){.options = options,
				.workload = workload,
				.frames = options->quick ? QUICK_FRAMES : FRAMES};
	bench->snapshot = setup_snapshot(workload);
	setup_open(&bench->flat, bench->snapshot, false);
	setup_open(&bench->lpm, bench->snapshot, true);
	bench->generator = wire_generator();
	frame_make(&bench->frame, workload->family);
	for (int direction = 0; direction < 2; direction++) {
		bench->expected[direction] = calloc(workload->classes, sizeof(__u64));
		if (!bench->expected[direction])
			die("no memory for the counters");
	}
	for (int kind = 0; kind < RECEIVERS; kind++)
		receiver_open(bench, kind);
}

static void bench_close(struct bench *bench)
{
	for (int kind = 0; kind < RECEIVERS; kind++)
		receiver_close(&bench->receivers[kind], kind);
	for (int direction = 0; direction < 2; direction++)
		free(bench->expected[direction]);
	xdp_live__destroy(bench->generator);
	setup_close(&bench->flat);
	setup_close(&bench->lpm);
	free(bench->snapshot);
}

static void case_run(const struct bench_options *options, __u32 prefixes, json_t *items)
{
	struct workload *workload = setup_workload(PT_IPV4, prefixes, options->seed);
	struct bench bench;
	const struct cores_bench cores = {.options = options,
					  .workload = workload,
					  .setup = &bench.flat,
					  .frame = &bench.frame,
					  .frames = CORES_PASSES *
						    (options->quick ? QUICK_FRAMES : FRAMES),
					  .first_pair = RECEIVERS};

	bench_open(&bench, options, workload);
	for (int kind = options->quick ? STREAM_ZIPF : 0; kind < STREAM_KINDS; kind++)
		stream_run(&bench, kind, items);
	for (int kind = RECEIVE_FLAT; kind < RECEIVE_NFT_DROP; kind++)
		counters_check(&bench, kind);
	cores_measure(&cores, items);
	bench_close(&bench);
	workload_free(workload);
}

int main(int argc, char **argv)
{
	struct bench_options options = {
		.program = "xdp_live",
		.sizes = {{1000, 100000}},
		.quick_sizes = {{1000}},
		.rounds = 7,
	};
	json_t *items = json_array();

	bench_start(argc, argv, &options);
	veth_namespaces();
	for (const __u32 *size = options.sizes[PT_IPV4]; *size; size++)
		case_run(&options, *size, items);
	items_finish(items);
	return 0;
}
