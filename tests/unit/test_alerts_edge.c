/* SPDX-License-Identifier: BSD-3-Clause */
/* Alerts of engines and the registry, their names, and what a look costs. */
#include "alerts_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void an_engine_that_is_away_or_behind_is_told_of(void **state)
{
	struct scene *scene = scene_new("");

	(void)state;
	scene_pass(scene, MINUTE_S);
	scene->engine.up = false;
	scene->engine.current = false;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "");
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "+EngineDown(xdp)0 ");
	scene->engine.up = true;
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "-EngineDown(xdp)0 ");
	scene_pass(scene, 2 * MINUTE_S - LOOK_S);
	assert_heard(scene, "");
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "+EngineOutdated(xdp)0 ");
	scene->engine.current = true;
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "-EngineOutdated(xdp)0 ");
	scene_free(scene);
}

static void tags_that_fail_are_told_of_and_end(void **state)
{
	struct scene *scene = scene_new("");

	(void)state;
	scene->engine.tag_failures = 1000;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "");
	scene->engine.tag_failures = 1007;
	scene_pass(scene, 4 * MINUTE_S);
	assert_heard(scene, "+TagFailures(xdp)7 ");
	scene_pass(scene, 2 * MINUTE_S);
	assert_heard(scene, "-TagFailures(xdp)0 ");
	scene_free(scene);
}

static void what_is_nearly_full_is_told_of(void **state)
{
	struct scene *scene = scene_new("");
	char text[2048] = "";

	(void)state;
	scene->engine.table_bytes = 1000;
	scene_pass(scene, MINUTE_S);
	scene->engine.table_room = 1111;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "+TableNearlyFull(xdp)0.90009 ");
	scene->engine.table_room = 1112;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "-TableNearlyFull(xdp)0 ");
	for (int i = 0; i < 10; i++) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length,
			 "{\"name\":\"%d\",\"partner\":\"p\",\"country\":\"GB\",\"prefixes\":[]}\n",
			 i);
	}
	scene_show(scene, text);
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "+RegistryNearlyFull()1 ");
	scene->view->totals.ipv4 = 50;
	scene->view->totals.ipv6 = 41;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "+RegistryNearlyFull()0.91 ");
	scene_free(scene);
}

/* So that whoever reads events and whoever has Prometheus speak of the same. */
static void names_are_those_of_the_rules(void **state)
{
	FILE *file = fopen("control/monitoring/prometheus/peertag.rules.yml", "r");
	char rules[65536], wanted[80];

	(void)state;
	assert_non_null(file);
	rules[fread(rules, 1, sizeof(rules) - 1, file)] = '\0';
	fclose(file);
	for (enum alert_kind kind = 0; kind < ALERT_KINDS; kind++) {
		snprintf(wanted, sizeof(wanted), "- alert: Peertag%s\n", alert_name(kind));
		if (!strstr(rules, wanted))
			fail_msg("the rules have no %s", wanted);
	}
}

static uint64_t received_nothing(void *closure, const struct connection *connection)
{
	(void)closure;
	(void)connection;
	return 0;
}

static void a_look_at_many_connections_takes_milliseconds(void **state)
{
	enum { CONNECTIONS = 20000, LINE_BYTES = 80 };
	char *text = calloc(CONNECTIONS, LINE_BYTES), *pos = text;
	struct scene *scene = scene_new("");
	struct timespec begin, end;
	double seconds;

	(void)state;
	for (int i = 0; i < CONNECTIONS; i++)
		pos += sprintf(pos,
			       "{\"name\":\"%d\",\"partner\":\"p\",\"country\":\"GB\","
			       "\"prefixes\":[],\"monitor\":true}\n",
			       i);
	scene_show(scene, text);
	free(text);
	for (int i = 0; i < 2; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		alerts_evaluate(scene->alerts, &(struct alerts_look){
						       .now_us = 10000000 * (i + 1),
						       .view = scene->view,
						       .engines = &scene->engine,
						       .received = received_nothing,
					       });
		clock_gettime(CLOCK_MONOTONIC, &end);
	}
	seconds = end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
	print_message("a look at %d connections: %.2f ms\n", CONNECTIONS, seconds * 1e3);
	assert_true(seconds < 0.5);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_that_is_away_or_behind_is_told_of),
		cmocka_unit_test(tags_that_fail_are_told_of_and_end),
		cmocka_unit_test(what_is_nearly_full_is_told_of),
		cmocka_unit_test(names_are_those_of_the_rules),
		cmocka_unit_test(a_look_at_many_connections_takes_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
