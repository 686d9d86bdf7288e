/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The assignment of queues to workers: a few whose result is obvious, and random ones that are held
 * against what is promised of all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/engine.h>

#include "dpdk/assign.h"
#include "random.h"

#define ROUNDS	5000
#define DROP	ASSIGN_NONE
#define UNKNOWN 0xfffe

/* What was asked, and what was got, by worker. */
struct book {
	const struct assign_port *ports;
	uint16_t port_count;
	uint16_t workers;
	struct assignment *assignment;
	bool polls[PT_WORKERS_MAX][PT_PORTS_MAX];
	uint16_t transmit[PT_WORKERS_MAX][PT_PORTS_MAX]; /* its queue of an output, or UNKNOWN */
	int load[PT_WORKERS_MAX];
};

static struct assignment *assign_or_fail(const struct assign_port *ports, uint16_t port_count,
					 uint16_t workers)
{
	struct assignment *assignment = NULL;
	struct message message = {};
	uint16_t problem = UNKNOWN;

	assert_int_equal(assign(ports, port_count, workers, &assignment, &problem, &message), 0);
	assert_non_null(assignment);
	assert_int_equal(problem, UNKNOWN);
	return assignment;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int receive_expected(const struct book *book, uint16_t port)
{
	const struct assign_port *asked = &book->ports[port];
	int queues = least(asked->receive_max, book->workers);

	return asked->output == DROP ? queues
				     : least(queues, book->ports[asked->output].transmit_max);
}

/* Enters a queue, which no other queue of its port and no other worker may contradict. */
static void enter(struct book *book, const struct assign_queue *queue)
{
	uint16_t output = book->ports[queue->port].output;
	uint16_t *transmit;

	assert_true(queue->worker < book->workers);
	assert_false(book->polls[queue->worker][queue->port]);
	book->polls[queue->worker][queue->port] = true;
	book->load[queue->worker]++;
	if (output == DROP) {
		assert_int_equal(queue->transmit_queue, 0);
		return;
	}
	assert_true(queue->transmit_queue < book->assignment->transmit[output]);
	transmit = &book->transmit[queue->worker][output];
	assert_true(*transmit == UNKNOWN || *transmit == queue->transmit_queue);
	*transmit = queue->transmit_queue;
}

/* Every receive queue once, in order. */
static void enter_all(struct book *book)
{
	const struct assign_queue *queue = book->assignment->queues;

	for (int worker = 0; worker < PT_WORKERS_MAX; worker++)
		for (int port = 0; port < PT_PORTS_MAX; port++)
			book->transmit[worker][port] = UNKNOWN;
	for (uint16_t port = 0; port < book->port_count; port++) {
		assert_int_equal(book->assignment->receive[port], receive_expected(book, port));
		for (uint16_t i = 0; i < book->assignment->receive[port]; i++, queue++) {
			assert_int_equal(queue->port, port);
			assert_int_equal(queue->queue, i);
			enter(book, queue);
		}
	}
	assert_int_equal(queue - book->assignment->queues, book->assignment->queue_count);
}

/* Every transmit queue that is configured is one worker's, and no device has too many. */
static void check_transmit(const struct book *book)
{
	for (uint16_t output = 0; output < book->port_count; output++) {
		bool taken[PT_WORKERS_MAX] = {};
		int senders = 0;

		for (uint16_t worker = 0; worker < book->workers; worker++) {
			uint16_t queue = book->transmit[worker][output];

			if (queue == UNKNOWN)
				continue;
			assert_false(taken[queue]);
			taken[queue] = true;
			senders++;
		}
		assert_int_equal(book->assignment->transmit[output], senders);
		assert_true(senders <= book->ports[output].transmit_max);
	}
}

/* Queues that a worker polls for an output. */
static int share(const struct book *book, uint16_t worker, uint16_t output)
{
	int count = 0;

	for (uint16_t port = 0; port < book->port_count; port++)
		count += book->polls[worker][port] && book->ports[port].output == output;
	return count;
}

/* Whether a queue of `port` may go from one worker to another without breaking a limit. */
static bool may_go(const struct book *book, uint16_t port, uint16_t from, uint16_t to)
{
	uint16_t output = book->ports[port].output;
	int senders;

	if (book->polls[to][port])
		return false;
	if (output == DROP || share(book, to, output) > 0)
		return true;
	senders = book->assignment->transmit[output] + 1 - (share(book, from, output) == 1);
	return senders <= book->ports[output].transmit_max;
}

static void check_pair(const struct book *book, uint16_t from, uint16_t to)
{
	int difference = book->load[from] - book->load[to];

	if (difference < 2)
		return;
	for (uint16_t port = 0; port < book->port_count; port++)
		if (book->polls[from][port])
			assert_false(may_go(book, port, from, to));
	for (uint16_t output = 0; output < book->port_count; output++)
		if (share(book, from, output) > 0 && share(book, to, output) == 0)
			assert_true(share(book, from, output) >= difference);
}

/* Whether ports share an output that cannot give each worker a queue. */
static bool is_tight(const struct book *book)
{
	uint16_t output;

	for (uint16_t a = 0; a < book->port_count; a++) {
		output = book->ports[a].output;
		if (output == DROP || book->ports[output].transmit_max >= book->workers)
			continue;
		for (uint16_t b = 0; b < a; b++)
			if (book->ports[b].output == output)
				return true;
	}
	return false;
}

static void check_loads(const struct book *book)
{
	bool tight = is_tight(book);

	for (uint16_t from = 0; from < book->workers; from++) {
		for (uint16_t to = 0; to < book->workers; to++) {
			check_pair(book, from, to);
			assert_true(tight || book->load[from] - book->load[to] <= 1);
		}
	}
}

/* Ports of one queue: on different workers, while there are any, unless they must share. */
static void check_single(const struct book *book)
{
	int ports = 0, workers = 0;

	for (uint16_t worker = 0; worker < book->workers; worker++) {
		int single = 0;

		for (uint16_t port = 0; port < book->port_count; port++)
			single += book->polls[worker][port] && book->assignment->receive[port] == 1;
		ports += single;
		workers += single > 0;
	}
	if (!is_tight(book))
		assert_int_equal(workers, least(ports, book->workers));
}

static void check_all(const struct assign_port *ports, uint16_t port_count, uint16_t workers)
{
	struct book book = {.ports = ports, .port_count = port_count, .workers = workers};
	struct assignment *again = assign_or_fail(ports, port_count, workers);

	book.assignment = assign_or_fail(ports, port_count, workers);
	enter_all(&book);
	check_transmit(&book);
	check_loads(&book);
	check_single(&book);
	assert_memory_equal(again, book.assignment,
			    sizeof(*again) + again->queue_count * sizeof(*again->queues));
	free(again);
	free(book.assignment);
}

/* One whose result is obvious: "port:worker" of each queue. */
struct example {
	const char *name;
	uint16_t workers;
	uint16_t port_count;
	struct assign_port ports[4];
	const char *queues;
	uint16_t transmit[4];
};

static const struct example examples[] = {
	{"a pair of one queue each, two workers", 2, 2, {{1, 1, 1}, {1, 1, 0}}, "0:0 1:1 ", {1, 1}},
	{"a pair, one worker", 1, 2, {{8, 8, 1}, {8, 8, 0}}, "0:0 1:0 ", {1, 1}},
	{"a pair of many queues", 2, 2, {{8, 8, 1}, {8, 8, 0}}, "0:0 0:1 1:0 1:1 ", {2, 2}},
	{"a tap", 3, 1, {{16, 0, DROP}}, "0:0 0:1 0:2 ", {0}},
	{"a port that sends back", 2, 1, {{4, 1, 0}}, "0:0 ", {1}},
	{"the output has fewer queues", 4, 2, {{4, 1, 1}, {4, 2, 0}}, "0:1 0:2 1:0 ", {1, 2}},
	{"an output that is shared, with one queue",
	 2,
	 3,
	 {{1, 1, 2}, {1, 1, 2}, {1, 1, 0}},
	 "0:0 1:0 2:1 ",
	 {1, 0, 1}},
	{"an output that is shared, with enough",
	 3,
	 3,
	 {{1, 1, 2}, {1, 1, 2}, {1, 2, 0}},
	 "0:0 1:1 2:2 ",
	 {1, 0, 2}},
	{"more workers than queues", 8, 2, {{1, 1, 1}, {1, 1, 0}}, "0:0 1:1 ", {1, 1}},
	{"those of one queue choose first",
	 2,
	 3,
	 {{2, 0, DROP}, {1, 0, DROP}, {1, 0, DROP}},
	 "0:0 0:1 1:0 2:1 ",
	 {0}},
};

static void obvious_ones_come_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const struct example *example = &examples[i];
		struct assignment *got =
			assign_or_fail(example->ports, example->port_count, example->workers);
		char queues[64] = "";

		print_message("# %s\n", example->name);
		for (uint16_t queue = 0; queue < got->queue_count; queue++)
			snprintf(queues + strlen(queues), sizeof(queues) - strlen(queues), "%u:%u ",
				 got->queues[queue].port, got->queues[queue].worker);
		assert_string_equal(queues, example->queues);
		assert_memory_equal(got->transmit, example->transmit, sizeof(example->transmit));
		free(got);
		check_all(example->ports, example->port_count, example->workers);
	}
}

