/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs until a new table is live in the XDP engine, by its steps, without a network: the
 * compiling, the check, the copy into the engine's maps with a grace period; against the kernel's
 * tries, which are built anew from the rules. What DPDK's structures take to build is in `lookup`.
 *
 *     publish [OPTION...]     the options are those of xdp_setup.h
 *
 * "build" is one structure alone: the compiled table against a trie that is filled by batches.
 * "live" is all that an engine and its control do for a change, however small: compile, check,
 * publish. Prints a JSON list of items (see report.py) to stdout.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <peertag/snapshot.h>

#include "rules.h"
#include "skeleton.h"
#include "state.h"
#include "table.h"
#include "xdp_items.h"
#include "xdp_setup.h"

#define TRIE_ROUNDS 3 /* where tries take seconds */
#define TRIE_SLOW   100000

enum step {
	STEP_COMPILE,
	STEP_VERIFY,
	STEP_PUBLISH,
	STEP_LIVE, /* the three together */
	STEP_TRIE,
	STEP_PUBLISH_TRIES,
	STEP_LIVE_TRIES,
	STEPS,
};

struct bench {
	const struct bench_options *options;
	struct workload *workload;
	struct setup flat, tries;
	struct series ms[STEPS];
};

static double ms_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

/* The next generation has another class for one prefix. */
static void workload_change(struct workload *workload, unsigned int round)
{
	__u32 rule = (__u64)round * 2654435761 % workload->count;
	__u32 *class = workload->family == PT_IPV4 ? &workload->rules4[rule].class
						   : &workload->rules6[rule].class;

	*class = *class % workload->classes + 1;
}

static double compile(struct bench *bench, struct pt_snapshot **ret_snapshot)
{
	double start = ms_now();

	*ret_snapshot = setup_snapshot(bench->workload);
	return ms_now() - start;
}

static double verify(const struct pt_snapshot *snapshot)
{
	double start = ms_now();
	const char *why;

	errno = -pt_snapshot_verify(snapshot, snapshot->bytes,
				    &(struct pt_snapshot_limits){snapshot->counters, 0}, &why);
	if (errno)
		die("refused: %s", why);
	return ms_now() - start;
}

static double publish(const struct setup *setup, const struct pt_snapshot *snapshot)
{
	double start = ms_now();
	struct message message;

	errno = 0;
	if (table_publish(setup->table, snapshot, &message))
		die("%s", message.text);
	return ms_now() - start;
}

static double trie(const struct bench *bench, const struct pt_snapshot *snapshot)
{
	double start = ms_now();
	int fd = rules_build(bench->tries.state->maps->obj, snapshot, bench->workload->family);

	if (fd < 0)
		die("cannot build a trie");
	start = ms_now() - start;
	close(fd);
	return start;
}

static void round_run(struct bench *bench, unsigned int round)
{
	bool slow = bench->workload->count > TRIE_SLOW && round >= TRIE_ROUNDS;
	struct pt_snapshot *snapshot;
	double compile_ms, verify_ms, ms;

	workload_change(bench->workload, round);
	compile_ms = compile(bench, &snapshot);
	verify_ms = verify(snapshot);
	ms = publish(&bench->flat, snapshot);
	series_add(&bench->ms[STEP_COMPILE], compile_ms);
	series_add(&bench->ms[STEP_VERIFY], verify_ms);
	series_add(&bench->ms[STEP_PUBLISH], ms);
	series_add(&bench->ms[STEP_LIVE], compile_ms + verify_ms + ms);
	if (!slow) {
		series_add(&bench->ms[STEP_TRIE], trie(bench, snapshot));
		ms = publish(&bench->tries, snapshot);
		table_settle(bench->tries.table);
		series_add(&bench->ms[STEP_PUBLISH_TRIES], ms);
		series_add(&bench->ms[STEP_LIVE_TRIES], compile_ms + verify_ms + ms);
	}
	free(snapshot);
}

static void peer_item(const struct bench *bench, json_t *items, const char *name, enum step ours,
		      const char *ours_name, enum step peer, const char *peer_name)
{
	struct item item = {
		.bench = name,
		.kind = "peer",
		.unit = "ms",
		.workload = bench->workload,
		.ours_name = ours_name,
		.ours = &bench->ms[ours],
		.peer = peer_name,
		.peer_value = &bench->ms[peer],
	};

	item_add(items, &item);
}

static void verify_item(const struct bench *bench, json_t *items)
{
	struct item item = {
		.bench = "publish, check",
		.kind = "scale",
		.unit = "ms",
		.workload = bench->workload,
		.ours_name = "check of a snapshot",
		.ours = &bench->ms[STEP_VERIFY],
	};

	item_add(items, &item);
}

static void case_run(const struct bench_options *options, enum pt_family family, __u32 prefixes,
		     json_t *items)
{
	struct bench bench = {.options = options,
			      .workload = setup_workload(family, prefixes, options->seed)};
	struct pt_snapshot *snapshot = setup_snapshot(bench.workload);

	setup_open(&bench.flat, snapshot, false);
	setup_open(&bench.tries, snapshot, true);
	free(snapshot);
	bench_alone(true);
	for (unsigned int round = 0; round < options->rounds; round++)
		round_run(&bench, round);
	bench_alone(false);
	peer_item(&bench, items, "publish, build", STEP_COMPILE, "table", STEP_TRIE, "LPM trie");
	verify_item(&bench, items);
	peer_item(&bench, items, "publish, into the maps", STEP_PUBLISH, "table",
		  STEP_PUBLISH_TRIES, "LPM tries");
	peer_item(&bench, items, "publish, live", STEP_LIVE, "table", STEP_LIVE_TRIES, "LPM tries");
	setup_close(&bench.flat);
	setup_close(&bench.tries);
	workload_free(bench.workload);
}

int main(int argc, char **argv)
{
	struct bench_options options = {
		.program = "publish",
		.sizes = {{1000, 10000, 100000, 1000000}, {1000, 10000, 200000}},
		.quick_sizes = {{1000, 10000}, {1000}},
		.rounds = 9,
	};
	json_t *items = json_array();

	bench_start(argc, argv, &options);
	bench_each(&options, case_run, items);
	items_finish(items);
	return 0;
}
