/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose round-trip times are, while sets are published, and the daemon or an engine starts anew.
 * The daemon is the real one, and so is the host of the engine.
 */
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

#include "latency_fixture.h"

/* Prefixes take their slots in their order: the last is moved by the one in the middle. */
#define THREE                                                                                      \
	SELECTED("198.51.100.0/24") "," SELECTED("198.51.101.0/24") "," SELECTED("203.0.113.0/24")
#define FOUR THREE "," SELECTED("203.0.114.0/24")

/* Its number is somebody else's from one publish to the next, in the middle of a window. */
static void times_are_never_those_of_the_slot_s_next_owner(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number, slot;

	register_customer(daemon, CUSTOMER("west", SELECTED("192.0.2.0/24")));
	number = window_begin(daemon);
	slot = slot_of(daemon, "west", "192.0.2.0/24");
	measure(daemon, slot, 12, 12 * MS, number);
	daemon_post(daemon, "/v1/apply?force=true", EAST);
	daemon_wait(daemon, daemon_is_ready);
	assert_int_equal(window_now(), number);
	assert_int_equal(slot_of(daemon, "east", "198.51.100.0/24"), slot);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"east\":{\"withheld\":\"no whole window has ended yet");
	answer_lacks(daemon, "/metrics", "rtt_seconds_bucket");
	measure(daemon, slot, 12, 12 * MS, number + 1);
	window_close(daemon, number + 1);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":12,");
}

/* Who keeps his slot keeps his window, whatever else is published meanwhile. */
static void a_publish_does_not_cost_those_who_keep_their_slots(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 12 * MS, number);
	register_customer(daemon, CUSTOMER("west", SELECTED("192.0.2.0/24")));
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":12,");
	answer_has(daemon, "/v1/latency", "\"west\":{\"withheld\":\"no whole window has ended yet");
}

static bool publish_is_under_way(const struct daemon *daemon)
{
	return daemon_engine(daemon)->publishing != 0;
}

/* The engine may use what was sent to it long before it says so. */
static void slots_are_in_doubt_while_a_set_is_on_its_way(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;
	uint32_t number, kept, lost;
	int post;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	kept = slot_of(daemon, "east", "198.51.100.0/24");
	lost = slot_of(daemon, "east", "203.0.113.0/24");
	engine->holding = true;
	post = daemon_post_only(daemon, "/v1/apply?force=true", CUSTOMER("east", THREE));
	daemon_wait(daemon, publish_is_under_way);
	assert_int_equal(slot_of(daemon, "east", "198.51.101.0/24"), lost);
	measure(daemon, kept, 12, 12 * MS, number);
	measure(daemon, lost, 12, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"198.51.100.0/24\":{\"samples\":12,");
	answer_has(daemon, "/v1/latency",
		   "\"203.0.113.0/24\":{\"withheld\":\"no whole window has ended yet");
	answer_has(daemon, "/v1/latency",
		   "\"198.51.101.0/24\":{\"withheld\":\"no whole window has ended yet");
	engine->holding = false;
	eventfd_write(engine->hold, 1);
	daemon_wait(daemon, daemon_is_ready);
	close(post);
}

static bool publish_was_refused(const struct daemon *daemon)
{
	return daemon_engine(daemon)->refused_generation != 0;
}

/* The set before stands, and so do its slots. */
static void a_set_that_is_refused_costs_nothing(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number, moved;
	int post;

	daemon->config->latency_slots = LATENCY_SLOTS + 1;
	daemon_restart(daemon);
	register_customer(daemon, EAST);
	moved = slot_of(daemon, "east", "203.0.113.0/24");
	number = window_begin(daemon);
	post = daemon_post_only(daemon, "/v1/apply?force=true", CUSTOMER("east", FOUR));
	daemon_wait(daemon, publish_was_refused);
	measure(daemon, moved, 12, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"203.0.113.0/24\":{\"samples\":12,");
	answer_has(daemon, "/v1/latency",
		   "\"198.51.101.0/24\":{\"withheld\":\"no whole window has ended yet");
	close(post);
}

static void the_window_in_which_control_starts_is_lost(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number, slot;

	register_customer(daemon, EAST);
	slot = slot_of(daemon, "east", "203.0.113.0/24");
	number = window_begin(daemon);
	measure(daemon, slot, 12, 12 * MS, number);
	daemon_restart(daemon);
	daemon_wait(daemon, daemon_is_ready);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"east\":{\"withheld\":\"no whole window has ended yet");
	measure(daemon, slot, 12, 12 * MS, number + 1);
	window_close(daemon, number + 1);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":12,");
}

/* The kernel goes on without its engine; of a process that is gone, windows are old. */
static void an_engine_that_is_away_is_read_and_old_windows_are_not(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number, slot;

	register_customer(daemon, EAST);
	slot = slot_of(daemon, "east", "203.0.113.0/24");
	number = window_begin(daemon);
	fixture_stop(daemon->engine);
	daemon_wait(daemon, daemon_engine_is_down);
	measure(daemon, slot, 12, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":12,");
	window_close(daemon, number + 2);
	answer_has(daemon, "/v1/latency",
		   "\"east\":{\"withheld\":\"fewer than 10 hosts in the last window\"}");
	fixture_start(daemon->engine);
	daemon_wait(daemon, daemon_is_ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(times_are_never_those_of_the_slot_s_next_owner),
		TEST(a_publish_does_not_cost_those_who_keep_their_slots),
		TEST(slots_are_in_doubt_while_a_set_is_on_its_way),
		TEST(a_set_that_is_refused_costs_nothing),
		TEST(the_window_in_which_control_starts_is_lost),
		TEST(an_engine_that_is_away_is_read_and_old_windows_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
