/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmarks of XDP have in common: options, and the engine's own maps with a workload
 * published into them, as peertag-xdp has them but pinned nowhere. What cannot be made ends the
 * program. Threading: one thread.
 *
 *     --prefixes N,N,...    sizes of IPv4 sets; 0: none
 *     --prefixes6 N,N,...   sizes of IPv6 sets
 *     --rounds N
 *     --seed N
 *     --cpu N               the CPU that works (1)
 *     --quick               small sets and few rounds: to see that it runs
 */
#ifndef PERF_XDP_SETUP_H
#define PERF_XDP_SETUP_H

#include <jansson.h>

#include <peertag/snapshot.h>
#include <peertag/xdp.h>

#include "workload.h"

struct bpf_object;
struct state;
struct table;

#define SIZES_MAX 16

struct bench_options {
	const char *program;
	__u32 sizes[PT_FAMILIES][SIZES_MAX + 1]; /* up to a 0 */
	__u32 quick_sizes[PT_FAMILIES][SIZES_MAX + 1];
	unsigned int rounds;
	__u64 seed;
	int cpu;
	bool quick;
};

/* `options` holds the program, the sizes and the rounds, unless told. Pins to the CPU. */
void bench_start(int argc, char **argv, struct bench_options *options);

/* All cases by size, of each family. */
typedef void bench_case(const struct bench_options *options, enum pt_family family, __u32 prefixes,
			json_t *items);
void bench_each(const struct bench_options *options, bench_case *run, json_t *items);

void bench_pin(int cpu);
/* While something is timed: no other process is let onto the CPU of this thread. */
void bench_alone(bool alone);

/* Prints printf's words and errno's, and exits. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Each class has a counter, a mark, a VLAN and a DSCP. To be freed by free(). */
struct pt_snapshot *setup_snapshot(const struct workload *workload);
/* A random set with as many classes as such sets have. */
struct workload *setup_workload(enum pt_family family, __u32 prefixes, __u64 seed);
struct stream *setup_stream(const struct workload *workload, enum stream_kind kind, __u64 seed);
/* The class of each address of a stream; dies where the published table and the reference differ.
 */
__u32 *setup_answers(const struct workload *workload, const struct stream *stream,
		     const struct pt_snapshot *snapshot, double *ret_hits);

/* The maps, and how an instance of programs is told of them. */
struct setup {
	struct state *state;
	struct table *table;
	struct pt_xdp_options options; /* no carriers, forward: pass */
};

/* With as many counters as the snapshot has. tries: packets look up in the kernel's. */
void setup_open(struct setup *setup, const struct pt_snapshot *snapshot, bool tries);
void setup_close(struct setup *setup);

/* Gives an object that is not loaded the maps of the setup, where it has some of their names. */
void setup_share(const struct setup *setup, struct bpf_object *object);

/* An address as it is in a packet, 4 or 16 bytes. */
void stream_bytes(const struct stream *stream, __u32 index, void *to);

/* Maps the elements of an mmapable array; the second for reading, where the kernel allows no more.
 */
void *bench_map(int fd, size_t bytes);
void *bench_map_read(int fd, size_t bytes);
void bench_unmap(void *memory, size_t bytes);

#endif
