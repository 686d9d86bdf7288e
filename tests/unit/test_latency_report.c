/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times from an engine's shared memory to the metrics and the API, in windows of a
 * second. The daemon is the real one, and so are the host of the engine and what the packets would
 * write with.
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

#include "latency_fixture.h"

#define OPENMETRICS "application/openmetrics-text; version=1.0.0"

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

static void assert_metrics_are_whole(struct daemon *daemon)
{
	char *text = daemon_get(daemon, "/metrics", NULL);
	char series[64];

	snprintf(series, sizeof(series), "\npeertag_series %zu\n", samples_of(text));
	assert_has(text, series);
	assert_promtool_accepts(text);
	free(text);
	text = daemon_get(daemon, "/metrics", OPENMETRICS);
	assert_has(text, "# TYPE peertag_prefix_rtt_seconds histogram\n");
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

static void figures_appear_behind_a_window_s_end(void **state)
{
	static const char *const lines[] = {
		"# TYPE peertag_connection_rtt_seconds histogram\n",
		"\npeertag_connection_rtt_seconds_bucket{connection=\"east\",le=\"0.01\"} 0\n",
		"\npeertag_connection_rtt_seconds_bucket{connection=\"east\",le=\"0.015\"} 12\n",
		"\npeertag_connection_rtt_seconds_bucket{connection=\"east\",le=\"0.03\"} 23\n",
		"\npeertag_connection_rtt_seconds_bucket{connection=\"east\",le=\"+Inf\"} 23\n",
		"\npeertag_connection_rtt_seconds_count{connection=\"east\"} 23\n",
		"\npeertag_prefix_rtt_seconds_bucket{connection=\"east\",prefix=\"203.0.113.0/24\","
		"le=\"0.015\"} 12\n",
		"\npeertag_prefix_rtt_seconds_count{connection=\"east\",prefix=\"198.51.100.0/24\"}"
		" 11\n",
		"\npeertag_latency_slots 2\n",
		"\npeertag_latency_slots_limit 3\n",
	};
	struct daemon *daemon = *state;
	uint32_t number;
	char *text;

	register_customer(daemon, EAST);
	answer_has(daemon, "/v1/latency", "\"east\":{\"withheld\":\"no whole window has ended yet");
	answer_lacks(daemon, "/metrics", "rtt_seconds_bucket");
	assert_metrics_are_whole(daemon);
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 12 * MS, number);
	measure(daemon, slot_of(daemon, "east", "198.51.100.0/24"), 11, 25 * MS, number);
	answer_lacks(daemon, "/metrics", "rtt_seconds_bucket");
	window_close(daemon, number);
	text = daemon_get(daemon, "/metrics", NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_has(text, lines[i]);
	free(text);
	assert_metrics_are_whole(daemon);
	text = daemon_get(daemon, "/v1/latency?name=east", NULL);
	assert_has(text, "{\"connections\":{\"east\":{\"samples\":23,\"p50\":0.0");
	assert_has(text, "\"203.0.113.0/24\":{\"samples\":12,\"p50\":0.01");
	assert_has(text, "\"buckets\":[[0.01,0],[0.015,12],[0.02,0],[0.03,11]]}},\"prefixes\":{");
	assert_has(text, "\"buckets\":[[0.02,0],[0.03,11]],\"connection\":\"east\"}");
	assert_has(text, "\"window\":{\"seconds\":1,\"end\":1");
	free(text);
}

/* And the next window, in which nothing was measured, takes the last figures away, not the sums. */
static void figures_are_of_one_window_and_metrics_add_up(void **state)
{
	static const char count[] = "\npeertag_connection_rtt_seconds_count{connection=\"east\"} ";
	struct daemon *daemon = *state;
	char line[128];
	uint32_t number, slot;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	slot = slot_of(daemon, "east", "203.0.113.0/24");
	measure(daemon, slot, 12, 12 * MS, number);
	window_close(daemon, number);
	measure(daemon, slot, 15, 12 * MS, number + 1);
	snprintf(line, sizeof(line), "%s%d\n", count, 12);
	answer_has(daemon, "/metrics", line);
	window_close(daemon, number + 1);
	snprintf(line, sizeof(line), "%s%d\n", count, 27);
	answer_has(daemon, "/metrics", line);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":15,");
	window_close(daemon, number + 2);
	answer_has(daemon, "/metrics", line);
	answer_has(daemon, "/v1/latency",
		   "\"east\":{\"withheld\":\"fewer than 10 hosts in the last window\"}");
}

