/* SPDX-License-Identifier: BSD-3-Clause */
#include "contest.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "random.h"

/* The time of this thread, without that of others which the kernel runs on its core. */
static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts them. */
static struct figure figure_of(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), double_compare);
	return (struct figure){.median = (values[count / 2] + values[(count - 1) / 2]) / 2,
			       .min = values[0],
			       .max = values[count - 1]};
}

static size_t heap_bytes(void)
{
	struct rte_malloc_socket_stats stats = {};

	rte_malloc_get_socket_stats(rte_socket_id(), &stats);
	return stats.heap_allocsz_bytes;
}

/* The floor: what reading the addresses and writing results takes by itself. */

static void floor_lookup4(void *table, const void *addrs, union results *ret_results)
{
	(void)table;
	memcpy(ret_results->narrow, addrs, sizeof(ret_results->narrow));
}

static void floor_lookup6(void *table, const void *addrs, union results *ret_results)
{
	const __u8(*addr)[16] = addrs;

	(void)table;
	for (int i = 0; i < LOOKUP_BURST; i++)
		memcpy(&ret_results->narrow[i], addr[i], 4);
}

static const struct way floors[PT_FAMILIES] = {
	[PT_IPV4] = {.name = "copy of the addresses", .lookup = floor_lookup4},
	[PT_IPV6] = {.name = "copy of the addresses", .lookup = floor_lookup6},
};

static void entrant_add(struct contest *contest, const struct contender *contender,
			const struct way *way)
{
	struct entrant *entrant = &contest->entrants[contest->entrant_count];

	if (contest->entrant_count == ENTRANTS_MAX)
		return;
	if (contender && way->select && way->select(contender->table)) {
		fprintf(stderr, "%s: %s %s: this machine cannot: left out\n",
			contest->workload->name, contender->structure->name, way->name);
		return;
	}
	*entrant = (struct entrant){.contender = contender,
				    .way = way,
				    .ns = calloc(contest->rounds, sizeof(*entrant->ns))};
	snprintf(entrant->name, sizeof(entrant->name), "%s%s%s",
		 contender ? contender->structure->name : "", contender ? " " : "", way->name);
	contest->entrant_count++;
}

static struct figure measure_changes(const struct contender *contender,
				     const struct workload *workload)
{
	struct random random = {1};
	double us[2 * CHANGES];
	int count = 0;

	if (!contender->structure->change)
		return (struct figure){};
	while (count < 2 * CHANGES) {
		__u32 rule = random_below(&random, workload->count);

		for (int present = 0; present < 2; present++) {
			__u64 start = rte_rdtsc_precise();
			int error = contender->structure->change(contender->table, workload, rule,
								 present);

			us[count++] = (rte_rdtsc_precise() - start) * 1e6 / rte_get_tsc_hz();
			if (error) {
				fprintf(stderr, "%s: %s: cannot %s a rule: %s\n", workload->name,
					contender->structure->name, present ? "add" : "delete",
					strerror(-error));
				exit(1);
			}
		}
	}
	return figure_of(us, count);
}

/*
 * The first build is left out of the figure if there are more: it pays for the pages of the heap,
 * which all later ones find there.
 */
static int contender_build(struct contender *contender, const struct structure *structure,
			   const struct workload *workload)
{
	double ms[BUILDS_MAX], start, begin = seconds_now();
	int count = 0;

	contender->structure = structure;
	do {
		size_t before;
		int error;

		if (count)
			structure->free(contender->table);
		before = heap_bytes();
		start = seconds_now();
		error = structure->build(workload, &contender->table);
		if (error)
			return error;
		ms[count++] = (seconds_now() - start) * 1e3;
		contender->bytes = heap_bytes() - before;
	} while (count < BUILDS_MAX && seconds_now() - begin < BUILDS_SECONDS);
	contender->build_ms = figure_of(ms + (count > 1), count - (count > 1));
	if (structure->bytes)
		contender->bytes = structure->bytes(contender->table);
	contender->change_us = measure_changes(contender, workload);
	return 0;
}

static const char *why_left_out(int error)
{
	return error == -ENOTSUP ? "it cannot hold this set" : strerror(-error);
}

void contest_open(struct contest *contest, const struct workload *workload,
		  const struct structure *const *structures, __u32 slow_max, unsigned int rounds)
{
	*contest = (struct contest){.workload = workload, .rounds = rounds};
	entrant_add(contest, NULL, &floors[workload->family]);
	for (; *structures && contest->contender_count < CONTENDERS_MAX; structures++) {
		const struct structure *structure = *structures;
		struct contender *contender = &contest->contenders[contest->contender_count];
		int error = 0;

		if (structure->family != workload->family)
			continue;
		if (structure->slow && workload->count > slow_max) {
			fprintf(stderr, "%s: %s would take long to build: left out\n",
				workload->name, structure->name);
			continue;
		}
		error = contender_build(contender, structure, workload);
		if (error) {
			fprintf(stderr, "%s: %s: %s: left out\n", workload->name, structure->name,
				why_left_out(error));
			continue;
		}
		contest->contender_count++;
		for (int i = 0; i < WAYS_MAX && structure->ways[i].name; i++)
			entrant_add(contest, contender, &structure->ways[i]);
	}
}

