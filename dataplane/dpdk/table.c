/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "batch.h"
#include "rules.h"
#include "state.h"
#include "table.h"

#define GRACE_MIN_NS 20000
#define GRACE_MAX_NS 1000000

struct set {
	struct table_set seen;		  /* by workers */
	struct rules *rules[PT_FAMILIES]; /* of LPM */
	const __u32 *connections;	  /* by class number, as the classes are */
	__u64 generation;
	__u64 checksum;
};

struct table {
	struct table_set *active;		 /* workers load it, the publishing thread stores */
	struct state *state __rte_cache_aligned; /* what workers load has its line to itself */
	enum pt_config_table kind;
	struct rte_rcu_qsbr *qsbr;
	struct set sets[2];
	/* Guards what follows against table_lookup() and table_held(), and what `looked_up` has. */
	pthread_mutex_t lock;
	struct set *looked_up; /* what `active` is of; NULL: none */
	struct set *held;      /* what every packet sees; NULL while that changes */
};

static int table_new_qsbr(struct table *table, __u32 workers)
{
	__u32 threads = workers ? workers : 1;

	table->qsbr =
		rte_zmalloc("peertag-qsbr", rte_rcu_qsbr_get_memsize(threads), RTE_CACHE_LINE_SIZE);
	return table->qsbr ? rte_rcu_qsbr_init(table->qsbr, threads) : -ENOMEM;
}

int table_new(struct state *state, __u32 workers, enum pt_config_table kind, struct table **ret,
	      struct message *message)
{
	struct table *table = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*table));

	if (!table)
		return message_set(message, -ENOMEM, "out of memory");
	memset(table, 0, sizeof(*table));
	table->state = state;
	table->kind = kind;
	pthread_mutex_init(&table->lock, NULL);
	if (table_new_qsbr(table, workers)) {
		table_free(table);
		return message_set(message, -ENOMEM, "no memory of DPDK for %u workers' state",
				   workers);
	}
	*ret = table;
	return 0;
}

static void set_drop_rules(struct set *set, enum pt_family family)
{
	rules_free(set->rules[family]);
	set->rules[family] = NULL;
}

