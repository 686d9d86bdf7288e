/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A folder for files of counters, and what a file says altogether, however many lanes say it.
 * Threading: none.
 */
#ifndef STATE_FIXTURE_H
#define STATE_FIXTURE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "dpdk/state.h"
#include "random.h"

/* In memory where there is such a folder, as a run directory is. */
struct place {
	char folder[64];
	char path[96];
	char temporary[96]; /* where a new file is made */
};

void place_init(struct place *place);
void place_done(struct place *place);
bool place_has_only(const struct place *place, const char *name);

/* Opens the file, which must work. */
struct state *place_open(const struct place *place, uint32_t capacity, uint32_t lane_count);
/* Opens the file, which must fail; the message must name it. */
int place_refuses(const struct place *place, uint32_t capacity, uint32_t lane_count,
		  struct message *message);

#define TOTALS_MAX 2048

/* The sums over all lanes, and what there is only once. */
struct totals {
	struct pt_connection_counters connections[TOTALS_MAX];
	struct pt_owner owners[TOTALS_MAX];
	struct pt_port_counters ports[PT_PORTS_MAX];
	char names[PT_PORTS_MAX][STATE_PORT_BYTES];
	uint64_t nic_packets[PT_PORTS_MAX];
	uint8_t registry[PT_REGISTRY_BYTES];
};

/* Of the first `count` counters. */
void totals_read(struct totals *totals, const struct state *state, uint32_t count);

/* Writes something into every word of every lane, and everywhere else. */
void state_scribble(struct state *state, struct random *random);

#endif
