/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs: sorted rules, nested as they may be, cut into intervals that follow one another and have
 * one class each. Neighbours differ in class; the first run begins at address 0.
 * Threading: pure functions.
 */
#ifndef CONTROL_TABLE_RUNS_H
#define CONTROL_TABLE_RUNS_H

#include <peertag/snapshot.h>
#include <peertag/table.h>

#include <stdint.h>

struct run4 {
	uint32_t first;
	uint32_t class;
};

struct run6 {
	struct pt_addr6 first;
	uint32_t class;
};

/*
 * Rules sorted as in a snapshot; addresses outside of all of them have `default_class`. Returns 0
 * and *ret_runs, to be freed by free(), or -ENOMEM.
 */
int runs4_new(const struct pt_rule4 *rules, uint32_t count, uint32_t default_class,
	      struct run4 **ret_runs, uint32_t *ret_count);
int runs6_new(const struct pt_rule6 *rules, uint32_t count, uint32_t default_class,
	      struct run6 **ret_runs, uint32_t *ret_count);

#endif