void contest_close(struct contest *contest)
{
	for (int i = 0; i < contest->entrant_count; i++)
		free(contest->entrants[i].ns);
	for (int i = 0; i < contest->contender_count; i++)
		contest->contenders[i].structure->free(contest->contenders[i].table);
	*contest = (struct contest){};
}

static void *entrant_select(const struct entrant *entrant)
{
	void *table = entrant->contender ? entrant->contender->table : NULL;

	if (entrant->way->select)
		entrant->way->select(table);
	return table;
}

static const void *stream_at(const struct stream *stream, __u32 index)
{
	return stream->family == PT_IPV4 ? (const void *)&stream->addrs4[index]
					 : (const void *)&stream->addrs6[index];
}

static int entrant_verify(const struct entrant *entrant, const struct contest *contest,
			  const struct stream *stream, const __u32 *classes)
{
	void *table = entrant_select(entrant);
	__u32 given[LOOKUP_BURST], wrong = 0;
	union results results;

	for (__u32 first = 0; first < stream->count; first += LOOKUP_BURST) {
		entrant->way->lookup(table, stream_at(stream, first), &results);
		entrant->way->classes(&results, given);
		for (__u32 i = 0; i < LOOKUP_BURST; i++) {
			workload_addr addr = stream_addr(stream, first + i);

			if (given[i] == classes[first + i])
				continue;
			if (!wrong++)
				fprintf(stderr,
					"%s: %s is wrong: %016llx%016llx is of class %u, not %u\n",
					contest->workload->name, entrant->name,
					(unsigned long long)(addr >> 64), (unsigned long long)addr,
					classes[first + i], given[i]);
		}
	}
	if (wrong)
		fprintf(stderr, "%s: %s gives %u wrong answers of %u\n", contest->workload->name,
			entrant->name, wrong, stream->count);
	return wrong ? -EBADMSG : 0;
}

int contest_verify(struct contest *contest, const struct stream *stream, const __u32 *classes)
{
	int error = 0;

	for (int i = 0; i < contest->entrant_count; i++)
		if (contest->entrants[i].way->classes &&
		    entrant_verify(&contest->entrants[i], contest, stream, classes))
			error = -EBADMSG;
	return error;
}

static void entrant_pass(const struct entrant *entrant, void *table, const struct stream *stream)
{
	size_t step = LOOKUP_BURST * (stream->family == PT_IPV4 ? 4 : 16);
	const char *addrs = stream->addrs;
	union results results;

	for (__u32 done = 0; done < stream->count; done += LOOKUP_BURST, addrs += step)
		entrant->way->lookup(table, addrs, &results);
}

static double entrant_time(const struct entrant *entrant, const struct stream *stream)
{
	void *table = entrant_select(entrant);
	double start;

	entrant_pass(entrant, table, stream);
	start = seconds_now();
	entrant_pass(entrant, table, stream);
	return (seconds_now() - start) * 1e9 / stream->count;
}

static struct figure rounds_figure(const double *ns, unsigned int rounds)
{
	double *sorted = calloc(rounds, sizeof(*sorted));
	struct figure figure;

	memcpy(sorted, ns, rounds * sizeof(*sorted));
	figure = figure_of(sorted, rounds);
	free(sorted);
	return figure;
}

void contest_run(struct contest *contest, const struct stream *stream)
{
	int count = contest->entrant_count;

	for (unsigned int round = 0; round < contest->rounds; round++)
		for (int turn = 0; turn < count; turn++) {
			struct entrant *entrant = &contest->entrants[(round + turn) % count];

			entrant->ns[round] = entrant_time(entrant, stream);
		}
	for (int i = 0; i < count; i++)
		contest->entrants[i].figure =
			rounds_figure(contest->entrants[i].ns, contest->rounds);
}

const struct entrant *contest_ours(const struct contest *contest)
{
	for (int i = contest->entrant_count - 1; i >= 0; i--) {
		const struct contender *contender = contest->entrants[i].contender;

		if (contender && contender->structure->ours)
			return &contest->entrants[i];
	}
	return NULL;
}

const struct contender *contest_our_structure(const struct contest *contest)
{
	const struct entrant *ours = contest_ours(contest);

	return ours ? ours->contender : NULL;
}

double contest_ratio(const struct contest *contest, const struct entrant *ours,
		     const struct entrant *peer)
{
	double *ratios = calloc(contest->rounds, sizeof(*ratios)), median;

	for (unsigned int round = 0; round < contest->rounds; round++)
		ratios[round] = peer->ns[round] / ours->ns[round];
	median = figure_of(ratios, contest->rounds).median;
	free(ratios);
	return median;
}
