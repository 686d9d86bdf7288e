/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An engine's workers as the daemon shows them: in status, metrics and events. The daemon is the
 * real one, and so is the host of the engine.
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

#define OPENMETRICS "application/openmetrics-text; version=1.0.0"

static const struct pt_engine_worker busy = {
	.queues = "net_a:0 net_b:0",
	.lcore = 2,
	.cpu = 12,
	.polls = 123456789012345,
	.bursts = 40,
	.packets = 1000,
	.busy_cycles = 187540,
};
static const struct pt_engine_worker idle = {
	.queues = "net_a:1", .lcore = 3, .cpu = -1, .polls = 77};

static void engage(struct fixture *engine)
{
	engine->workers[0] = busy;
	engine->workers[1] = idle;
	engine->worker_count = 2;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static void status_has(struct daemon *daemon, const char *part)
{
	char *text = daemon_get(daemon, "/v1/status", NULL);

	assert_has(text, part);
	free(text);
}

static void status_shows_what_workers_do(void **state)
{
	struct daemon *daemon = *state;

	status_has(daemon, "\"workers\":[]");
	engage(daemon->engine);
	status_has(daemon,
		   "\"workers\":[{\"lcore\":2,\"cpu\":12,\"queues\":[\"net_a:0\",\"net_b:0\"],"
		   "\"polls\":123456789012345,\"bursts\":40,\"packets\":1000,"
		   "\"busy_seconds\":0.000188,\"cycles_per_packet\":187.54,"
		   "\"packets_per_burst\":25.0,\"stuck\":false},"
		   "{\"lcore\":3,\"cpu\":null,\"queues\":[\"net_a:1\"],\"polls\":77,\"bursts\":0,"
		   "\"packets\":0,\"busy_seconds\":0.0,\"cycles_per_packet\":null,"
		   "\"packets_per_burst\":null,\"stuck\":false}]");
}

static bool down_for_its_status(const struct daemon *daemon)
{
	return !daemon_engine(daemon)->up &&
	       !strcmp(daemon_engine(daemon)->failure, "the engine does not tell its status");
}

static void a_status_out_of_bounds_is_not_taken(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;

	memset(engine->workers[0].queues, 'q', sizeof(engine->workers[0].queues));
	engine->worker_count = 1;
	status_has(daemon, "[\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\"]");
	engine->worker_count = PT_WORKERS_MAX + 1;
	status_has(daemon, "[\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\"]");

	fixture_stop(engine);
	daemon_wait(daemon, daemon_engine_is_down);
	fixture_start(engine);
	daemon_wait(daemon, down_for_its_status);
	engine->worker_count = 1;
	daemon_wait(daemon, daemon_is_ready);
}

static size_t samples_of(const char *text)
{
	size_t count = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		count += *line != '#';
	return count;
}

/* By the judge of the format, where it is installed. */
static void assert_promtool_accepts(const char *text)
{
	FILE *promtool;

	if (system("command -v promtool > /dev/null"))
		return;
	promtool = popen("promtool check metrics", "w");
	fputs(text, promtool);
	assert_int_equal(pclose(promtool), 0);
}

static void figures_of_workers_are_metrics(void **state)
{
	static const char *const lines[] = {
		"# TYPE peertag_worker_polls_total counter\n",
		"peertag_worker_polls_total{engine=\"fixture\",worker=\"2\"} 123456789012345\n",
		"peertag_worker_polls_total{engine=\"fixture\",worker=\"3\"} 77\n",
		"peertag_worker_bursts_total{engine=\"fixture\",worker=\"2\"} 40\n",
		"peertag_worker_packets_total{engine=\"fixture\",worker=\"2\"} 1000\n",
		"peertag_worker_packets_total{engine=\"fixture\",worker=\"3\"} 0\n",
		"peertag_worker_busy_seconds_total{engine=\"fixture\",worker=\"2\"} 0.00018754\n",
		"# TYPE peertag_worker_stuck gauge\n",
		"peertag_worker_stuck{engine=\"fixture\",worker=\"2\"} 0\n",
		"peertag_worker_stuck{engine=\"fixture\",worker=\"3\"} 1\n",
	};
	struct daemon *daemon = *state;
	char series[64], *text;

	engage(daemon->engine);
	daemon->engine->workers[1].stuck = 1;
	daemon_run_for(daemon, 400);
	text = daemon_get(daemon, "/metrics", NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_has(text, lines[i]);
	snprintf(series, sizeof(series), "\npeertag_series %zu\n", samples_of(text));
	assert_has(text, series);
	assert_promtool_accepts(text);
	free(text);

	text = daemon_get(daemon, "/metrics", OPENMETRICS);
	assert_has(text, "# TYPE peertag_worker_polls counter\n");
	assert_has(text, lines[1]);
	free(text);
}

/* The figures stay; that it is stuck is known of nobody who is not there. */
static void metrics_of_an_engine_that_is_away_stay(void **state)
{
	struct daemon *daemon = *state;
	char *text;

	engage(daemon->engine);
	daemon->engine->workers[0].stuck = 1;
	daemon_run_for(daemon, 400);
	fixture_stop(daemon->engine);
	daemon_wait(daemon, daemon_engine_is_down);
	text = daemon_get(daemon, "/metrics", NULL);
	assert_has(text, "peertag_worker_packets_total{engine=\"fixture\",worker=\"2\"} 1000\n");
	assert_has(text, "peertag_worker_stuck{engine=\"fixture\",worker=\"2\"} 0\n");
	free(text);
	fixture_start(daemon->engine);
}

/* What is heard while the loop runs for a while. */
static char *heard_in(struct daemon *daemon, int listener, unsigned int ms)
{
	daemon_run_for(daemon, ms);
	return daemon_heard(listener);
}

static void a_stuck_worker_is_told_and_its_figures_are_not(void **state)
{
	struct daemon *daemon = *state;
	struct pt_engine_worker *worker = &daemon->engine->workers[0];
	int listener;
	char *text;

	engage(daemon->engine);
	listener = daemon_listen(daemon);
	free(heard_in(daemon, listener, 400));
	for (int i = 0; i < 5; i++) {
		worker->polls++;
		worker->busy_cycles += 1000;
		text = heard_in(daemon, listener, 300);
		assert_int_equal(count_of(text, "data:"), 0);
		free(text);
	}

	worker->stuck = 1;
	text = heard_in(daemon, listener, 600);
	assert_has(text, "data: {\"engine\":\"fixture\",\"lcore\":2,"
			 "\"queues\":[\"net_a:0\",\"net_b:0\"],\"stuck\":true,"
			 "\"event\":\"worker\",\"time\":");
	assert_int_equal(count_of(text, "data:"), 1);
	assert_true(daemon_is_ready(daemon));
	free(text);

	worker->stuck = 0;
	text = heard_in(daemon, listener, 600);
	assert_has(text, "\"stuck\":false,\"event\":\"worker\"");
	assert_int_equal(count_of(text, "data:"), 1);
	free(text);
	close(listener);
}

static void a_worker_that_was_killed_does_not_go_on(void **state)
{
	struct daemon *daemon = *state;
	struct pt_engine_worker *worker = &daemon->engine->workers[0];
	int listener = daemon_listen(daemon);
	char *text;

	engage(daemon->engine);
	worker->stuck = 1;
	text = heard_in(daemon, listener, 600);
	assert_int_equal(count_of(text, "\"event\":\"worker\""), 1);
	free(text);
	fixture_stop(daemon->engine);
	text = heard_in(daemon, listener, 600);
	assert_int_equal(count_of(text, "\"event\":\"worker\""), 0);
	assert_has(text, "cannot connect");
	free(text);
	worker->stuck = 0;
	fixture_start(daemon->engine);
	daemon_wait(daemon, daemon_is_ready);
	text = heard_in(daemon, listener, 600);
	assert_int_equal(count_of(text, "\"event\":\"worker\""), 0);
	assert_int_equal(count_of(text, "\"event\":\"engine\""), 1);
	free(text);

	worker->stuck = 1;
	text = heard_in(daemon, listener, 600);
	assert_int_equal(count_of(text, "\"stuck\":true,\"event\":\"worker\""), 1);
	free(text);
	close(listener);
}

static bool publish_is_under_way(const struct daemon *daemon)
{
	return daemon_engine(daemon)->publishing != 0;
}

/* A publish waits for every worker; that of one which is stuck does not end. */
static void a_worker_that_holds_up_a_publish_is_told(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;
	int listener, post;
	char *text;

	engage(engine);
	listener = daemon_listen(daemon);
	engine->holding = true;
	post = daemon_post_only(daemon, "/v1/connections", CONTOSO);
	daemon_wait(daemon, publish_is_under_way);
	daemon_run_for(daemon, 300);
	engine->workers[0].stuck = 1;
	text = heard_in(daemon, listener, 600);
	assert_int_equal(count_of(text, "\"stuck\":true,\"event\":\"worker\""), 1);
	free(text);
	text = daemon_get(daemon, "/v1/lookup?address=203.0.113.1", NULL);
	assert_has(text, "\"engines\":[{\"name\":\"fixture\"");
	free(text);
	assert_false(daemon_is_ready(daemon));

	engine->holding = false;
	eventfd_write(engine->hold, 1);
	daemon_wait(daemon, daemon_is_ready);
	close(post);
	close(listener);
}

/* One that is killed meanwhile, and started anew, is given the set again. */
static void a_publish_that_a_kill_ended_is_made_again(void **state)
{
	struct daemon *daemon = *state;
	struct fixture *engine = daemon->engine;
	int post;

	engine->holding = true;
	post = daemon_post_only(daemon, "/v1/connections", CONTOSO);
	daemon_wait(daemon, publish_is_under_way);
	engine->holding = false;
	eventfd_write(engine->hold, 1);
	fixture_stop(engine);
	memset(&engine->set, 0, sizeof(engine->set));
	unlink(engine->kept);
	fixture_start(engine);
	daemon_wait(daemon, daemon_is_ready);
	assert_int_equal(daemon_engine(daemon)->publish_failures, 0);
	close(post);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(status_shows_what_workers_do, daemon_setup,
						daemon_teardown),
		cmocka_unit_test_setup_teardown(a_status_out_of_bounds_is_not_taken, daemon_setup,
						daemon_teardown),
		cmocka_unit_test_setup_teardown(figures_of_workers_are_metrics, daemon_setup,
						daemon_teardown),
		cmocka_unit_test_setup_teardown(metrics_of_an_engine_that_is_away_stay,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(a_stuck_worker_is_told_and_its_figures_are_not,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_was_killed_does_not_go_on,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_holds_up_a_publish_is_told,
						daemon_setup, daemon_teardown),
		cmocka_unit_test_setup_teardown(a_publish_that_a_kill_ended_is_made_again,
						daemon_setup, daemon_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
