/* SPDX-License-Identifier: BSD-3-Clause */
/* What top says of a row: its rate, and without one the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top.h"

static void a_rate_is_what_came_since_the_base(void **state)
{
	struct top_rate rate = {};

	(void)state;
	top_rate_update(&rate, 1000, 64000, 0);
	assert_true(rate.packets_s == 0 && rate.bits_s == 0);
	top_rate_update(&rate, 1500, 96000, 2);
	assert_true(rate.packets_s == 250);
	assert_true(rate.bits_s == 128000);
	top_rate_update(&rate, 1500, 96000, 1);
	assert_true(rate.packets_s == 0 && rate.bits_s == 0);
}

static void an_engine_that_was_away_makes_no_burst(void **state)
{
	struct top_rate rate = {.packets = 1000000, .bytes = 64000000};

	(void)state;
	top_rate_update(&rate, 0, 0, 1);
	assert_true(rate.packets_s == 0);
	assert_int_equal(rate.packets, 1000000);
	top_rate_update(&rate, 1000100, 64006400, 1);
	assert_true(rate.packets_s == 100);
	assert_true(rate.bits_s == 51200);
}

static void a_counter_that_began_anew_makes_no_negative_rate(void **state)
{
	struct top_rate rate = {.packets = 1000, .bytes = 64000};

	(void)state;
	top_rate_update(&rate, 10, 640, 1);
	assert_true(rate.packets_s == 0 && rate.bits_s == 0);
	top_rate_update(&rate, 20, 1280, 1);
	assert_true(rate.packets_s == 10);
}

/* What is true of a top that could show traffic; each case takes one thing away. */
static struct top good_top(void)
{
	return (struct top){
		.reachable = true,
		.interval_s = 1,
		.engine_count = 1,
		.engines = {{.name = "xdp", .up = true, .generation = 3, .desired_generation = 3}},
		.port_count = 1,
		.received = {.packets_s = 5},
	};
}

static void a_row_without_traffic_says_why(void **state)
{
	struct top_row row = {.prefixes = 2};
	struct top top = good_top();

	(void)state;
	assert_string_equal(top_reason(&top, &row), "no match");
	top.received.packets_s = 0;
	assert_string_equal(top_reason(&top, &row), "no packets on the port");
	top.sent.packets_s = 1;
	assert_string_equal(top_reason(&top, &row), "no match");
	top.interval_s = 0;
	assert_string_equal(top_reason(&top, &row), "");
	top.port_count = 0;
	assert_string_equal(top_reason(&top, &row), "no port");
	row.prefixes = 0;
	assert_string_equal(top_reason(&top, &row), "no prefixes");
	top.engines[0].generation = 2;
	assert_string_equal(top_reason(&top, &row), "not loaded");
	top.engines[0].up = false;
	assert_string_equal(top_reason(&top, &row), "engine down");
	top.engine_count = 0;
	assert_string_equal(top_reason(&top, &row), "no engine configured");
	top.reachable = false;
	assert_string_equal(top_reason(&top, &row), "daemon unreachable");
}

static void one_engine_that_runs_is_enough(void **state)
{
	struct top_row row = {.prefixes = 1};
	struct top top = good_top();

	(void)state;
	top.engine_count = 2;
	assert_string_equal(top_reason(&top, &row), "no match");
}

static void a_row_with_traffic_needs_no_reason(void **state)
{
	struct top_row row = {.rate = {[PT_TRANSMIT] = {.packets_s = 0.1}}};
	struct top top = good_top();

	(void)state;
	assert_string_equal(top_reason(&top, &row), "");
}

static void the_last_traffic_is_told_in_short(void **state)
{
	struct top top = {.reachable = true, .time_s = top_now()};
	struct top_row row = {};
	char text[TOP_UNIT_BYTES];

	(void)state;
	assert_string_equal(top_seen(&top, &row, text), "-");
	row.seen_s = top.time_s;
	assert_string_equal(top_seen(&top, &row, text), "now");
	row.seen_s = top_now() - 42;
	assert_string_equal(top_seen(&top, &row, text), "42s");
	row.seen_s = top_now() - 600;
	assert_string_equal(top_seen(&top, &row, text), "10m");
	row.seen_s = top_now() - 7200;
	assert_string_equal(top_seen(&top, &row, text), "2h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_what_came_since_the_base),
		cmocka_unit_test(an_engine_that_was_away_makes_no_burst),
		cmocka_unit_test(a_counter_that_began_anew_makes_no_negative_rate),
		cmocka_unit_test(a_row_without_traffic_says_why),
		cmocka_unit_test(one_engine_that_runs_is_enough),
		cmocka_unit_test(a_row_with_traffic_needs_no_reason),
		cmocka_unit_test(the_last_traffic_is_told_in_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
