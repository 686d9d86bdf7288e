/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the XDP program costs a packet, by test runs: one frame in the caches, whose addresses are
 * written anew each time, since a test run has no network. Two lookups, descriptors, counters, tag.
 *
 *     xdp_packet [OPTION...]     the options are those of xdp_setup.h
 *
 * "parse" is the floor: the test run, the writing and the parser. "added" is what the rest takes
 * above it, in the same round. Tags of mark and VLAN are undone behind each run: a helper call
 * each, which is in their figures. Prints a JSON list of items (see report.py) to stdout.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peertag/xdp.h>

#include "random.h"
#include "state.h"
#include "xdp_frame.h"
#include "xdp_items.h"
#include "xdp_packet.skel.h"
#include "xdp_setup.h"

#define PACKETS	    (1 << 17) /* of a round */
#define WARM	    (1 << 16) /* before each, not timed */
#define CARRIERS_AT 100000
#define CLASSES_AT  1000000

enum stage {
	STAGE_EMPTY,
	STAGE_PARSE,
	STAGE_LOOKUP,
	STAGE_FULL,
	STAGES,
};
static const char *const stage_names[STAGES] = {"empty", "parse", "lookup", "full"};

/* The option sets. */
enum variant {
	FLAT_DSCP,
	LPM_DSCP,
	FLAT_NONE,
	FLAT_MARK,
	FLAT_VLAN,
	FLAT_ALL,
	VARIANTS,
};
static const struct {
	const char *name;
	bool tries, mark, dscp, vlan;
} variants[VARIANTS] = {
	[FLAT_DSCP] = {"dscp", .dscp = true},
	[LPM_DSCP] = {"lpm, dscp", .tries = true, .dscp = true},
	[FLAT_NONE] = {"no tag"},
	[FLAT_MARK] = {"mark", .mark = true},
	[FLAT_VLAN] = {"vlan", .vlan = true},
	[FLAT_ALL] = {"dscp, mark and vlan", .mark = true, .dscp = true, .vlan = true},
};

/* A stage of an instance. */
struct entrant {
	enum variant variant;
	enum stage stage;
	struct series ns;
};
#define ENTRANTS_MAX 8

struct bench {
	const struct bench_options *options;
	const struct workload *workload;
	struct pt_snapshot *snapshot;
	struct setup setups[2]; /* by whether there are tries */
	struct xdp_packet *instances[VARIANTS];
	struct frame_bytes frame;
	int count;
	struct entrant entrants[ENTRANTS_MAX];
};

static struct setup *bench_setup(struct bench *bench, enum variant variant)
{
	struct setup *setup = &bench->setups[variants[variant].tries];

	if (!setup->state)
		setup_open(setup, bench->snapshot, variants[variant].tries);
	return setup;
}

static struct xdp_packet *instance_load(struct bench *bench, enum variant variant)
{
	const struct setup *setup = bench_setup(bench, variant);
	struct xdp_packet *instance = xdp_packet__open();
	struct pt_xdp_options *options;

	if (!instance)
		die("cannot open the programs");
	options = (void *)&instance->rodata->options;
	*options = setup->options;
	options->carrier_mark = variants[variant].mark;
	options->carrier_dscp = variants[variant].dscp;
	options->carrier_vlan = variants[variant].vlan;
	setup_share(setup, instance->obj);
	if (xdp_packet__load(instance))
		die("cannot load the programs");
	return instance;
}

static void entrant_add(struct bench *bench, enum variant variant, enum stage stage)
{
	if (!bench->instances[variant])
		bench->instances[variant] = instance_load(bench, variant);
	bench->entrants[bench->count++] = (struct entrant){.variant = variant, .stage = stage};
}

static struct series *entrant_ns(struct bench *bench, enum variant variant, enum stage stage)
{
	for (int i = 0; i < bench->count; i++)
		if (bench->entrants[i].variant == variant && bench->entrants[i].stage == stage)
			return &bench->entrants[i].ns;
	return NULL;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

/* Returns the seconds that `packets` runs take. */
static double entrant_pass(struct bench *bench, const struct entrant *entrant, __u32 packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = bench->frame.bytes,
		    .data_size_in = bench->frame.size, .repeat = packets);
	struct bpf_program *program = bpf_object__find_program_by_name(
		bench->instances[entrant->variant]->obj, stage_names[entrant->stage]);
	double start = seconds_now();

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &run))
		die("cannot run %s", stage_names[entrant->stage]);
	errno = 0;
	if (run.retval != XDP_PASS)
		die("%s returned %u", stage_names[entrant->stage], run.retval);
	return seconds_now() - start;
}

