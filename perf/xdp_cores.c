/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_cores.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <peertag/xdp.h>

#include "program.h"
#include "skeleton.h"
#include "xdp_frame.h"
#include "xdp_items.h"
#include "xdp_live.skel.h"
#include "xdp_setup.h"
#include "xdp_veth.h"
#include "xdp_wire.h"

#define CORES_MAX 2

/* One generator and one receiver on each CPU, with a pair of their own. */
struct core {
	int cpu, pair;
	__u32 frames;
	const struct frame_bytes *frame;
	struct xdp_live *generator;
	struct peertag *programs;
	int link;
	pthread_barrier_t *barrier;
};

static void *core_run(void *argument)
{
	const struct core *core = argument;

	bench_pin(core->cpu);
	bench_alone(true);
	pthread_barrier_wait(core->barrier);
	wire_generate(core->generator, core->frame, core->pair, core->frames);
	return NULL;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

/* Returns millions of frames a second. */
static double cores_pass(struct core *cores, int count)
{
	pthread_t threads[CORES_MAX];
	pthread_barrier_t barrier;
	double start;

	pthread_barrier_init(&barrier, NULL, count + 1);
	veth_enter(VETH_GENERATOR);
	for (int i = 0; i < count; i++) {
		cores[i].barrier = &barrier;
		errno = pthread_create(&threads[i], NULL, core_run, &cores[i]);
		if (errno)
			die("cannot make a thread");
	}
	bench_alone(true); /* or the clock would start late */
	pthread_barrier_wait(&barrier);
	start = seconds_now();
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	start = seconds_now() - start;
	bench_alone(false);
	pthread_barrier_destroy(&barrier);
	return count * (double)cores[0].frames / start * 1e-6;
}

static void core_open(struct core *core, const struct cores_bench *bench, int i,
		      const struct stream *stream)
{
	*core = (struct core){.cpu = (bench->options->cpu + i) % sysconf(_SC_NPROCESSORS_ONLN),
			      .pair = bench->first_pair + i,
			      .frames = bench->frames,
			      .frame = bench->frame,
			      .generator = wire_generator(),
			      .programs = wire_programs(bench->setup, 1 + i)};
	veth_make(core->pair);
	core->link = wire_attach(program_fd(core->programs, PROGRAM_XDP), core->pair);
	frame_stream_put(bpf_map__fd(core->generator->maps.addrs), stream);
}

static void core_close(struct core *core)
{
	close(core->link);
	peertag__destroy(core->programs);
	xdp_live__destroy(core->generator);
	veth_remove(core->pair);
}

/* On as many CPUs as there are, up to two: each pair is one more sender and receiver. */
void cores_measure(const struct cores_bench *bench, json_t *items)
{
	int most = sysconf(_SC_NPROCESSORS_ONLN) < CORES_MAX ? 1 : CORES_MAX;
	struct stream *stream = setup_stream(bench->workload, STREAM_ZIPF, bench->options->seed);
	struct series rates[CORES_MAX] = {};
	struct core cores[CORES_MAX];

	for (int i = 0; i < most; i++)
		core_open(&cores[i], bench, i, stream);
	for (unsigned int round = 0; round < bench->options->rounds; round++)
		for (int count = 1; count <= most; count++)
			series_add(&rates[count - 1], cores_pass(cores, count));
	for (int count = 1; count <= most; count++) {
		struct item item = {
			.bench = "xdp live, cores",
			.kind = "scale",
			.unit = "million frames/s",
			.more = true,
			.what = count == 1 ? "1 core" : "2 cores",
			.workload = bench->workload,
			.stream = stream_name(STREAM_ZIPF),
			.cores = count,
			.ours_name = "table",
			.ours = &rates[count - 1],
		};

		item_add(items, &item);
	}
	for (int i = 0; i < most; i++)
		core_close(&cores[i]);
	stream_free(stream);
}