static struct assign_port random_port(struct random *random, uint16_t port_count, uint16_t most)
{
	return (struct assign_port){
		.receive_max = 1 + random_below(random, most),
		.transmit_max = 1 + random_below(random, most),
		.output = random_chance(random, 20) ? DROP : random_below(random, port_count)};
}

/* Small maxima, few outputs and few workers are where limits meet. */
static void random_ones_keep_every_promise(void **state)
{
	struct random random;
	struct assign_port ports[PT_PORTS_MAX];
	int tight = 0;

	(void)state;
	random_init(&random);
	for (int round = 0; round < ROUNDS; round++) {
		uint16_t port_count = 1 + random_below(&random, PT_PORTS_MAX);
		uint16_t workers =
			1 + random_below(&random, random_chance(&random, 50) ? 8 : PT_WORKERS_MAX);
		uint16_t most = random_chance(&random, 50) ? 3 : 16;
		uint16_t outputs = 1 + random_below(&random, port_count);

		for (uint16_t port = 0; port < port_count; port++) {
			ports[port] = random_port(&random, port_count, most);
			if (ports[port].output != DROP)
				ports[port].output %= outputs;
		}
		tight += is_tight(&(struct book){
			.ports = ports, .port_count = port_count, .workers = workers});
		check_all(ports, port_count, workers);
	}
	/* Both kinds were among them. */
	assert_in_range(tight, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

static void every_size_works(void **state)
{
	struct assign_port ports[PT_PORTS_MAX];

	(void)state;
	for (uint16_t port = 0; port < PT_PORTS_MAX; port++)
		ports[port] = (struct assign_port){UINT16_MAX - 1, UINT16_MAX - 1, port ^ 1};
	for (uint16_t workers = 1; workers <= PT_WORKERS_MAX; workers++)
		check_all(ports, PT_PORTS_MAX, workers);
	check_all(ports, 0, 1);
}

/* What cannot be done: the error, and the port that has the problem. */
struct refusal {
	uint16_t workers;
	uint16_t port_count;
	struct assign_port ports[3];
	int error;
	uint16_t problem;
};

static const struct refusal refusals[] = {
	{1, 3, {{1, 1, 1}, {1, 1, 2}, {1, 0, DROP}}, -ENOTSUP, 2},
	{1, 2, {{1, 1, 1}, {0, 1, 0}}, -ENOTSUP, 1},
	{1, 2, {{1, 1, DROP}, {1, 1, 2}}, -EINVAL, 1},
	{0, 1, {{1, 1, 0}}, -EINVAL, 0},
	{PT_WORKERS_MAX + 1, 1, {{1, 1, 0}}, -EINVAL, 0},
	{1, PT_PORTS_MAX + 1, {}, -EINVAL, 0},
};

static void what_cannot_be_is_refused_with_the_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct assignment *assignment = NULL;
		struct message message = {};
		uint16_t problem = UNKNOWN;

		assert_int_equal(assign(refusal->ports, refusal->port_count, refusal->workers,
					&assignment, &problem, &message),
				 refusal->error);
		assert_null(assignment);
		assert_int_equal(problem, refusal->problem);
		assert_true(strlen(message.text) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(obvious_ones_come_out),
		cmocka_unit_test(random_ones_keep_every_promise),
		cmocka_unit_test(every_size_works),
		cmocka_unit_test(what_cannot_be_is_refused_with_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
