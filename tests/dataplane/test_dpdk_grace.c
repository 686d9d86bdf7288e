/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the DPDK engine's table does while workers are about: it changes nothing under them, zeroes
 * no counter that they may be counting on, and waits for them, asleep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "eal.h"
#include "edge.h"

#define CLASSES 40
#define WAIT_MS 200

static struct random randomness;

static int setup(void **state)
{
	(void)state;
	random_init(&randomness);
	return edge_start(1024);
}

static int teardown(void **state)
{
	(void)state;
	eal_stop();
	return 0;
}

/* A publish in a thread of its own. */
struct publish {
	struct edge *edge;
	struct pt_snapshot *snapshot;
	pthread_t thread;
	int error;
	atomic_bool done;
};

static void *publish_run(void *argument)
{
	struct publish *publish = argument;

	publish->error = edge_try(publish->edge, publish->snapshot);
	publish->done = true;
	return NULL;
}

static void publish_begin(struct publish *publish, struct edge *edge, const struct rule_set *set)
{
	*publish = (struct publish){.edge = edge,
				    .snapshot = rule_set_snapshot(set, ++edge->generation)};
	assert_int_equal(pthread_create(&publish->thread, NULL, publish_run, publish), 0);
}

/* This thread is worker 0: as one that is busy with a burst, until worker_passes(). */
static void worker_begin(struct edge *edge)
{
	rte_rcu_qsbr_thread_register(table_qsbr(edge->table), 0);
	rte_rcu_qsbr_thread_online(table_qsbr(edge->table), 0);
}

static void worker_end(struct edge *edge)
{
	rte_rcu_qsbr_thread_offline(table_qsbr(edge->table), 0);
	rte_rcu_qsbr_thread_unregister(table_qsbr(edge->table), 0);
}

static void worker_passes(struct edge *edge)
{
	rte_rcu_qsbr_quiescent(table_qsbr(edge->table), 0);
}

/* Lets it come to an end; the worker passes from burst to burst meanwhile. */
static void publish_end(struct publish *publish)
{
	while (!publish->done) {
		worker_passes(publish->edge);
		usleep(100);
	}
	pthread_join(publish->thread, NULL);
	assert_int_equal(publish->error, 0);
	assert_int_equal(edge_generation(publish->edge), publish->edge->generation);
	table_settle(publish->edge->table);
	free(publish->snapshot);
}