static void set_drop(struct set *set)
{
	set_drop_rules(set, PT_IPV4);
	set_drop_rules(set, PT_IPV6);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	set_drop(&table->sets[0]);
	set_drop(&table->sets[1]);
	rte_free(table->qsbr);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* The one that no worker sees, nor will before it is published. */
static struct set *table_spare(struct table *table)
{
	return table->looked_up == &table->sets[0] ? &table->sets[1] : &table->sets[0];
}

/* What cannot be held is refused before anything is touched. */
static int set_want(struct wanted wanted[PT_FAMILIES], const struct pt_snapshot *snapshot,
		    struct message *message)
{
	int error = wanted_init(&wanted[PT_IPV4], snapshot, PT_IPV4, message);

	return error ? error : wanted_init(&wanted[PT_IPV6], snapshot, PT_IPV6, message);
}

/* Of a set that could not be filled, nothing is left. */
static int set_fill(struct set *set, struct wanted wanted[PT_FAMILIES], struct message *message)
{
	int error = rules_fill(&set->rules[PT_IPV4], &wanted[PT_IPV4], message);

	if (!error)
		error = rules_fill(&set->rules[PT_IPV6], &wanted[PT_IPV6], message);
	if (error)
		set_drop(set);
	return error;
}

static int set_take_rules(struct set *set, const struct pt_snapshot *snapshot,
			  struct message *message)
{
	struct wanted wanted[PT_FAMILIES] = {};
	int error = set_want(wanted, snapshot, message);

	if (!error)
		error = set_fill(set, wanted, message);
	wanted_done(&wanted[PT_IPV4]);
	wanted_done(&wanted[PT_IPV6]);
	return error;
}

static void set_describe(struct set *set, const struct pt_snapshot *snapshot)
{
	set->generation = snapshot->generation;
	set->checksum = snapshot->checksum;
	set->connections = pt_snapshot_connections(snapshot);
	set->seen = (struct table_set){
		.classes = pt_snapshot_classes(snapshot),
		.unmeasured = pt_snapshot_table(snapshot)->unmeasured,
		.measures = snapshot->latency_slots > 0,
	};
	memcpy(set->seen.default_class, snapshot->default_class, sizeof(set->seen.default_class));
}

static int set_take_lpm(struct set *set, const struct pt_snapshot *snapshot,
			struct message *message)
{
	int error = set_take_rules(set, snapshot, message);

	if (error)
		return error;
	set_describe(set, snapshot);
	if (set->rules[PT_IPV4])
		set->seen.lpm4 = set->rules[PT_IPV4]->lpm4;
	if (set->rules[PT_IPV6])
		set->seen.lpm6 = set->rules[PT_IPV6]->lpm6;
	return 0;
}

static void set_take_flat(struct set *set, const struct pt_snapshot *snapshot)
{
	set_describe(set, snapshot);
	set->seen.image = pt_snapshot_table(snapshot);
	set->seen.batch = batch_best();
}

static int table_take(const struct table *table, struct set *set,
		      const struct pt_snapshot *snapshot, struct message *message)
{
	if (table->kind == PT_TABLE_LPM)
		return set_take_lpm(set, snapshot, message);
	set_take_flat(set, snapshot);
	return 0;
}

void table_grace(struct table *table)
{
	struct timespec pause = {.tv_nsec = GRACE_MIN_NS};
	uint64_t token = rte_rcu_qsbr_start(table->qsbr);

	/* A worker that is not online yet will load the pointer after this. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (!rte_rcu_qsbr_check(table->qsbr, token, false)) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < GRACE_MAX_NS)
			pause.tv_nsec = RTE_MIN(pause.tv_nsec * 2, GRACE_MAX_NS);
	}
}

static void table_hold(struct table *table, struct set *set)
{
	pthread_mutex_lock(&table->lock);
	table->held = set;
	pthread_mutex_unlock(&table->lock);
}

/* Shows packets another set, or none, and returns when none of them sees the one before. */
static void table_swap(struct table *table, struct set *set)
{
	pthread_mutex_lock(&table->lock);
	table->looked_up = set;
	pthread_mutex_unlock(&table->lock);
	__atomic_store_n(&table->active, set ? &set->seen : NULL, __ATOMIC_RELEASE);
	table_grace(table);
}

static void table_flip(struct table *table, struct set *set, const struct pt_snapshot *snapshot)
{
	const struct owners *owners = &table->state->owners;

	table_hold(table, NULL);
	if (owners_conflict(owners, snapshot))
		table_swap(table, NULL);
	owners_take(owners, snapshot);
	table_swap(table, set);
	table_hold(table, set);
}

int table_publish(struct table *table, const struct pt_snapshot *snapshot, struct message *message)
{
	struct set *set = table_spare(table);
	bool *mark = calloc(table->state->owners.capacity + 1, sizeof(*mark));
	int error;

	if (!mark)
		return message_set(message, -ENOMEM, "out of memory");
	error = table_take(table, set, snapshot, message);
	if (!error) {
		table_flip(table, set, snapshot);
		owners_release(&table->state->owners, snapshot, mark);
	}
	free(mark);
	return error;
}

/* Rules are kept for the next publish to fill, if that may have any of their family. */
void table_settle(struct table *table)
{
	struct set *spare = table_spare(table);

	for (int family = 0; table->looked_up && family < PT_FAMILIES; family++)
		if (!table->looked_up->rules[family])
			set_drop_rules(spare, family);
}

static __u64 set_bytes(const struct set *set)
{
	if (set->seen.image)
		return set->seen.image->bytes;
	return rules_bytes(set->rules[PT_IPV4]) + rules_bytes(set->rules[PT_IPV6]);
}

void table_held(struct table *table, __u64 *ret_generation, __u64 *ret_checksum,
		__u64 *ret_table_bytes)
{
	const struct set *held;

	pthread_mutex_lock(&table->lock);
	held = table->held;
	*ret_generation = held ? held->generation : 0;
	*ret_checksum = held ? held->checksum : 0;
	*ret_table_bytes = held ? set_bytes(held) : 0;
	pthread_mutex_unlock(&table->lock);
}

static __u32 set_lookup(const struct set *set, enum pt_family family, const __u8 *addr)
{
	__u32 class;

	if (set->seen.image)
		return pt_table_lookup(set->seen.image, family, addr);
	class = rules_lookup(set->rules[family], addr);
	return class ? class : set->seen.default_class[family];
}

void table_lookup(struct table *table, enum pt_family family, const __u8 *addr, __u32 *ret_class,
		  __u32 *ret_connection)
{
	const struct set *set;
	__u32 class;

	/* Under the lock: what is seen now is not changed before we are done. */
	pthread_mutex_lock(&table->lock);
	set = table->looked_up;
	class = set ? set_lookup(set, family, addr) : 0;
	*ret_connection = class ? set->connections[class - 1] : 0;
	*ret_class = class;
	pthread_mutex_unlock(&table->lock);
}

struct rte_rcu_qsbr *table_qsbr(struct table *table)
{
	return table->qsbr;
}

struct table_set *const *table_active(const struct table *table)
{
	return &table->active;
}
