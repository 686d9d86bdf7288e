/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of `peertag status`, from the daemon's document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/show.h"

#define PORT                                                                                       \
	"{\"name\":\"net_a\",\"up\":true,\"mode\":\"native\",\"driver\":\"net_ring\","             \
	"\"received\":{\"packets\":1000},\"nic_packets\":1000,\"outcomes\":{\"matched\":1000}}"
#define BUSY                                                                                       \
	"{\"lcore\":2,\"queues\":[\"net_a:0\",\"net_b:0\"],\"packets\":1000,"                      \
	"\"packets_per_burst\":25.0,\"cycles_per_packet\":187.54,\"stuck\":false}"
#define STUCK                                                                                      \
	"{\"lcore\":13,\"queues\":[\"net_a:1\"],\"packets\":0,\"packets_per_burst\":null,"         \
	"\"cycles_per_packet\":null,\"stuck\":true}"

/* What is shown of an engine that holds what it shall, with these members. */
static char *shown_with(const char *up, const char *members, const char *alerts)
{
	char document[2048];
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes), *before = stdout;
	json_t *answer;

	snprintf(document, sizeof(document),
		 "{\"version\":\"1\",\"site\":\"sea1\",\"revision\":5,\"ready\":true,"
		 "\"connections\":1,\"prefixes\":{\"ipv4\":2,\"ipv6\":3},\"engines\":[{"
		 "\"name\":\"dpdk\",\"up\":%s,\"generation\":7,\"desired_generation\":7,"
		 "\"table\":\"lpm\",\"ports\":[%s]%s}],\"alerts\":[%s]}",
		 up, PORT, members, alerts);
	answer = json_loads(document, 0, NULL);
	assert_non_null(answer);
	stdout = stream;
	show_status(NULL, answer);
	stdout = before;
	fclose(stream);
	json_decref(answer);
	return text;
}

static char *shown(const char *up, const char *members)
{
	return shown_with(up, members, "");
}

/* The lines behind the table of ports. */
static const char *behind_ports(const char *text)
{
	const char *end = strstr(text, "net_a");

	assert_non_null(end);
	return strchr(end, '\n') + 1;
}

static void an_engine_without_workers_has_no_table_of_them(void **state)
{
	char *text = shown("true", ",\"workers\":[]");

	(void)state;
	assert_string_equal(behind_ports(text), "");
	free(text);
	text = shown("true", "");
	assert_string_equal(behind_ports(text), "");
	free(text);
}

static void workers_stand_under_the_ports(void **state)
{
	char *text = shown("true", ",\"workers\":[" BUSY "]");

	(void)state;
	assert_string_equal(
		behind_ports(text),
		"\n"
		"LCORE  ENGINE  QUEUES           PACKETS  PACKETS/BURST  CYCLES/PACKET  STATE\n"
		"    2  dpdk    net_a:0,net_b:0     1000           25.0            188  polling\n");
	assert_null(strstr(text, "STUCK"));
	free(text);
}

static void a_stuck_worker_is_said_three_times(void **state)
{
	char *text = shown("true", ",\"workers\":[" BUSY "," STUCK "]");

	(void)state;
	assert_int_equal(strncmp(text, "peertagd 1, ready, 1 WORKER STUCK, site sea1\n", 45), 0);
	assert_non_null(strstr(text, "1  1 worker STUCK\n"));
	assert_non_null(strstr(
		text,
		"   13  dpdk    net_a:1                0              -              -  STUCK\n"));
	free(text);
}

static void workers_of_an_engine_that_is_away_are_down(void **state)
{
	char *text = shown("false", ",\"workers\":[" BUSY "]");

	(void)state;
	assert_non_null(strstr(text, "188  DOWN\n"));
	assert_non_null(strstr(text, "not running\n"));
	free(text);
}

static void alerts_that_fire_stand_at_the_end(void **state)
{
	char *text = shown_with(
		"true", "",
		"{\"alert\":\"ConnectionSilent\",\"severity\":\"critical\",\"connection\":\"a b\"},"
		"{\"alert\":\"EngineDown\",\"severity\":\"critical\",\"engine\":\"xdp\"},"
		"{\"alert\":\"RegistryNearlyFull\",\"severity\":\"warning\","
		"\"limit\":\"max_prefixes\"}");

	(void)state;
	assert_string_equal(behind_ports(text), "\n"
						"ALERT               SEVERITY  ABOUT\n"
						"ConnectionSilent    critical  a b\n"
						"EngineDown          critical  xdp\n"
						"RegistryNearlyFull  warning   max_prefixes\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_without_workers_has_no_table_of_them),
		cmocka_unit_test(workers_stand_under_the_ports),
		cmocka_unit_test(a_stuck_worker_is_said_three_times),
		cmocka_unit_test(workers_of_an_engine_that_is_away_are_down),
		cmocka_unit_test(alerts_that_fire_stand_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
