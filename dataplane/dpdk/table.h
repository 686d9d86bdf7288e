/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table: what workers look up in. It is of one of two kinds. Flat: the image that control
 * compiled (include/peertag/table.h), read in the snapshot, in place. LPM: DPDK's longest prefix
 * match, one rte_lpm and one rte_lpm6 a set, filled from the snapshot's rules. Either way the class
 * descriptors are read in the snapshot.
 *
 * Publish: the new set is made beside the old one, counter indexes that get another owner are
 * zeroed, and then one pointer changes. A worker reads that pointer once a burst and uses what it
 * got for all of it; it reports a quiescent state between bursts (rte_rcu_qsbr), so that after a
 * grace period nobody is left on the old set, nor in the old snapshot. If an index that is to be
 * zeroed may still be counted on, workers see no set at all in between: unknown, never wrong.
 *
 * Of LPM the memory of the set before is kept, and the next publish changes in it what differs; so
 * there are always two sets, and a publish costs what it changes. What rte_lpm cannot hold is
 * refused before anything is touched: see wanted.h. Flat has nothing to build and no limits.
 *
 * Threading: one thread publishes and settles, table_held() and table_lookup() may run beside it;
 * workers load *table_active() between two reports of a quiescent state.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_TABLE_H
#define PEERTAG_DATAPLANE_DPDK_TABLE_H

#include <rte_rcu_qsbr.h>
#include <stdbool.h>

#include <peertag/config.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

#include "../message.h"

struct batch;
struct rte_lpm;
struct rte_lpm6;
struct state;
struct table;

/* One published set, as workers see it: constant while they can. */
struct table_set {
	const struct pt_table *image;	  /* of a flat one; NULL: what follows holds the rules */
	const struct batch *batch;	  /* how this CPU looks up in the image */
	struct rte_lpm *lpm4;		  /* NULL: no IPv4 rules */
	struct rte_lpm6 *lpm6;		  /* NULL: no IPv6 rules */
	__u32 default_class[PT_FAMILIES]; /* what no rule holds; 0: none */
	const struct pt_class *classes;	  /* class number n is classes[n - 1] */
	__u32 unmeasured;		  /* classes up to this one have no latency slot */
	bool measures;			  /* there is another one */
};

/* Returns 0 and *ret, which table_free() frees, or -errno and why. workers: at most how many. */
int table_new(struct state *state, __u32 workers, enum pt_config_table kind, struct table **ret,
	      struct message *message);
void table_free(struct table *table);

/*
 * Publishes a verified snapshot, which stays where it is until another one was published: 0 when
 * every later packet sees it; or -errno and why, and the old set stands: -E2BIG where rte_lpm
 * cannot hold it, -ENOMEM.
 */
int table_publish(struct table *table, const struct pt_snapshot *snapshot, struct message *message);

/* Gives back what the set before this one holds and the next publish has no use for. */
void table_settle(struct table *table);

/*
 * Waits until every worker that is online has passed a quiescent state, however long that takes.
 * Sleeps, does not spin.
 */
void table_grace(struct table *table);

/* Of the set that is held. Generation 0: none. table_bytes: memory of its tables. */
void table_held(struct table *table, __u64 *ret_generation, __u64 *ret_checksum,
		__u64 *ret_table_bytes);

/*
 * The class number of an address (network byte order) in the set that packets see, and the id of
 * its connection; both are 0 where it is in none.
 */
void table_lookup(struct table *table, enum pt_family family, const __u8 *addr, __u32 *ret_class,
		  __u32 *ret_connection);

/*
 * For workers. They register once with their number, are online while they run, and report a
 * quiescent state between bursts, all by rte_rcu_qsbr_*.
 */
struct rte_rcu_qsbr *table_qsbr(struct table *table);

/* Where the pointer to the set that packets see is: to be loaded (acquire) once a burst. */
struct table_set *const *table_active(const struct table *table);

#endif
