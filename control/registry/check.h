/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules that hold between connections. Rules within one are checked where it is decoded.
 *
 * Threading: pure functions.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include "input.h"
#include "prefix_table.h"

#include <peertag/config.h>
#include <peertag/counters.h>

/* What a scrape of /metrics has, and what connections, engines and their ports add. */
#define CHECK_OWN_SERIES	13
#define CHECK_CONNECTION_SERIES 6
#define CHECK_ENGINE_SERIES	(7 + PT_CARRIERS)
#define CHECK_PORT_SERIES	(2 + 2 * PT_OUTCOMES)
#define CHECK_LATENCY_BOUNDS	31 /* of a histogram; then there are +Inf, the sum and the count */
#define CHECK_LATENCY_SERIES	(CHECK_LATENCY_BOUNDS + 3)

/* From the configuration. */
struct policy {
	bool overlap_nested; /* overlap: nested */
	bool allow_special;
	uint32_t max_connections; /* 0 = no limit, as below */
	uint32_t max_prefixes;
	uint32_t latency_slots;
	uint64_t series_limit;
	uint64_t fixed_series; /* those of a scrape that are not of connections */
};

struct policy policy_from_config(const struct pt_config *config);

struct prefix_totals {
	uint64_t ipv4;
	uint64_t ipv6;
};

struct prefix_totals check_totals(const struct connection_set *set);

/* Series that a scrape has of these connections, but for those of latency. */
uint64_t check_series(const struct connection_set *set);

/* What a set takes of what is limited. */
struct demand {
	uint64_t connections;
	uint64_t prefixes;
	uint64_t series; /* a scrape's, where all that is selected for latency is published */
	uint64_t latency_slots;
};

struct demand check_demand(const struct connection_set *set);
/* True if @after takes more of anything than @before. */
bool check_grows(const struct demand *before, const struct demand *after);

/*
 * Each adds what it finds to @errors. Prefixes that were there before are not judged again (a
 * policy that got stricter must not stand in the way of other changes), only new ones, also against
 * them.
 */
void check_names(const struct connection_set *set, struct error_list *errors);
void check_prefixes(const struct prefix_table *table, const struct policy *policy,
		    struct error_list *errors);
void check_capacity(const struct demand *demand, const struct policy *policy,
		    struct error_list *errors);
/* Explicit marks against the ids of others that have none; only where ids are known. */
void check_marks(const struct connection_set *set, struct error_list *errors);

/* A file that was read, whole: adds to its errors and sorts them by line. False without memory. */
bool check_input(struct input *input, const struct policy *policy);

/* The document of `peertag check`, after check_input(). NULL without memory. */
json_t *check_document(const struct input *input);

#endif