/* All stages begin their part of the stream at the same address. */
static void bench_measure(struct bench *bench)
{
	for (unsigned int round = 0; round < bench->options->rounds; round++)
		for (int turn = 0; turn < bench->count; turn++) {
			struct entrant *entrant = &bench->entrants[(turn + round) % bench->count];

			bench->instances[entrant->variant]->bss->packet_next = round * PACKETS;
			bench_alone(true);
			entrant_pass(bench, entrant, WARM);
			series_add(&entrant->ns,
				   entrant_pass(bench, entrant, PACKETS) * 1e9 / PACKETS);
			bench_alone(false);
		}
}

static void bench_open(struct bench *bench, const struct bench_options *options,
		       const struct workload *workload)
{
	*bench = (struct bench){.options = options, .workload = workload};
	bench->snapshot = setup_snapshot(workload);
	frame_make(&bench->frame, workload->family);
}

static void stream_put(struct bench *bench, enum stream_kind kind)
{
	struct stream *stream = setup_stream(bench->workload, kind, bench->options->seed);

	for (int variant = 0; variant < VARIANTS; variant++)
		if (bench->instances[variant])
			frame_stream_put(bpf_map__fd(bench->instances[variant]->maps.addrs),
					 stream);
	stream_free(stream);
	for (int i = 0; i < bench->count; i++)
		bench->entrants[i].ns = (struct series){};
}

static void bench_close(struct bench *bench)
{
	for (int variant = 0; variant < VARIANTS; variant++)
		if (bench->instances[variant])
			xdp_packet__destroy(bench->instances[variant]);
	for (int tries = 0; tries < 2; tries++)
		if (bench->setups[tries].state)
			setup_close(&bench->setups[tries]);
	free(bench->snapshot);
}

/* `ours` against the floor. */
static void floor_item(struct bench *bench, json_t *items, const char *stream, enum stage stage,
		       enum stage floor)
{
	struct item item = {
		.bench = "xdp packet",
		.kind = "floor",
		.unit = "ns",
		.workload = bench->workload,
		.stream = stream,
		.ours_name = stage_names[stage],
		.ours = entrant_ns(bench, FLAT_DSCP, stage),
		.peer = stage_names[floor],
		.peer_value = entrant_ns(bench, FLAT_DSCP, floor),
	};

	item_add(items, &item);
}

static void added_item(struct bench *bench, json_t *items, const char *stream)
{
	const struct series *parse = entrant_ns(bench, FLAT_DSCP, STAGE_PARSE);
	struct series flat = series_minus(entrant_ns(bench, FLAT_DSCP, STAGE_FULL), parse);
	struct series lpm = series_minus(entrant_ns(bench, LPM_DSCP, STAGE_FULL), parse);
	struct item item = {
		.bench = "xdp packet, added",
		.kind = "peer",
		.unit = "ns",
		.workload = bench->workload,
		.stream = stream,
		.ours_name = "table",
		.ours = &flat,
		.peer = "LPM trie",
		.peer_value = &lpm,
	};

	item_add(items, &item);
}

static void prefixes_run(const struct bench_options *options, enum pt_family family, __u32 prefixes,
			 json_t *items)
{
	struct workload *workload = setup_workload(family, prefixes, options->seed);
	struct bench bench;

	bench_open(&bench, options, workload);
	for (int stage = 0; stage < STAGES; stage++)
		entrant_add(&bench, FLAT_DSCP, stage);
	entrant_add(&bench, LPM_DSCP, STAGE_FULL);
	for (int kind = 0; kind < STREAM_KINDS; kind++) {
		const char *stream = stream_name(kind);

		stream_put(&bench, kind);
		bench_measure(&bench);
		floor_item(&bench, items, stream, STAGE_PARSE, STAGE_EMPTY);
		floor_item(&bench, items, stream, STAGE_LOOKUP, STAGE_PARSE);
		floor_item(&bench, items, stream, STAGE_FULL, STAGE_PARSE);
		added_item(&bench, items, stream);
	}
	bench_close(&bench);
	workload_free(workload);
}