/* The answers, with what changes anyway (when the window ended) left out. */
static char *answers(struct daemon *daemon)
{
	char *metrics = daemon_get(daemon, "/metrics", NULL);
	char *document = daemon_get(daemon, "/v1/latency", NULL);
	char *both, *end = strstr(document, ",\"window\"");

	assert_non_null(end);
	*end = '\0';
	/* What a test of metrics must not trip over: it changes with every publish. */
	assert_true(asprintf(&both, "%s%s", strstr(metrics, "# HELP peertag_connection_rtt"),
			     document) > 0);
	free(metrics);
	free(document);
	return both;
}

static void hosts_below_the_floor_leave_no_trace(void **state)
{
	struct daemon *daemon = *state;
	char *without, *with, *again;
	uint32_t number;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	window_close(daemon, number);
	without = answers(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 9, 12 * MS, number + 1);
	measure(daemon, slot_of(daemon, "east", "198.51.100.0/24"), 0, 12 * MS, number + 1);
	window_close(daemon, number + 1);
	with = answers(daemon);
	assert_string_equal(with, without);
	again = answers(daemon);
	assert_string_equal(with, again);
	free(without);
	free(with);
	free(again);
}

static void a_withheld_remainder_is_in_no_total(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 12 * MS, number);
	measure(daemon, slot_of(daemon, "east", "198.51.100.0/24"), 3, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"east\":{\"samples\":12,");
	answer_has(daemon, "/metrics",
		   "\npeertag_connection_rtt_seconds_count{connection=\"east\"} 12\n");
	answer_lacks(daemon, "/metrics", "prefix=\"198.51.100.0/24\"");
}

static void prefixes_that_are_too_fine_report_under_their_connection(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number;

	register_customer(
		daemon, CUSTOMER("fine", SELECTED("203.0.113.0/25") "," SELECTED("2001:db8::/64")));
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "fine", NULL), 12, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/v1/latency", "\"fine\":{\"samples\":12,");
	answer_has(daemon, "/v1/latency",
		   "\"203.0.113.0/25\":{\"withheld\":\"finer than /24: reports under its "
		   "connection\",\"connection\":\"fine\"}");
	answer_has(daemon, "/v1/latency",
		   "\"2001:db8::/64\":{\"withheld\":\"finer than /48: reports under its "
		   "connection\",\"connection\":\"fine\"}");
	answer_lacks(daemon, "/metrics", "peertag_prefix_rtt_seconds_bucket");
	assert_metrics_are_whole(daemon);
}

static void who_is_removed_is_forgotten(void **state)
{
	struct daemon *daemon = *state;
	uint32_t number;

	register_customer(daemon, EAST);
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 12 * MS, number);
	window_close(daemon, number);
	answer_has(daemon, "/metrics", "rtt_seconds_bucket{connection=\"east\"");
	daemon_post(daemon, "/v1/apply?force=true", CUSTOMER("west", SELECTED("203.0.113.0/24")));
	answer_lacks(daemon, "/metrics", "rtt_seconds_bucket");
	answer_lacks(daemon, "/v1/latency", "east");
	assert_metrics_are_whole(daemon);
}

