/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers beside publishes, as workers that are interrupted within a burst: what a burst gets from
 * the DPDK engine's table, of either kind, classes and their descriptors, is of one set.
 *
 * With the seeded bug (SEEDED: no grace period) wrong classes must be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "eal.h"
#include "edge.h"
#include "oracle.h"

#define CLASSES	  40
#define SETS	  3
#define READERS	  2
#define PUBLISHES 400 /* of each table */
#define BURST	  32
#define QUESTIONS 8192 /* at most */

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

/* What readers ask, and what each set says of it. */
struct questions {
	size_t count;
	uint8_t family[QUESTIONS];
	uint8_t addr[QUESTIONS][16];
	uint32_t class[SETS][QUESTIONS];
};

struct reader {
	struct edge *edge;
	const struct questions *questions;
	const struct rule_set *sets;
	uint32_t number;
	pthread_t thread;
	uint64_t seen[SETS];
	uint64_t wrong;
};

static atomic_bool stop;

/* Of every set, this address is in the class that has the set's number. */
static const uint8_t sign[16] = {192, 0, 2, 1};

static void set_with_sign(struct rule_set *ret, uint32_t number)
{
	uint8_t addr[16];

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < 300; i++) {
		random_fill(&randomness, addr, sizeof(addr));
		addr[0] = addr[1] = addr[2] = 0;
		rule_set_add(ret, 4, addr, 24 + random_below(&randomness, 9),
			     1 + random_below(&randomness, CLASSES));
		rule_set_add(ret, 6, addr, 24 + random_below(&randomness, 60),
			     1 + random_below(&randomness, CLASSES));
	}
	rule_set_add(ret, 4, sign, 32, number + 1);
	rule_set_sort(ret);
	rule_set_describe(ret, CLASSES);
}

static void questions_add(struct questions *questions, const struct rule_set *set, int family)
{
	struct boundaries boundaries;

	boundaries_init(&boundaries, set, family);
	for (size_t i = 0; i < boundaries.count && questions->count < QUESTIONS; i++) {
		questions->family[questions->count] = family;
		memcpy(questions->addr[questions->count++], boundaries.addrs[i], 16);
	}
	boundaries_done(&boundaries);
}

static struct questions *questions_new(const struct rule_set *sets)
{
	struct questions *questions = calloc(1, sizeof(*questions));
	struct oracle_table *oracle;

	assert_non_null(questions);
	for (int k = 0; k < SETS; k++) {
		questions_add(questions, &sets[k], 4);
		questions_add(questions, &sets[k], 6);
	}
	for (int k = 0; k < SETS; k++) {
		oracle = rule_set_oracle(&sets[k]);
		for (size_t i = 0; i < questions->count; i++)
			questions->class[k][i] = oracle_table_lookup(oracle, questions->family[i],
								     questions->addr[i]);
		oracle_table_free(oracle);
	}
	return questions;
}

static bool is_wrong(const struct reader *reader, const struct table_set *set, uint32_t k, size_t i)
{
	uint32_t expected = reader->questions->class[k][i];
	uint32_t class =
		edge_worker_class(set, reader->questions->family[i], reader->questions->addr[i]);

	return class != expected ||
	       (class && memcmp(&set->classes[class - 1], &reader->sets[k].classes[class - 1],
				sizeof(*set->classes)));
}

/* As a worker does; in every eighth it is interrupted. */
static void reader_burst(struct reader *reader, struct random *random)
{
	const struct table_set *set =
		__atomic_load_n(table_active(reader->edge->table), __ATOMIC_ACQUIRE);
	uint32_t k = set ? edge_worker_class(set, 4, sign) - 1 : SETS;
	bool is_interrupted = random_below(random, 8) == 0;

	if (k >= SETS) {
		reader->wrong++;
		return;
	}
	reader->seen[k]++;
	for (int i = 0; i < BURST; i++) {
		if (is_interrupted && i == BURST / 2)
			usleep(100);
		reader->wrong +=
			is_wrong(reader, set, k, random_below(random, reader->questions->count));
	}
}

static void *reader_run(void *argument)
{
	struct reader *reader = argument;
	struct rte_rcu_qsbr *qsbr = table_qsbr(reader->edge->table);
	struct random random = {reader->number};

	rte_rcu_qsbr_thread_register(qsbr, reader->number);
	rte_rcu_qsbr_thread_online(qsbr, reader->number);
	while (!stop) {
		reader_burst(reader, &random);
		rte_rcu_qsbr_quiescent(qsbr, reader->number);
	}
	rte_rcu_qsbr_thread_offline(qsbr, reader->number);
	rte_rcu_qsbr_thread_unregister(qsbr, reader->number);
	return NULL;
}

static uint64_t publish_beside(struct reader *readers, struct edge *edge,
			       const struct rule_set *sets)
{
	uint64_t wrong = 0;

	stop = false;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]),
				 0);
	/* The set that is filled is always another one than that which it held. */
	for (int i = 1; i < PUBLISHES; i++)
		edge_publish(edge, &sets[i % SETS]);
	stop = true;
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		wrong += readers[i].wrong;
		for (int k = 0; k < SETS; k++)
			assert_true(readers[i].seen[k] > 0);
	}
	return wrong;
}

#ifdef SEEDED
static void judge(uint64_t wrong)
{
	assert_true(wrong > 0);
}
#else
static void judge(uint64_t wrong)
{
	assert_int_equal(wrong, 0);
}
#endif

static void readers_get_the_classes_of_one_set(void **state)
{
	enum pt_config_table kind = edge_kind(state);
	struct reader readers[READERS];
	struct rule_set sets[SETS];
	struct questions *questions;
	struct edge edge;
	uint64_t wrong;

	for (int k = 0; k < SETS; k++)
		set_with_sign(&sets[k], k);
	questions = questions_new(sets);
	edge_open(&edge, kind);
	edge_publish(&edge, &sets[0]);
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = (struct reader){
			.edge = &edge, .questions = questions, .sets = sets, .number = i};
	wrong = publish_beside(readers, &edge, sets);
	printf("%s: %d publishes, %llu wrong classes\n", pt_config_table_name(kind), PUBLISHES,
	       (unsigned long long)wrong);
	judge(wrong);
	edge_close(&edge);
	free(questions);
	for (int k = 0; k < SETS; k++)
		rule_set_done(&sets[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TESTS(readers_get_the_classes_of_one_set),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
