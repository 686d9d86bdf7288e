/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was measured in rounds, and the items for report.py that it comes to. Values of one round
 * are compared with each other before medians are taken: what disturbed a round disturbed both.
 * Threading: one thread.
 */
#ifndef PERF_XDP_ITEMS_H
#define PERF_XDP_ITEMS_H

#include <jansson.h>

#include "workload.h"

#define ROUNDS_MAX 101

struct series {
	unsigned int count;
	double values[ROUNDS_MAX];
};

void series_add(struct series *series, double value);
/* a - b, round by round. */
struct series series_minus(const struct series *a, const struct series *b);
double series_median(const struct series *series);
/* The median of a / b; 0: there is none that is above 0. */
double series_ratio(const struct series *a, const struct series *b);

struct item {
	const char *bench, *kind, *unit; /* as report.py has them */
	const char *what;		 /* behind the workload's name in the case; NULL: nothing */
	const struct workload *workload;
	const char *stream; /* NULL: none */
	int cores;
	bool more; /* is better */
	const char *ours_name;
	const struct series *ours;
	const char *peer; /* NULL: none */
	const struct series *peer_value;
};

/* Adds an item, and prints it as a line to stderr. */
void item_add(json_t *items, const struct item *item);

/* Prints the list to stdout, and frees it. */
void items_finish(json_t *items);

#endif
