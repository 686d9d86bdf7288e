/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a scrape sees of the counters while an engine, or the daemon, is started anew. The daemon is
 * the real one, and so is the host of the engine.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/status.h"
#include "daemon_fixture.h"

/* The counters, as the engine's packet path would write them. */
static void count(const struct fixture *engine, off_t offset, __u64 packets)
{
	assert_int_equal(
		pwrite(engine->counters, &packets, sizeof(packets), COUNTERS_OFFSET + offset),
		sizeof(packets));
}

static off_t counter_of_port(__u32 slot)
{
	return offsetof(struct pt_lane, ports) + slot * sizeof(struct pt_port_counters);
}

static off_t counter_of_connection(__u32 index)
{
	return offsetof(struct pt_lane, connections) +
	       index * sizeof(struct pt_connection_counters);
}

struct shown {
	__u64 connection;
	__u64 port;
};

static struct shown shown_now(const struct daemon *daemon)
{
	const struct connection *connection = view_find(daemon->service.view, "contoso");
	struct pt_connection_counters sum = {};
	struct pt_port_counters port = status_port_counters(daemon_engine(daemon), 0);

	engines_connection_counters(daemon->service.engines, connection, &sum);
	return (struct shown){sum.direction[PT_RECEIVE].packets,
			      port.received[PT_OUTCOME_MATCHED].packets};
}

/* Step by step until the condition holds; whoever scrapes in between sees no counter decrease. */
static void wait_without_decrease(struct daemon *daemon, bool (*holds)(const struct daemon *daemon))
{
	struct shown before = shown_now(daemon), now;

	for (int steps = 0; !holds(daemon); steps++) {
		assert_true(steps < 100000);
		daemon_step(daemon);
		now = shown_now(daemon);
		if (now.connection < before.connection || now.port < before.port)
			fail_msg("connection %llu to %llu, port %llu to %llu", before.connection,
				 now.connection, before.port, now.port);
		before = now;
	}
}

static __u32 register_contoso(struct daemon *daemon)
{
	daemon_post(daemon, "/v1/connections", CONTOSO);
	daemon_wait(daemon, daemon_is_ready);
	return view_find(daemon->service.view, "contoso")->counter;
}

/* Another file with the sums of the old one, and the port elsewhere in it. */
static void move_counters(struct fixture *engine, __u32 index)
{
	fixture_make_counters(engine);
	engine->port_slot = 3;
	count(engine, counter_of_connection(index), 500);
	count(engine, counter_of_port(3), 600);
}

static void counters_never_decrease_when_an_engine_restarts(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;
	__u32 index = register_contoso(daemon);
	struct shown shown;

	count(engine, counter_of_connection(index), 500);
	count(engine, counter_of_port(0), 600);
	shown = shown_now(daemon);
	assert_int_equal(shown.connection, 500);
	assert_int_equal(shown.port, 600);
	for (int i = 0; i < 5; i++) {
		fixture_stop(engine);
		move_counters(engine, index);
		wait_without_decrease(daemon, daemon_engine_is_down);
		fixture_start(engine);
		wait_without_decrease(daemon, daemon_is_ready);
	}
	count(engine, counter_of_connection(index), 501);
	count(engine, counter_of_port(3), 601);
	shown = shown_now(daemon);
	assert_int_equal(shown.connection, 501);
	assert_int_equal(shown.port, 601);
}

/* One that has nothing kept holds no set before control's first publish. */
static void counters_do_not_wait_for_the_set_of_an_engine_that_lost_it(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;
	__u32 index = register_contoso(daemon);

	count(engine, counter_of_connection(index), 500);
	fixture_stop(engine);
	wait_without_decrease(daemon, daemon_engine_is_down);
	unlink(engine->kept);
	engine->set = (struct pt_engine_set){};
	engine->holding = true;
	fixture_start(engine);
	wait_without_decrease(daemon, daemon_engine_is_up);
	assert_false(daemon_is_ready(daemon));
	assert_int_equal(shown_now(daemon).connection, 500);
	engine->holding = false;
	eventfd_write(engine->hold, 1);
	wait_without_decrease(daemon, daemon_is_ready);
	assert_int_equal(shown_now(daemon).connection, 500);
}

static void counters_are_there_when_control_restarts(void **state)
{
	struct daemon *daemon = *state;
	__u32 index = register_contoso(daemon);
	char *text;

	count(daemon->engine, counter_of_connection(index), 500);
	daemon_restart(daemon);
	text = daemon_get(daemon, "/metrics", NULL);
	assert_has(text,
		   "\npeertag_connection_receive_packets_total{connection=\"contoso\"} 500\n");
	free(text);
}

/* It is not waited for. */
static void control_restarts_without_an_engine(void **state)
{
	struct daemon *daemon = *state;
	char *text;

	fixture_stop(daemon->engine);
	daemon_restart(daemon);
	text = daemon_get(daemon, "/metrics", NULL);
	assert_has(text, "\npeertag_engine_up{engine=\"fixture\"} 0\n");
	free(text);
	fixture_start(daemon->engine);
	daemon_wait(daemon, daemon_is_ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counters_never_decrease_when_an_engine_restarts,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(
			counters_do_not_wait_for_the_set_of_an_engine_that_lost_it, daemon_setup,
			daemon_teardown),
		cmocka_unit_test_setup_teardown(counters_are_there_when_control_restarts,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(control_restarts_without_an_engine, daemon_setup,
						daemon_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
