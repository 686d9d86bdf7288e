/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peertag/bytes.h>

#include "state.h"
#include "table.h"
#include "xdp_items.h"

#define LATENCY_SLOTS 4096 /* as an engine has them */

static const char *program_name = "?";

void die(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	fprintf(stderr, "%s: ", program_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	exit(1);
}

#define QUICK_ROUNDS 3

static void sizes_parse(char *text, __u32 sizes[SIZES_MAX + 1])
{
	int count = 0;

	for (char *word = strtok(text, ","); word && count < SIZES_MAX; word = strtok(NULL, ","))
		sizes[count++] = strtoul(word, NULL, 10);
	sizes[count] = 0;
}

static const struct option long_options[] = {
	{"prefixes", required_argument, NULL, '4'},
	{"prefixes6", required_argument, NULL, '6'},
	{"rounds", required_argument, NULL, 'r'},
	{"seed", required_argument, NULL, 's'},
	{"cpu", required_argument, NULL, 'c'},
	{"quick", no_argument, NULL, 'q'},
	{},
};

static void option_set(struct bench_options *options, int option)
{
	switch (option) {
	case '4':
		return sizes_parse(optarg, options->sizes[PT_IPV4]);
	case '6':
		return sizes_parse(optarg, options->sizes[PT_IPV6]);
	case 'r':
		options->rounds = strtoul(optarg, NULL, 10);
		return;
	case 's':
		options->seed = strtoull(optarg, NULL, 0);
		return;
	case 'c':
		options->cpu = atoi(optarg);
		return;
	case 'q':
		return; /* was taken before the others */
	default:
		errno = 0;
		die("perf/xdp_setup.h says what the options are");
	}
}

static void options_quicken(struct bench_options *options)
{
	memcpy(options->sizes, options->quick_sizes, sizeof(options->sizes));
	options->rounds = QUICK_ROUNDS;
	options->quick = true;
}

void bench_start(int argc, char **argv, struct bench_options *options)
{
	int option;

	program_name = options->program;
	options->seed = 1;
	options->cpu = 1;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--quick"))
			options_quicken(options);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option_set(options, option);
	errno = 0;
	if (!options->rounds || options->rounds > ROUNDS_MAX)
		die("1 to %d rounds", ROUNDS_MAX);
	if (geteuid())
		die("be root");
	bench_pin(options->cpu);
}

void bench_each(const struct bench_options *options, bench_case *run, json_t *items)
{
	for (int family = 0; family < PT_FAMILIES; family++)
		for (const __u32 *size = options->sizes[family]; *size; size++)
			run(options, family, *size, items);
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot work on CPU %d", cpu);
}

void bench_alone(bool alone)
{
	const struct sched_param priority = {.sched_priority = alone};

	if (sched_setscheduler(0, alone ? SCHED_FIFO : SCHED_OTHER, &priority))
		die("cannot set the priority");
}

struct pt_snapshot *setup_snapshot(const struct workload *workload)
{
	struct pt_snapshot *snapshot;

	errno = -workload_snapshot(workload, 0, &snapshot);
	if (errno)
		die("cannot make the snapshot");
	return snapshot;
}

struct workload *setup_workload(enum pt_family family, __u32 prefixes, __u64 seed)
{
	struct workload *workload;

	errno = -workload_random(family, prefixes, workload_classes(prefixes), seed, &workload);
	if (errno)
		die("cannot make %u prefixes", prefixes);
	return workload;
}

struct stream *setup_stream(const struct workload *workload, enum stream_kind kind, __u64 seed)
{
	struct stream *stream;

	errno = -stream_new(workload, kind, stream_count(workload->family), seed, &stream);
	if (errno)
		die("cannot make the addresses");
	return stream;
}

static __u32 image_find(const struct pt_table *table, enum pt_family family, workload_addr addr)
{
	if (family == PT_IPV4)
		return pt_table_lookup4(table, addr >> 96);
	return pt_table_lookup6(table, addr >> 64, addr);
}

__u32 *setup_answers(const struct workload *workload, const struct stream *stream,
		     const struct pt_snapshot *snapshot, double *ret_hits)
{
	__u32 *answers = calloc(stream->count, sizeof(*answers));
	struct reference *reference;

	if (!answers || reference_new(workload, &reference))
		die("no memory for the answers");
	*ret_hits = reference_answer(reference, stream, answers);
	reference_free(reference);
	errno = 0;
	for (__u32 i = 0; i < stream->count; i++)
		if (image_find(pt_snapshot_table(snapshot), workload->family,
			       stream_addr(stream, i)) != answers[i])
			die("%s: the table's answer to address %u is wrong", workload->name, i);
	return answers;
}

void setup_open(struct setup *setup, const struct pt_snapshot *snapshot, bool tries)
{
	const struct state_options options = {
		.capacity = snapshot->counters,
		.table_room = state_room_for(pt_snapshot_table(snapshot)->bytes),
		.latency_slots = LATENCY_SLOTS,
		.latency_window_ms = 60000,
		.tries = tries,
	};
	struct message message;

	errno = 0;
	if (state_open(NULL, &options, &setup->state, &message) ||
	    table_new(setup->state, &setup->table, &message) ||
	    table_publish(setup->table, snapshot, &message))
		die("%s", message.text);
	setup->options = (struct pt_xdp_options){
		.capacity = options.capacity,
		.forward = PT_XDP_PASS,
		.mark_mask = ~0u,
		.tries = tries,
		.table_mask = options.table_room - 1,
		.latency_slots = options.latency_slots,
		.latency_window_ms = options.latency_window_ms,
		.latency_secret = setup->state->shared->latency_secret,
	};
}

void setup_close(struct setup *setup)
{
	table_free(setup->table);
	state_free(setup->state);
	*setup = (struct setup){};
}

void setup_share(const struct setup *setup, struct bpf_object *object)
{
	static const char *const patterns[] = {"rules4", "rules6"};
	struct bpf_map *map;
	int fd;

	for (int i = 0; i < 2; i++)
		bpf_map__set_autocreate(bpf_object__find_map_by_name(object, patterns[i]), false);
	bpf_object__for_each_map(map, object)
	{
		fd = bpf_map__is_internal(map) ? -1 : state_map(setup->state, bpf_map__name(map));
		if (fd >= 0 && bpf_map__reuse_fd(map, fd))
			die("cannot share the map %s", bpf_map__name(map));
	}
}

void stream_bytes(const struct stream *stream, __u32 index, void *to)
{
	__u32 addr_be;

	if (stream->family == PT_IPV6) {
		memcpy(to, stream->addrs6[index], sizeof(stream->addrs6[index]));
		return;
	}
	addr_be = __builtin_bswap32(stream->addrs4[index]);
	memcpy(to, &addr_be, sizeof(addr_be));
}

static void *map_memory(int fd, size_t bytes, int protection)
{
	void *memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die("cannot map a BPF map");
	return memory;
}

void *bench_map(int fd, size_t bytes)
{
	return map_memory(fd, bytes, PROT_READ | PROT_WRITE);
}

void *bench_map_read(int fd, size_t bytes)
{
	return map_memory(fd, bytes, PROT_READ);
}

void bench_unmap(void *memory, size_t bytes)
{
	munmap(memory, bytes);
}
