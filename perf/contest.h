/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Structures that hold the same workload, and take turns: in each round every way to look up goes
 * once over the whole stream, after a pass that is not timed, so that all of them meet the same
 * noise and find in the caches what they would find if they were alone. Before that their answers
 * are compared with the reference. Threading: one thread, which is an lcore of DPDK.
 */
#ifndef PERF_CONTEST_H
#define PERF_CONTEST_H

#include "structure.h"

#define CONTENDERS_MAX 8
#define ENTRANTS_MAX   24
#define CHANGES	       500 /* rules that are taken out and put back */
#define BUILDS_MAX     6
#define BUILDS_SECONDS 1 /* after which a structure is not built once more */

/* What was measured several times. */
struct figure {
	double median, min, max;
};

/* A structure that is built. */
struct contender {
	const struct structure *structure;
	void *table;
	double bytes;
	struct figure build_ms, change_us;
};

/* A way to look up. */
struct entrant {
	const struct contender *contender; /* NULL: the floor, which reads and writes only */
	const struct way *way;
	char name[48];
	double *ns; /* a lookup, by round */
	struct figure figure;
};

struct contest {
	const struct workload *workload;
	unsigned int rounds;
	int contender_count, entrant_count;
	struct contender contenders[CONTENDERS_MAX];
	struct entrant entrants[ENTRANTS_MAX];
};

/*
 * Builds all of `structures`, up to a NULL, that are of the workload's family; slow ones only for
 * up to `slow_max` rules. What cannot be built is left out, and said on stderr.
 */
void contest_open(struct contest *contest, const struct workload *workload,
		  const struct structure *const *structures, __u32 slow_max, unsigned int rounds);
void contest_close(struct contest *contest);

/* 0, or -EBADMSG if one gives a wrong answer, which is told on stderr. */
int contest_verify(struct contest *contest, const struct stream *stream, const __u32 *classes);
void contest_run(struct contest *contest, const struct stream *stream);

/* The entrant of ours that is compared: the last. NULL: there is none. */
const struct entrant *contest_ours(const struct contest *contest);
const struct contender *contest_our_structure(const struct contest *contest);
/* The median of the ratios of each round: above 1, `ours` is faster. */
double contest_ratio(const struct contest *contest, const struct entrant *ours,
		     const struct entrant *peer);

#endif
