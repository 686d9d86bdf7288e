/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engines that are killed, at random moments and at every system call, and engines that start at
 * the same time: the DPDK engine's counters say exactly what was counted.
 *
 * Who counts notes in memory that outlives him what he begins to count and what he has counted:
 * killed in between, he has counted one more at most.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state_fixture.h"

#define COUNTERS    8
#define KILLS	    400
#define COUNTS	    50
#define PROCESSES   4
#define ROUNDS	    10
#define OPENS	    5
#define CALLS_MAX   1000
#define LONGEST_RUN 3000 /* us */

struct progress {
	_Atomic uint64_t begun[COUNTERS];
	_Atomic uint64_t done[COUNTERS];
	_Atomic uint64_t opened;
	_Atomic int holders;
};

struct scene {
	struct place place;
	struct random random;
	struct progress *progress;
};

static const uint32_t capacities[] = {COUNTERS, COUNTERS + 1, 700, 1500};
static const uint32_t lane_counts[] = {1, 2, 3, 5};

static int scene_setup(void **argument)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	place_init(&scene->place);
	random_init(&scene->random);
	scene->progress = mmap(NULL, sizeof(*scene->progress), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(scene->progress != MAP_FAILED);
	*argument = scene;
	return 0;
}

static int scene_teardown(void **argument)
{
	struct scene *scene = *argument;

	place_done(&scene->place);
	munmap(scene->progress, sizeof(*scene->progress));
	free(scene);
	return 0;
}

/* Of any size. Returns NULL if somebody else has it; ends the process if it does not work. */
static struct state *open_any(struct scene *scene)
{
	struct message message = {};
	struct state *state = NULL;
	int error = state_open(scene->place.path, capacities[random_below(&scene->random, 4)],
			       lane_counts[random_below(&scene->random, 4)], &state, &message);

	if (!error || error == -EBUSY)
		return state;
	fprintf(stderr, "%s\n", message.text);
	_exit(1);
}

static void count_one(struct scene *scene, struct state *state)
{
	struct progress *progress = scene->progress;
	uint32_t counter = random_below(&scene->random, COUNTERS);
	struct pt_lane *lane = state_lane(state, random_below(&scene->random, state->lane_count));
	struct pt_count *connection = &lane->connections[counter].direction[PT_TRANSMIT];
	struct pt_count *port = &lane->ports[counter].received[PT_OUTCOME_MATCHED];

	atomic_fetch_add(&progress->begun[counter], 1);
	__atomic_store_n(&connection->packets, connection->packets + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&port->packets, port->packets + 1, __ATOMIC_SEQ_CST);
	atomic_fetch_add(&progress->done[counter], 1);
}

/* What the file says lies between what was done and what was begun; from there it goes on. */
static void check_counts(struct scene *scene, const struct state *state)
{
	struct progress *progress = scene->progress;
	struct totals totals;

	totals_read(&totals, state, COUNTERS);
	for (int i = 0; i < COUNTERS; i++) {
		uint64_t connection = totals.connections[i].direction[PT_TRANSMIT].packets;
		uint64_t port = totals.ports[i].received[PT_OUTCOME_MATCHED].packets;

		assert_in_range(connection, progress->done[i], progress->begun[i]);
		assert_in_range(port, progress->done[i], connection);
		assert_true(progress->begun[i] - progress->done[i] <= 1);
		assert_int_equal(totals.owners[i].connection, 100 + i);
		assert_int_equal(totals.owners[i].in_use, 1);
		assert_int_equal(totals.registry[i], i);
	}
}

