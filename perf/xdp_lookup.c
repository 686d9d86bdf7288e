/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a lookup costs inside BPF: the table against the kernel's LPM trie, one address after the
 * other. "throughput": independent lookups, which the processor overlaps. "dependent": each address
 * waits for the class before, as the lookups of a lone packet do for its arrival.
 *
 *     xdp_lookup [OPTION...]     the options are those of xdp_setup.h
 *
 * The time is the kernel's own of a test run, less the one of the same loop without lookups in the
 * same round. All answers are checked first. Prints a JSON list of items (see report.py) to stdout.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peertag/xdp.h>

#include "xdp_items.h"
#include "xdp_lookup.h"
#include "xdp_lookup.skel.h"
#include "xdp_setup.h"

#define PART (1 << 18) /* lookups of a round: a part of the stream, the next one each time */

enum way {
	FLOOR,
	FLAT,
	TRIE,
	WAYS,
};
static const char *const way_names[WAYS] = {"floor", "flat", "trie"};

enum use {
	SUM,
	NEXT,
	USES,
};
static const char *const use_names[USES] = {"sum", "next"};
static const char *const benches[USES] = {"xdp lookup, throughput", "xdp lookup, dependent"};

struct bench {
	const struct bench_options *options;
	const struct workload *workload;
	struct pt_snapshot *snapshot;
	struct setup setup;
	struct xdp_lookup *programs;
	struct lookup_addrs *addrs;
	struct lookup_answers *answers;
	struct series ns[USES][WAYS];
};

static struct bpf_program *program_find(const struct bench *bench, const char *way, const char *use)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%d_%s", way, bench->workload->family == PT_IPV4 ? 4 : 6,
		 use);
	return bpf_object__find_program_by_name(bench->programs->obj, name);
}

/* Returns the nanoseconds of a lookup. */
static double pass_run(const struct bench *bench, const char *way, const char *use, __u32 first,
		       __u32 count)
{
	struct lookup_pass pass = {.first = first, .count = count};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &pass, .data_size_in = sizeof(pass));

	if (bpf_prog_test_run_opts(bpf_program__fd(program_find(bench, way, use)), &run))
		die("cannot run %s", way);
	return (double)run.duration / count;
}

static void programs_load(struct bench *bench)
{
	char family = bench->workload->family == PT_IPV4 ? '4' : '6';
	struct bpf_program *program;

	bench->programs = xdp_lookup__open();
	if (!bench->programs)
		die("cannot open the programs");
	bpf_object__for_each_program(program, bench->programs->obj)
		bpf_program__set_autoload(program, strchr(bpf_program__name(program), family));
	*(struct pt_xdp_options *)&bench->programs->rodata->options = bench->setup.options;
	setup_share(&bench->setup, bench->programs->obj);
	if (xdp_lookup__load(bench->programs))
		die("cannot load the programs");
	bench->addrs = bench_map(bpf_map__fd(bench->programs->maps.addrs), sizeof(*bench->addrs));
	bench->answers =
		bench_map(bpf_map__fd(bench->programs->maps.answers), sizeof(*bench->answers));
}

static void stream_put(struct bench *bench, const struct stream *stream)
{
	for (__u32 i = 0; i < stream->count; i++)
		stream_bytes(stream, i,
			     stream->family == PT_IPV4 ? (void *)&bench->addrs->ipv4[i]
						       : (void *)bench->addrs->ipv6[i]);
}

/* Both ways against what is right. */
static void answers_check(struct bench *bench, const struct stream *stream, const __u32 *right)
{
	errno = 0;
	for (int way = FLAT; way < WAYS; way++) {
		memset(bench->answers, 0xff, sizeof(*bench->answers));
		for (__u32 first = 0; first < stream->count; first += PART)
			pass_run(bench, way_names[way], "keep", first, PART);
		for (__u32 i = 0; i < stream->count; i++)
			if (bench->answers->classes[i] != right[i])
				die("%s: the %s says %u of address %u, not %u",
				    bench->workload->name, way_names[way],
				    bench->answers->classes[i], i, right[i]);
	}
}

/* The part before is a warming: what is in the caches is then what this way leaves there. */
static void stream_measure(struct bench *bench, const struct stream *stream)
{
	__u32 parts = stream->count / PART;

	memset(bench->ns, 0, sizeof(bench->ns));
	for (unsigned int round = 0; round < bench->options->rounds; round++)
		for (int use = 0; use < USES; use++)
			for (int turn = 0; turn < WAYS; turn++) {
				int way = (turn + round) % WAYS;
				__u32 warm = round % parts * PART;
				__u32 timed = (round + 1) % parts * PART;

				bench_alone(true);
				pass_run(bench, way_names[way], use_names[use], warm, PART);
				series_add(&bench->ns[use][way],
					   pass_run(bench, way_names[way], use_names[use], timed,
						    PART));
				bench_alone(false);
			}
}

static void stream_items(const struct bench *bench, enum stream_kind kind, json_t *items)
{
	for (int use = 0; use < USES; use++) {
		const struct series *ns = bench->ns[use];
		struct series flat = series_minus(&ns[FLAT], &ns[FLOOR]);
		struct series trie = series_minus(&ns[TRIE], &ns[FLOOR]);
		struct item item = {
			.bench = benches[use],
			.kind = "peer",
			.unit = "ns",
			.workload = bench->workload,
			.stream = stream_name(kind),
			.ours_name = "table",
			.ours = &flat,
			.peer = "LPM trie",
			.peer_value = &trie,
		};

		item_add(items, &item);
		item.kind = "floor";
		item.ours_name = "table, with the loop";
		item.ours = &ns[FLAT];
		item.peer = "loop without a lookup";
		item.peer_value = &ns[FLOOR];
		item_add(items, &item);
	}
}

static void case_run(const struct bench_options *options, enum pt_family family, __u32 prefixes,
		     json_t *items)
{
	struct workload *workload = setup_workload(family, prefixes, options->seed);
	struct bench bench = {.options = options, .workload = workload};

	bench.snapshot = setup_snapshot(workload);
	setup_open(&bench.setup, bench.snapshot, true);
	programs_load(&bench);
	for (int kind = 0; kind < STREAM_KINDS; kind++) {
		struct stream *stream = setup_stream(workload, kind, options->seed);
		double hits;
		__u32 *right = setup_answers(workload, stream, bench.snapshot, &hits);

		fprintf(stderr, "%s %s: %.1f %% hit\n", workload->name, stream_name(kind),
			hits * 100);
		stream_put(&bench, stream);
		answers_check(&bench, stream, right);
		stream_measure(&bench, stream);
		stream_items(&bench, kind, items);
		free(right);
		stream_free(stream);
	}
	bench_unmap(bench.addrs, sizeof(*bench.addrs));
	bench_unmap(bench.answers, sizeof(*bench.answers));
	xdp_lookup__destroy(bench.programs);
	setup_close(&bench.setup);
	free(bench.snapshot);
	workload_free(workload);
}

int main(int argc, char **argv)
{
	struct bench_options options = {
		.program = "xdp_lookup",
		.sizes = {{1000, 10000, 100000, 1000000}, {1000, 10000, 200000}},
		.quick_sizes = {{1000, 10000}, {1000}},
		.rounds = 11,
	};
	json_t *items = json_array();

	bench_start(argc, argv, &options);
	bench_each(&options, case_run, items);
	items_finish(items);
	return 0;
}
