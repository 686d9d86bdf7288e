/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `peertag top` knows: the rates between the latest two samples of the daemon's counters, and
 * for every row without traffic the reason.
 *
 * A counter that falls to 0 is an engine that is away: it is expected back, so what it counted
 * before stays the base of the next rate. Threading: one thread at a time.
 */
#ifndef CONTROL_TOP_SAMPLE_H
#define CONTROL_TOP_SAMPLE_H

#include "client.h"

#include <peertag/types.h>

struct top_rate {
	uint64_t packets; /* counted, as of the base */
	uint64_t bytes;
	double packets_s;
	double bits_s;
};

struct top_row {
	char *name;
	char *partner;
	char place[8]; /* "US/WA" */
	size_t prefixes;
	struct top_rate rate[PT_DIRECTIONS];
	double seen_s;	 /* when it last had traffic; 0: not since top runs */
	unsigned sample; /* the latest sample that it was in */
};

struct top_engine {
	char name[33];
	char table[16];
	bool up;
	uint64_t generation;
	uint64_t desired_generation;
	char ports[128]; /* "eth0 native, eth1 generic" */
};

#define TOP_ENGINES_MAX 16

struct top {
	struct client *client;
	struct top_row **rows; /* by traffic, the most first */
	size_t row_count;
	json_t *index;	     /* name -> row */
	json_t *connections; /* name -> what the registry says, as of `revision` */
	unsigned sample;     /* number of the latest, from 1 */
	double time_s;	     /* of the latest, monotonic */
	double interval_s;   /* between the latest two; 0: there is only one */

	char version[32];
	char site[132];
	uint64_t revision;
	bool ready;
	struct top_engine engines[TOP_ENGINES_MAX];
	size_t engine_count;
	size_t port_count;
	struct top_rate received; /* all ports */
	struct top_rate sent;

	bool reachable;
	char trouble[640]; /* why it is not */
	double lost_s;	   /* since when */
};

/* Takes over `client`. False: no memory. */
bool top_init(struct top *top, struct client *client);
void top_done(struct top *top);

/* Asks the daemon. False: it did not answer, top->trouble says so, and the rates are 0. */
bool top_take_sample(struct top *top);

/*
 * The rate since the base, `seconds` ago, and the new base. 0 seconds: there was none. Less than
 * the base is a counter that began anew, and 0 one that is away: both give no rate.
 */
void top_rate_update(struct top_rate *rate, uint64_t packets, uint64_t bytes, double seconds);

/* Why the row has no traffic now; "" if it has, or if nobody can know yet. */
const char *top_reason(const struct top *top, const struct top_row *row);

/* Monotonic time in seconds. */
double top_now(void);

#endif