/* After a kill, the port's count may be one behind: from here on both say the same. */
static void settle_counts(struct scene *scene, struct state *state)
{
	struct pt_counters counters = state_counters(state);

	for (int i = 0; i < COUNTERS; i++) {
		struct pt_connection_counters connection = {};
		struct pt_port_counters port = {};

		pt_counters_connection(&counters, i, &connection);
		pt_counters_port(&counters, i, &port);
		state_lane(state, 0)->ports[i].received[PT_OUTCOME_MATCHED].packets +=
			connection.direction[PT_TRANSMIT].packets -
			port.received[PT_OUTCOME_MATCHED].packets;
		scene->progress->begun[i] = connection.direction[PT_TRANSMIT].packets;
		scene->progress->done[i] = connection.direction[PT_TRANSMIT].packets;
	}
}

static void begin(struct scene *scene)
{
	struct state *state = place_open(&scene->place, COUNTERS, 1);

	for (int i = 0; i < COUNTERS; i++) {
		state->owners.owners[i] = (struct pt_owner){.connection = 100 + i, .in_use = 1};
		state->owners.registry[i] = i;
	}
	state_free(state);
}

/* Opens it in one size after the other, and counts a little each time, until it is killed. */
static void run_until_killed(struct scene *scene)
{
	struct state *state;

	for (;;) {
		state = open_any(scene);
		if (!state)
			_exit(2);
		scene->progress->opened++;
		for (int i = 0; i < COUNTS; i++)
			count_one(scene, state);
		state_free(state);
	}
}

static void kill_loses_no_count(void **argument)
{
	struct scene *scene = *argument;
	struct state *state;
	int status;
	pid_t child;

	begin(scene);
	for (int i = 0; i < KILLS; i++) {
		random_next(&scene->random);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			run_until_killed(scene);
		usleep(random_below(&scene->random, LONGEST_RUN));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		state = open_any(scene);
		assert_non_null(state);
		check_counts(scene, state);
		settle_counts(scene, state);
		state_free(state);
	}
	print_message("# %lu times open\n", (unsigned long)scene->progress->opened);
	assert_true(scene->progress->opened > KILLS / 4);
}

/* Opens it with another size, stopped by its parent at each system call. */
static void open_traced(struct scene *scene)
{
	struct message message;
	struct state *state;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	raise(SIGSTOP);
	_exit(state_open(scene->place.path, 700, 3, &state, &message) ? 1 : 0);
}

/* Lets it run to its `stop`th stop, before or behind a system call. Returns whether it got there.
 */
static bool run_to(pid_t child, int stop)
{
	int status;

	for (int i = 0; i < stop; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
	}
	return true;
}

/* A child that opens it and is stopped; skips the test where nobody may be traced. */
static pid_t fork_opening(struct scene *scene)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		open_traced(scene);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# this process may not trace another\n");
		skip();
	}
	assert_true(WIFSTOPPED(status));
	return child;
}

/* Returns whether the child got to that stop. */
static bool kill_opening(struct scene *scene, int stop)
{
	pid_t child = fork_opening(scene);
	int status;

	if (!run_to(child, stop))
		return false;
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return true;
}

static void a_change_of_size_may_be_killed_at_every_system_call(void **argument)
{
	struct scene *scene = *argument;
	struct state *state;
	bool alive = true;
	int stop;

	begin(scene);
	for (stop = 0; alive && stop < CALLS_MAX; stop++) {
		state = place_open(&scene->place, COUNTERS, 2);
		for (int i = 0; i < COUNTS; i++)
			count_one(scene, state);
		state_free(state);
		alive = kill_opening(scene, stop);
		/* As it was, or as it was to become. */
		state = stop & 1 ? place_open(&scene->place, 700, 3)
				 : place_open(&scene->place, COUNTERS, 2);
		check_counts(scene, state);
		assert_true(place_has_only(&scene->place, "c"));
		state_free(state);
	}
	print_message("# %d stops\n", stop);
	assert_in_range(stop, 20, CALLS_MAX - 1);
}

