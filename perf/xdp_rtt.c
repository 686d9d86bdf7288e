/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What measuring round-trip times costs the XDP program a packet, by test runs, over many TCP flows
 * whose customers are in random prefixes: packets whose classes did not ask for it, and packets
 * whose classes did, against the same program that was loaded without.
 *
 *     xdp_rtt [OPTION...]     the options are those of xdp_setup.h
 *
 * A sample is begun and ended once in 2 x FLOW_LAG packets (flow.h): the clock is in the mean with
 * two readings for each of them. Prints a JSON list of items (see report.py) to stdout.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peertag/latency.h>
#include <peertag/xdp.h>

#include "flows.h"
#include "state.h"
#include "xdp_items.h"
#include "xdp_rtt.skel.h"
#include "xdp_setup.h"

#define PACKETS (1 << 19) /* of a round */
#define WARM	(1 << 18) /* before each, not timed */
#define SLOTS	4096

enum variant {
	WITHOUT, /* loaded without latency */
	UNASKED, /* with it, and no class asked */
	ASKED,
	VARIANTS,
};
static const char *const variant_names[VARIANTS] = {"without", "not asked for", "asked for"};

struct bench {
	const struct bench_options *options;
	struct workload *workload;
	struct setup setups[VARIANTS];
	struct xdp_rtt *instances[VARIANTS];
	struct series ns[VARIANTS];
	__u8 frame[FLOW_BYTES];
};

static void variant_open(struct bench *bench, enum variant variant)
{
	struct setup *setup = &bench->setups[variant];
	struct pt_snapshot *snapshot;
	struct pt_xdp_options *options;
	struct flow *flows;

	if (workload_snapshot(bench->workload, variant == ASKED ? SLOTS : 0, &snapshot))
		die("cannot make the snapshot");
	setup_open(setup, snapshot, false);
	free(snapshot);
	bench->instances[variant] = xdp_rtt__open();
	if (!bench->instances[variant])
		die("cannot open the programs");
	options = (void *)&bench->instances[variant]->rodata->options;
	*options = setup->options;
	options->carrier_dscp = 1;
	if (variant == WITHOUT)
		options->latency_slots = 0;
	setup_share(setup, bench->instances[variant]->obj);
	if (xdp_rtt__load(bench->instances[variant]))
		die("cannot load the programs");
	flows = bench_map(bpf_map__fd(bench->instances[variant]->maps.flows_sent),
			  FLOWS * sizeof(*flows));
	flows_choose(bench->workload, bench->options->seed, flows);
	bench_unmap(flows, FLOWS * sizeof(*flows));
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static double variant_pass(struct bench *bench, enum variant variant, __u32 packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = bench->frame,
		    .data_size_in = sizeof(bench->frame), .repeat = packets);
	double start = seconds_now();

	if (bpf_prog_test_run_opts(bpf_program__fd(bench->instances[variant]->progs.full), &run) ||
	    run.retval != XDP_PASS)
		die("cannot run the program");
	errno = 0;
	return seconds_now() - start;
}

/* How many samples the bins of all windows have, and how many were lost. */
static __u64 samples_count(const struct setup *setup, __u64 *ret_lost)
{
	size_t bytes = pt_latency_lane_bytes(SLOTS);
	__u64 samples = 0;
	int cpus = libbpf_num_possible_cpus();
	__u8 *lanes = bench_map_read(state_map(setup->state, "latency"), cpus * bytes);

	*ret_lost = 0;
	for (int cpu = 0; cpu < cpus; cpu++) {
		const struct pt_latency_lane *lane = (void *)(lanes + cpu * bytes);

		*ret_lost += lane->lost;
		for (int slot = 0; slot < SLOTS; slot++)
			for (int i = 0; i < PT_LATENCY_WINDOWS; i++)
				for (int bin = 0; bin < PT_HISTOGRAM_BINS; bin++)
					samples += lane->slots[slot].windows[i].bins[bin].count;
	}
	bench_unmap(lanes, cpus * bytes);
	return samples;
}

/* What was not measured is no figure. */
static void check_samples(const struct bench *bench)
{
	__u64 packets = bench->options->rounds * (__u64)(PACKETS + WARM), lost;
	__u64 samples = samples_count(&bench->setups[ASKED], &lost);

	fprintf(stderr, "one sample in %.1f packets; %.2f %% lost\n", (double)packets / samples,
		100.0 * lost / (samples + lost));
	if (samples < packets / (4 * FLOW_LAG))
		die("only %llu samples of %llu packets", samples, packets);
	if (samples_count(&bench->setups[UNASKED], &lost))
		die("samples that nobody asked for");
}

static void bench_measure(struct bench *bench)
{
	for (unsigned int round = 0; round < bench->options->rounds; round++)
		for (int turn = 0; turn < VARIANTS; turn++) {
			enum variant variant = (turn + round) % VARIANTS;

			bench_alone(true);
			variant_pass(bench, variant, WARM);
			series_add(&bench->ns[variant],
				   variant_pass(bench, variant, PACKETS) * 1e9 / PACKETS);
			bench_alone(false);
		}
}

static void added_item(struct bench *bench, json_t *items, enum variant variant)
{
	struct series added = series_minus(&bench->ns[variant], &bench->ns[WITHOUT]);
	struct item item = {
		.bench = "xdp rtt, added",
		.kind = "scale",
		.unit = "ns",
		.what = variant_names[variant],
		.workload = bench->workload,
		.ours_name = variant_names[variant],
		.ours = &added,
	};

	item_add(items, &item);
}

static void prefixes_run(const struct bench_options *options, enum pt_family family, __u32 prefixes,
			 json_t *items)
{
	struct bench bench = {.options = options,
			      .workload = setup_workload(family, prefixes, options->seed)};

	flow_frame(bench.frame);
	for (int variant = 0; variant < VARIANTS; variant++)
		variant_open(&bench, variant);
	bench_measure(&bench);
	check_samples(&bench);
	added_item(&bench, items, UNASKED);
	added_item(&bench, items, ASKED);
	for (int variant = 0; variant < VARIANTS; variant++) {
		xdp_rtt__destroy(bench.instances[variant]);
		setup_close(&bench.setups[variant]);
	}
	workload_free(bench.workload);
}

int main(int argc, char **argv)
{
	struct bench_options options = {
		.program = "xdp_rtt",
		.sizes = {{1000, 100000}, {}},
		.quick_sizes = {{1000}, {}},
		.rounds = 15,
	};
	json_t *items = json_array();

	bench_start(argc, argv, &options);
	bench_each(&options, prefixes_run, items);
	items_finish(items);
	return 0;
}
