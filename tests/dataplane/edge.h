/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of the DPDK engine with its state, in memory, as tests of it want one.
 * Threading: one publishes; workers as in table.h.
 */
#ifndef DATAPLANE_EDGE_H
#define DATAPLANE_EDGE_H

#include <stdbool.h>

#include "message.h"
#include "rule_set.h"
#include "state.h"
#include "table.h"

#define EDGE_CAPACITY 4096
#define EDGE_WORKERS  4

struct edge_snapshot;

struct edge {
	enum pt_config_table kind;
	struct state *state;
	struct table *table;
	struct edge_snapshot *snapshots; /* the last one that was published, and those before */
	struct message message;		 /* of the last publish that was refused */
	uint64_t generation;		 /* of the last publish */
};

/* Starts EAL with that many MiB, without hugepages; for cmocka's group setup. */
int edge_start(unsigned int mib);

/* Tests that cmocka runs once for each table: which one is their state. */
#define EDGE_TEST(test, kind)                                                                      \
	{                                                                                          \
#test "(" #kind ")", test, NULL, NULL, (void *)&edge_##kind                        \
	}
#define EDGE_TESTS(test) EDGE_TEST(test, flat), EDGE_TEST(test, lpm)
extern const enum pt_config_table edge_flat, edge_lpm;

static inline enum pt_config_table edge_kind(void **state)
{
	return *(const enum pt_config_table *)*state;
}

void edge_open(struct edge *edge, enum pt_config_table kind);
void edge_close(struct edge *edge);

/* Publishes and settles; what is refused fails the running test. */
void edge_publish(struct edge *edge, const struct rule_set *set);
/*
 * Returns what table_publish() does with a copy of the snapshot. The copy that was published before
 * reads as zeroes from then on: who still looks up in it is found out, and does not crash.
 */
int edge_try(struct edge *edge, const struct pt_snapshot *snapshot);

/* The generation that is held. */
uint64_t edge_generation(struct edge *edge);

/* The class number that a worker on `set` gets, which may be NULL; 0 for none. */
uint32_t edge_worker_class(const struct table_set *set, int family, const uint8_t *addr);

/* Every boundary of every prefix is in the class that the oracle says, for workers and control. */
void edge_judge(struct edge *edge, const struct rule_set *set);
/* The same for workers that are on `seen`, whatever is published now. */
void edge_judge_seen(const struct table_set *seen, const struct rule_set *set);

/* Bytes that EAL has given to somebody. */
uint64_t edge_heap_bytes(void);

#endif