static void carriers_run(const struct bench_options *options, json_t *items)
{
	static const enum variant carriers[] = {FLAT_NONE, FLAT_DSCP, FLAT_MARK, FLAT_VLAN,
						FLAT_ALL};
	const int count = sizeof(carriers) / sizeof(*carriers);
	__u32 prefixes = options->quick ? options->sizes[PT_IPV4][0] : CARRIERS_AT;
	struct workload *workload = setup_workload(PT_IPV4, prefixes, options->seed);
	struct bench bench;

	bench_open(&bench, options, workload);
	entrant_add(&bench, FLAT_DSCP, STAGE_PARSE);
	for (int i = 0; i < count; i++)
		entrant_add(&bench, carriers[i], STAGE_FULL);
	stream_put(&bench, STREAM_ZIPF);
	bench_measure(&bench);
	for (int i = 0; i < count; i++) {
		struct series added = series_minus(entrant_ns(&bench, carriers[i], STAGE_FULL),
						   entrant_ns(&bench, FLAT_DSCP, STAGE_PARSE));
		struct item item = {
			.bench = "xdp packet, carriers",
			.kind = "scale",
			.unit = "ns",
			.what = variants[carriers[i]].name,
			.workload = workload,
			.stream = stream_name(STREAM_ZIPF),
			.ours_name = variants[carriers[i]].name,
			.ours = &added,
		};

		item_add(items, &item);
	}
	bench_close(&bench);
	workload_free(workload);
}

/* Each prefix is of any class, so that neighbours do not share theirs. */
static struct workload *classes_workload(__u32 prefixes, __u32 classes, __u64 seed)
{
	struct random random = {seed};
	struct workload *workload;

	errno = -workload_random(PT_IPV4, prefixes, classes, seed, &workload);
	if (errno)
		die("cannot make %u prefixes", prefixes);
	for (__u32 i = 0; i < prefixes; i++)
		workload->rules4[i].class = 1 + random_below(&random, classes);
	return workload;
}

static void classes_item(struct bench *bench, json_t *items, const char *what,
			 const struct series *ours)
{
	struct item item = {
		.bench = "xdp packet, classes",
		.kind = "scale",
		.unit = "ns",
		.what = what,
		.workload = bench->workload,
		.stream = stream_name(STREAM_ZIPF),
		.ours_name = what,
		.ours = ours,
	};

	item_add(items, &item);
}

/* What grows with the classes: counters, descriptors, and values of 32 bits instead of 16. */
static void classes_run(const struct bench_options *options, __u32 classes, json_t *items)
{
	__u32 prefixes = options->quick ? options->sizes[PT_IPV4][0] : CLASSES_AT;
	struct workload *workload = classes_workload(prefixes, classes, options->seed);
	struct series added, rest;
	struct bench bench;

	bench_open(&bench, options, workload);
	for (int stage = STAGE_PARSE; stage < STAGES; stage++)
		entrant_add(&bench, FLAT_DSCP, stage);
	stream_put(&bench, STREAM_ZIPF);
	bench_measure(&bench);
	added = series_minus(entrant_ns(&bench, FLAT_DSCP, STAGE_FULL),
			     entrant_ns(&bench, FLAT_DSCP, STAGE_PARSE));
	rest = series_minus(entrant_ns(&bench, FLAT_DSCP, STAGE_FULL),
			    entrant_ns(&bench, FLAT_DSCP, STAGE_LOOKUP));
	classes_item(&bench, items, "added", &added);
	classes_item(&bench, items, "descriptors, counters, tag", &rest);
	bench_close(&bench);
	workload_free(workload);
}

int main(int argc, char **argv)
{
	static const __u32 classes[] = {1000, 10000, 100000, 1000000};
	struct bench_options options = {
		.program = "xdp_packet",
		.sizes = {{1000, 10000, 100000, 1000000}, {1000, 10000, 200000}},
		.quick_sizes = {{1000, 10000}, {1000}},
		.rounds = 11,
	};
	json_t *items = json_array();

	bench_start(argc, argv, &options);
	bench_each(&options, prefixes_run, items);
	if (options.sizes[PT_IPV4][0]) {
		carriers_run(&options, items);
		for (int i = 0; i < (options.quick ? 2 : 4); i++)
			classes_run(&options, classes[i], items);
	}
	items_finish(items);
	return 0;
}