static void a_window_s_end_is_an_event_without_figures(void **state)
{
	struct daemon *daemon = *state;
	int listener = daemon_listen(daemon);
	uint32_t number = window_begin(daemon);
	char *text;

	window_close(daemon, number);
	text = daemon_heard(listener);
	assert_null(strstr(text, "latency"));
	free(text);
	register_customer(daemon, EAST);
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 12 * MS, number);
	free(daemon_heard(listener));
	window_close(daemon, number);
	text = daemon_heard(listener);
	assert_has(text, "data: {\"published\":2,\"withheld\":1,\"event\":\"latency\",\"time\":");
	free(text);
	close(listener);
}

static void samples_lost_are_told_at_a_window_s_end(void **state)
{
	static const char none[] = "\npeertag_rtt_samples_lost_total{engine=\"fixture\"} 0\n";
	static const char some[] = "\npeertag_rtt_samples_lost_total{engine=\"fixture\"} 5\n";
	struct daemon *daemon = *state;
	uint32_t number;

	answer_has(daemon, "/metrics", none);
	number = window_begin(daemon);
	window_close(daemon, number - 1);
	measure(daemon, LATENCY_SLOTS + 1, 5, MS, number); /* no such slot: lost */
	answer_has(daemon, "/metrics", none);
	window_close(daemon, number);
	answer_has(daemon, "/metrics", some);
	daemon_restart(daemon);
	answer_has(daemon, "/metrics", some);
}

/* Who watches windows, as alerts do. */
struct watcher {
	unsigned closed;
	unsigned ended;
	double p90_seconds;
	char name[64];
};

static void watch_closed(void *closure, const struct connection *connection, double p90_seconds)
{
	struct watcher *watcher = closure;

	watcher->closed++;
	watcher->p90_seconds = p90_seconds;
	snprintf(watcher->name, sizeof(watcher->name), "%s", connection->name);
}

static void watch_ended(void *closure, size_t published, size_t withheld)
{
	struct watcher *watcher = closure;

	watcher->ended++;
	assert_int_equal(published + withheld, 3);
}

static void each_published_connection_is_told_to_who_watches(void **state)
{
	struct daemon *daemon = *state;
	const struct service *service = &daemon->service;
	struct watcher watcher = {};
	const struct latency_observer observer = {watch_closed, watch_ended, &watcher};
	struct latency *latency;
	uint32_t number;

	register_customer(daemon, EAST);
	assert_int_equal(
		latency_new(service->loop, service->config, service->engines, &observer, &latency),
		0);
	latency_set_view(latency, service->view);
	latency_engine_changed(latency, daemon_engine(daemon));
	number = window_begin(daemon);
	measure(daemon, slot_of(daemon, "east", "203.0.113.0/24"), 12, 40 * MS, number);
	window_close(daemon, number);
	assert_int_equal(watcher.closed, 1);
	assert_string_equal(watcher.name, "east");
	assert_true(watcher.p90_seconds > 0.0399 && watcher.p90_seconds < 0.0401);
	window_close(daemon, number + 1);
	assert_int_equal(watcher.closed, 1);
	assert_true(watcher.ended >= 2);
	latency_free(latency);
}

static void a_connection_that_is_not_there_has_no_latency(void **state)
{
	struct daemon *daemon = *state;

	answer_has(daemon, "/v1/latency?name=nobody", "\"code\":\"not_found\"");
	register_customer(daemon, CONTOSO);
	answer_has(daemon, "/v1/latency?name=contoso", "{\"connections\":{},\"prefixes\":{},");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(figures_appear_behind_a_window_s_end),
		TEST(figures_are_of_one_window_and_metrics_add_up),
		TEST(hosts_below_the_floor_leave_no_trace),
		TEST(a_withheld_remainder_is_in_no_total),
		TEST(prefixes_that_are_too_fine_report_under_their_connection),
		TEST(who_is_removed_is_forgotten),
		TEST(a_window_s_end_is_an_event_without_figures),
		TEST(samples_lost_are_told_at_a_window_s_end),
		TEST(each_published_connection_is_told_to_who_watches),
		TEST(a_connection_that_is_not_there_has_no_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