static void a_first_start_may_be_killed_at_every_system_call(void **argument)
{
	struct scene *scene = *argument;
	struct totals totals, zero = {};
	struct state *state;
	bool alive = true;
	int stop;

	for (stop = 0; alive && stop < CALLS_MAX; stop++) {
		alive = kill_opening(scene, stop);
		state = stop & 1 ? place_open(&scene->place, 700, 3)
				 : place_open(&scene->place, COUNTERS, 2);
		totals_read(&totals, state, COUNTERS);
		assert_memory_equal(&totals, &zero, sizeof(zero));
		assert_true(place_has_only(&scene->place, "c"));
		state_free(state);
		unlink(scene->place.path);
	}
	print_message("# %d stops\n", stop);
	assert_in_range(stop, 15, CALLS_MAX - 1);
}

/* Opens it a few times, beside others who do, and counts one each time. */
static void run_beside_others(struct scene *scene, int opens)
{
	struct state *state;

	for (int i = 0; i < opens; i++) {
		do
			state = open_any(scene);
		while (!state);
		if (atomic_fetch_add(&scene->progress->holders, 1))
			_exit(3);
		count_one(scene, state);
		sched_yield();
		atomic_fetch_sub(&scene->progress->holders, 1);
		state_free(state);
	}
	_exit(0);
}

static void check_sum(struct scene *scene, uint64_t expected)
{
	struct state *state = open_any(scene);
	struct totals totals;
	uint64_t sum = 0;

	assert_non_null(state);
	totals_read(&totals, state, COUNTERS);
	for (int i = 0; i < COUNTERS; i++)
		sum += totals.connections[i].direction[PT_TRANSMIT].packets;
	assert_int_equal(sum, expected);
	assert_true(place_has_only(&scene->place, "c"));
	state_free(state);
}

static void those_who_start_at_once_come_one_after_the_other(void **argument)
{
	struct scene *scene = *argument;
	int status;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PROCESSES; i++) {
			random_next(&scene->random);
			if (fork() == 0)
				run_beside_others(scene, OPENS);
		}
		for (int i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
		}
		check_sum(scene, PROCESSES * OPENS);
		unlink(scene->place.path);
	}
}

/* Until it has ended, but not for long: it may have to wait for the one that is stopped. */
static void wait_a_little(pid_t child)
{
	siginfo_t info = {};

	for (int i = 0; i < 20 && info.si_pid == 0; i++) {
		usleep(1000);
		assert_int_equal(waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	}
}

/* One is stopped there, another starts meanwhile. Returns whether the first got to that stop. */
static bool overtake_at(struct scene *scene, int stop)
{
	pid_t first = fork_opening(scene), second;
	bool alive = run_to(first, stop);
	int status = 0;

	second = fork();
	if (second == 0)
		run_beside_others(scene, 1);
	wait_a_little(second);
	if (alive) {
		assert_int_equal(ptrace(PTRACE_DETACH, first, NULL, NULL), 0);
		assert_int_equal(waitpid(first, &status, 0), first);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return alive;
}

static void a_start_may_be_overtaken_at_every_system_call(void **argument)
{
	struct scene *scene = *argument;
	bool alive = true;
	int stop;

	for (stop = 0; alive && stop < CALLS_MAX; stop++) {
		alive = overtake_at(scene, stop);
		check_sum(scene, 1);
		unlink(scene->place.path);
	}
	assert_in_range(stop, 15, CALLS_MAX - 1);
	begin(scene);
	alive = true;
	for (stop = 0; alive && stop < CALLS_MAX; stop++) {
		state_free(place_open(&scene->place, COUNTERS, 2));
		alive = overtake_at(scene, stop);
		check_sum(scene, stop + 1);
	}
	assert_in_range(stop, 20, CALLS_MAX - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kill_loses_no_count),
		TEST(a_change_of_size_may_be_killed_at_every_system_call),
		TEST(a_first_start_may_be_killed_at_every_system_call),
		TEST(those_who_start_at_once_come_one_after_the_other),
		TEST(a_start_may_be_overtaken_at_every_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