/* Until workers see something else than `before`; fails the test where that does not come. */
static const struct table_set *wait_for_another(struct edge *edge, const struct table_set *before)
{
	const struct table_set *set;

	for (int i = 0; i < 5000; i++) {
		set = __atomic_load_n(table_active(edge->table), __ATOMIC_ACQUIRE);
		if (set != before)
			return set;
		usleep(1000);
	}
	fail_msg("workers do not get to see what is published");
	return NULL;
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* A class for each of the counters from `first` to `last`, and an address that is in it. */
static void set_of(struct rule_set *ret, uint32_t first, uint32_t last)
{
	uint8_t addr[16] = {198, 51, 100, 0};

	memset(ret, 0, sizeof(*ret));
	rule_set_describe(ret, last - first + 1);
	for (uint32_t counter = first; counter <= last; counter++) {
		uint32_t class = counter - first + 1;

		ret->classes[class - 1].counter = counter;
		addr[3] = counter;
		rule_set_add(ret, 4, addr, 32, class);
	}
	rule_set_sort(ret);
}

/* As if the index had been counted on for a connection that no set of ours has. */
static void give_to_another(struct edge *edge, uint32_t counter)
{
	edge->state->owners.owners[counter].connection = 7;
}

static void count_on(struct edge *edge, uint32_t counter)
{
	for (uint32_t lane = 0; lane < EDGE_WORKERS; lane++)
		pt_count_connection(state_lane(edge->state, lane), EDGE_CAPACITY, counter,
				    PT_RECEIVE, 1, 100);
}

static uint64_t counted(const struct edge *edge, uint32_t counter)
{
	struct pt_counters counters = state_counters(edge->state);
	struct pt_connection_counters sum = {};

	pt_counters_connection(&counters, counter, &sum);
	return sum.direction[PT_RECEIVE].packets;
}

static void nobody_is_waited_for_who_is_not_online(void **state)
{
	struct rule_set set;
	struct edge edge;
	double start;

	set_of(&set, 0, 0);
	edge_open(&edge, edge_kind(state));
	edge_publish(&edge, &set);
	edge_publish(&edge, &set);
	worker_begin(&edge);
	rte_rcu_qsbr_thread_offline(table_qsbr(edge.table), 0);
	start = seconds(CLOCK_MONOTONIC);
	for (int i = 0; i < 100; i++)
		table_grace(edge.table);
	assert_true(seconds(CLOCK_MONOTONIC) - start < 0.1);
	worker_end(&edge);
	edge_close(&edge);
	rule_set_done(&set);
}

/* The set that it is on stays as it is; others see the new one; and the wait costs no CPU. */
static void a_stuck_worker_holds_the_publish_up_and_nothing_else(void **state)
{
	struct rule_set sets[3];
	const struct table_set *before;
	struct publish publish;
	uint32_t class, connection;
	struct edge edge;
	clockid_t clock;
	double cpu;

	for (int i = 0; i < 3; i++)
		rule_set_random(&sets[i], &randomness, 100, CLASSES);
	edge_open(&edge, edge_kind(state));
	edge_publish(&edge, &sets[0]);
	edge_publish(&edge, &sets[1]);
	worker_begin(&edge);
	before = *table_active(edge.table);
	publish_begin(&publish, &edge, &sets[2]);
	assert_non_null(wait_for_another(&edge, before));
	pthread_getcpuclockid(publish.thread, &clock);
	cpu = seconds(clock);
	usleep(WAIT_MS * 1000);
	assert_true(seconds(clock) - cpu < WAIT_MS / 1000.0 / 10);
	assert_false(publish.done);
	assert_int_equal(edge_generation(&edge), 0);
	table_lookup(edge.table, PT_IPV4, sets[2].rules[0].addr, &class, &connection);
	assert_true(class && connection);
	edge_judge_seen(before, &sets[1]);
	publish_end(&publish);
	worker_end(&edge);
	edge_judge(&edge, &sets[2]);
	edge_close(&edge);
	for (int i = 0; i < 3; i++)
		rule_set_done(&sets[i]);
}

/* Index 0 gets another owner, and index 1 keeps its own. */
static void an_index_changes_hands_while_workers_see_no_set(void **state)
{
	const struct table_set *before;
	struct publish publish;
	struct rule_set set;
	struct edge edge;

	set_of(&set, 0, 1);
	edge_open(&edge, edge_kind(state));
	edge_publish(&edge, &set);
	give_to_another(&edge, 0);
	worker_begin(&edge);
	before = *table_active(edge.table);
	publish_begin(&publish, &edge, &set);
	assert_null(wait_for_another(&edge, before));
	usleep(10000);
	/* Still on the old set, and counting. */
	count_on(&edge, 0);
	count_on(&edge, 1);
	usleep(10000);
	assert_null(*table_active(edge.table));
	assert_int_equal(counted(&edge, 0), EDGE_WORKERS);
	edge_judge_seen(before, &set);
	publish_end(&publish);
	assert_int_equal(counted(&edge, 0), 0);
	assert_int_equal(counted(&edge, 1), EDGE_WORKERS);
	edge_judge(&edge, &set);
	worker_end(&edge);
	edge_close(&edge);
	rule_set_done(&set);
}

/* Given up, an index may be counted on until no worker is left; then another may have it at once.
 */
static void an_index_that_was_given_up_is_taken_without_a_gap(void **state)
{
	struct rule_set sets[3];
	const struct table_set *before;
	struct publish publish;
	struct edge edge;

	set_of(&sets[0], 0, 1);
	set_of(&sets[1], 1, 1);
	set_of(&sets[2], 0, 1);
	edge_open(&edge, edge_kind(state));
	edge_publish(&edge, &sets[0]);
	give_to_another(&edge, 0);
	count_on(&edge, 0);
	worker_begin(&edge);
	for (int i = 1; i < 3; i++) {
		before = *table_active(edge.table);
		publish_begin(&publish, &edge, &sets[i]);
		assert_non_null(wait_for_another(&edge, before));
		assert_int_equal(edge.state->owners.owners[0].in_use, 1);
		publish_end(&publish);
		assert_int_equal(edge.state->owners.owners[0].in_use, i == 2);
		assert_int_equal(counted(&edge, 0), i == 2 ? 0 : EDGE_WORKERS);
		edge_judge(&edge, &sets[i]);
	}
	worker_end(&edge);
	edge_close(&edge);
	for (int i = 0; i < 3; i++)
		rule_set_done(&sets[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TESTS(nobody_is_waited_for_who_is_not_online),
		EDGE_TESTS(a_stuck_worker_holds_the_publish_up_and_nothing_else),
		EDGE_TESTS(an_index_changes_hands_while_workers_see_no_set),
		EDGE_TESTS(an_index_that_was_given_up_is_taken_without_a_gap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
