/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One sweep over the sorted rules. A stack holds the rules that are open, each inside the one
 * before; where one ends, the run of the one outside goes on. Addresses of either family are
 * 128-bit numbers here, so that the sweep is written once.
 */
#include "runs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define NESTED_MAX 130 /* the default, and a rule of each length */

typedef unsigned __int128 number;

struct open_rule {
	number last;
	uint32_t class;
};

/* One of the two arrays of runs is there. */
struct sweep {
	struct run4 *runs4;
	struct run6 *runs6;
	uint32_t count;
	struct open_rule open[NESTED_MAX];
	int depth;
};

static bool run_is(const struct sweep *sweep, uint32_t run, number first)
{
	if (sweep->runs4)
		return sweep->runs4[run].first == first;
	return sweep->runs6[run].first.high == (uint64_t)(first >> 64) &&
	       sweep->runs6[run].first.low == (uint64_t)first;
}

static uint32_t run_class(const struct sweep *sweep, uint32_t run)
{
	return sweep->runs4 ? sweep->runs4[run].class : sweep->runs6[run].class;
}

/* From `first` on it is `class`, whatever was said of the addresses from there on before. */
static void sweep_emit(struct sweep *sweep, number first, uint32_t class)
{
	if (sweep->count && run_is(sweep, sweep->count - 1, first))
		sweep->count--;
	if (sweep->count && run_class(sweep, sweep->count - 1) == class)
		return;
	if (sweep->runs4)
		sweep->runs4[sweep->count++] = (struct run4){(uint32_t)first, class};
	else
		sweep->runs6[sweep->count++] =
			(struct run6){{(uint64_t)(first >> 64), (uint64_t)first}, class};
}

/* Closes what ends before `first`. */
static void sweep_close(struct sweep *sweep, number first)
{
	while (sweep->depth > 1 && sweep->open[sweep->depth - 1].last < first) {
		number behind = sweep->open[--sweep->depth].last + 1;

		sweep_emit(sweep, behind, sweep->open[sweep->depth - 1].class);
	}
}

static void sweep_open(struct sweep *sweep, number first, number last, uint32_t class)
{
	sweep_close(sweep, first);
	sweep_emit(sweep, first, class);
	sweep->open[sweep->depth++] = (struct open_rule){last, class};
}

/* What is open to the end of all addresses is not closed: nothing lies behind it. */
static void sweep_end(struct sweep *sweep, number max)
{
	while (sweep->depth > 1 && sweep->open[sweep->depth - 1].last < max)
		sweep_close(sweep, sweep->open[sweep->depth - 1].last + 1);
}

/* A rule begins at most two runs: its own, and the one behind it. */
static size_t runs_max(uint32_t rules)
{
	return 2 * (size_t)rules + 1;
}

int runs4_new(const struct pt_rule4 *rules, uint32_t count, uint32_t default_class,
	      struct run4 **ret_runs, uint32_t *ret_count)
{
	struct sweep sweep = {.runs4 = malloc(runs_max(count) * sizeof(*sweep.runs4))};

	if (!sweep.runs4)
		return -ENOMEM;
	sweep_open(&sweep, 0, UINT32_MAX, default_class);
	for (uint32_t i = 0; i < count; i++)
		sweep_open(&sweep, rules[i].addr,
			   rules[i].addr + ((1ull << (32 - rules[i].len)) - 1), rules[i].class);
	sweep_end(&sweep, UINT32_MAX);
	*ret_runs = sweep.runs4;
	*ret_count = sweep.count;
	return 0;
}

static number rule6_first(const struct pt_rule6 *rule)
{
	number first = 0;

	for (int i = 0; i < 16; i++)
		first = first << 8 | rule->addr[i];
	return first;
}

int runs6_new(const struct pt_rule6 *rules, uint32_t count, uint32_t default_class,
	      struct run6 **ret_runs, uint32_t *ret_count)
{
	struct sweep sweep = {.runs6 = malloc(runs_max(count) * sizeof(*sweep.runs6))};
	number max = ~(number)0, first;

	if (!sweep.runs6)
		return -ENOMEM;
	sweep_open(&sweep, 0, max, default_class);
	for (uint32_t i = 0; i < count; i++) {
		first = rule6_first(&rules[i]);
		sweep_open(&sweep, first, first + (max >> (rules[i].len - 1) >> 1), rules[i].class);
	}
	sweep_end(&sweep, max);
	*ret_runs = sweep.runs6;
	*ret_count = sweep.count;
	return 0;
}
