/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: every documented form gives the right request, every ugly one a usage error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/programs.h"
#include "cli/request.h"

#define WORDS_MAX 64

/* A command line in one string: words are separated by spaces, ^ stands for a space in a word, and
 * '' for an empty word. */
struct line {
	char text[1024];
	char *words[WORDS_MAX];
	int count;
};

static void line_split(const char *text, struct line *ret_line)
{
	char *rest = ret_line->text, *word;

	snprintf(ret_line->text, sizeof(ret_line->text), "%s", text);
	ret_line->count = 0;
	while ((word = strsep(&rest, " "))) {
		for (char *c = word; *c; c++)
			if (*c == '^')
				*c = ' ';
		if (!strcmp(word, "''"))
			*word = '\0';
		assert_true(ret_line->count < WORDS_MAX);
		ret_line->words[ret_line->count++] = word;
	}
}

static const struct {
	const char *line;
	const char *method;
	const char *path;
	const char *body; /* NULL: none */
} requests[] = {
	{"connection add a partner P country SE", "POST", "/v1/connections",
	 "{\"name\":\"a\",\"partner\":\"P\",\"country\":\"SE\",\"prefixes\":[]}"},
	{"connection add contoso-seattle partner Lumen country US state WA city Seattle primary sea1 "
	 "backup pdx1 monitor on rtt_threshold_ms 40 mark 4097 dscp 10 vlan 100 label asn 64496 "
	 "prefix 203.0.113.0/24 prefix 2001:db8:100::/40 ownership partner latency on",
	 "POST", "/v1/connections",
	 "{\"name\":\"contoso-seattle\",\"partner\":\"Lumen\",\"country\":\"US\",\"state\":\"WA\","
	 "\"city\":\"Seattle\",\"primary_site\":\"sea1\",\"backup_site\":\"pdx1\",\"monitor\":true,"
	 "\"rtt_threshold_ms\":40,\"tag\":{\"mark\":4097,\"dscp\":10,\"vlan\":100},"
	 "\"labels\":{\"asn\":\"64496\"},\"prefixes\":[\"203.0.113.0/24\",{\"prefix\":"
	 "\"2001:db8:100::/40\",\"ownership\":\"partner\",\"latency\":true}]}"},
	{"connection add partner partner partner country US", "POST", "/v1/connections",
	 "{\"name\":\"partner\",\"partner\":\"partner\",\"country\":\"US\",\"prefixes\":[]}"},
	{"connection add a country SE monitor off mark 0x10 label k v label l w partner P", "POST",
	 "/v1/connections",
	 "{\"name\":\"a\",\"country\":\"SE\",\"monitor\":false,\"tag\":{\"mark\":16},"
	 "\"labels\":{\"k\":\"v\",\"l\":\"w\"},\"partner\":\"P\",\"prefixes\":[]}"},
	{"connection show", "GET", "/v1/connections", NULL},
	{"connection", "GET", "/v1/connections", NULL},
	{"connection list", "GET", "/v1/connections", NULL},
	{"connection show a", "GET", "/v1/connections/a", NULL},
	{"connection show a/b^c%d\xc3\xa9", "GET", "/v1/connections/a%2Fb%20c%25d%C3%A9", NULL},
	{"connection show -- -j", "GET", "/v1/connections/-j", NULL},
	{"connection show partner L^3 country US state WA", "GET",
	 "/v1/connections?partner=L%203&country=US&state=WA", NULL},
	{"connection show state W&A=", "GET", "/v1/connections?state=W%26A%3D", NULL},
	{"connection set a city Bonn", "PATCH", "/v1/connections/a", "{\"city\":\"Bonn\"}"},
	{"connection set a mark 5 monitor off", "PATCH", "/v1/connections/a",
	 "{\"tag\":{\"mark\":5},\"monitor\":false}"},
	{"connection set a city '' dscp '' label k ''", "PATCH", "/v1/connections/a",
	 "{\"city\":null,\"tag\":{\"dscp\":null},\"labels\":{\"k\":null}}"},
	{"connection set name country DE partner P", "PATCH", "/v1/connections/name",
	 "{\"country\":\"DE\",\"partner\":\"P\"}"},
	{"connection del a", "DELETE", "/v1/connections/a", NULL},
	{"connection delete a", "DELETE", "/v1/connections/a", NULL},
	{"prefix add a 192.0.2.0/24", "PATCH", "/v1/connections/a",
	 "{\"prefixes_add\":[\"192.0.2.0/24\"]}"},
	{"prefix add a 192.0.2.0/24 2001:db8::/32 ownership partner latency on", "PATCH",
	 "/v1/connections/a",
	 "{\"prefixes_add\":[{\"prefix\":\"192.0.2.0/24\",\"ownership\":\"partner\",\"latency\":true},"
	 "{\"prefix\":\"2001:db8::/32\",\"ownership\":\"partner\",\"latency\":true}]}"},
	{"prefix set a 192.0.2.0/24 latency off", "PATCH", "/v1/connections/a",
	 "{\"prefixes_set\":[{\"prefix\":\"192.0.2.0/24\",\"latency\":false}]}"},
	{"prefix del a 192.0.2.0/24 198.51.100.0/24", "PATCH", "/v1/connections/a",
	 "{\"prefixes_del\":[\"192.0.2.0/24\",\"198.51.100.0/24\"]}"},
	{"diff f.jsonl", "POST", "/v1/diff", NULL},
	{"apply f.jsonl", "POST", "/v1/apply", NULL},
	{"apply f.jsonl --force", "POST", "/v1/apply?force=true", NULL},
	{"apply --force -", "POST", "/v1/apply?force=true", NULL},
	{"history", "GET", "/v1/history", NULL},
	{"rollback 7", "POST", "/v1/rollback", "{\"revision\":7,\"force\":false}"},
	{"rollback 7 --force", "POST", "/v1/rollback?force=true",
	 "{\"revision\":7,\"force\":true}"},
	{"status", "GET", "/v1/status", NULL},
	{"counters", "GET", "/v1/counters", NULL},
	{"counters a&b", "GET", "/v1/counters?name=a%26b", NULL},
	{"latency", "GET", "/v1/latency", NULL},
	{"latency a&b", "GET", "/v1/latency?name=a%26b", NULL},
	{"lookup 192.0.2.1", "GET", "/v1/lookup?address=192.0.2.1", NULL},
	{"lookup 2001:db8::1", "GET", "/v1/lookup?address=2001%3Adb8%3A%3A1", NULL},
	{"port show", "GET", "/v1/status", NULL},
	{"port", "GET", "/v1/status", NULL},
	/* Shortened. */
	{"conn sh a", "GET", "/v1/connections/a", NULL},
	{"st", "GET", "/v1/status", NULL},
	{"pre a x 192.0.2.0/24 own partner", "PATCH", "/v1/connections/x",
	 "{\"prefixes_add\":[{\"prefix\":\"192.0.2.0/24\",\"ownership\":\"partner\"}]}"},
};

static void every_documented_command_becomes_its_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct invocation invocation;
		struct request request;
		struct line line;
		json_t *error = NULL;

		line_split(requests[i].line, &line);
		if (arguments_parse(line.count, line.words, &invocation, &error))
			fail_msg("%s: %s", requests[i].line,
				 json_string_value(json_object_get(error, "message")));
		assert_null(invocation.command->run);
		assert_true(request_make(&invocation, &request));
		assert_string_equal(request.method, requests[i].method);
		assert_string_equal(request.path, requests[i].path);
		if (requests[i].body)
			assert_string_equal(request.body, requests[i].body);
		else
			assert_null(request.body);
		request_done(&request);
		invocation_done(&invocation);
	}
}

static const struct {
	const char *line;
	enum exit_code (*run)(struct invocation *invocation);
	const char *arguments;
} programs[] = {
	{"check f", run_check, "{\"file\":\"f\"}"},
	{"check -", run_check, "{\"file\":\"-\"}"},
	{"export", run_export, "{}"},
	{"monitor", run_monitor, "{}"},
	{"top", run_top, "{}"},
	{"top -b -n 3", run_top, "{\"batch\":true,\"samples\":3}"},
	{"top -bn3 -d0.5", run_top, "{\"batch\":true,\"samples\":3,\"interval\":\"0.5\"}"},
	{"classify --registry r.jsonl c.pcap", run_classify,
	 "{\"registry\":\"r.jsonl\",\"capture\":\"c.pcap\"}"},
	{"classify --registry=r --engine xdp --table=lpm --write o.pcap c", run_classify,
	 "{\"registry\":\"r\",\"engine\":\"xdp\",\"table\":\"lpm\",\"write\":\"o.pcap\",\"capture\":"
	 "\"c\"}"},
	{"classify c.pcap --registry r", run_classify,
	 "{\"capture\":\"c.pcap\",\"registry\":\"r\"}"},
	{"doctor eth0", run_unavailable, "{\"port\":\"eth0\"}"},
	{"port add eth0", run_unavailable, "{\"port\":\"eth0\"}"},
	{"help", run_help, "{}"},
	{"connection help", run_help, "{\"object\":\"connection\"}"},
	{"completion", run_completion, "{\"words\":[]}"},
	{"completion -j top -b", run_completion, "{\"words\":[\"-j\",\"top\",\"-b\"]}"},
};

static void every_other_command_gets_its_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct invocation invocation;
		struct line line;
		json_t *error = NULL;
		char *arguments;

		line_split(programs[i].line, &line);
		assert_int_equal(arguments_parse(line.count, line.words, &invocation, &error),
				 EXIT_DONE);
		assert_ptr_equal(invocation.command->run, programs[i].run);
		arguments = json_dumps(invocation.arguments, JSON_COMPACT);
		assert_string_equal(arguments, programs[i].arguments);
		free(arguments);
		invocation_done(&invocation);
	}
}

static const struct {
	const char *line;
	const char *message;
} ugly[] = {
	{"conection show", "unknown command \"conection\": did you mean \"connection\"?"},
	{"frobnicate",
	 "unknown command \"frobnicate\": it is one of connection, prefix, check, diff, apply, "
	 "export, history, rollback, status, counters, top, lookup, monitor, classify, port, "
	 "latency, doctor, completion, manual, help"},
	{"co", "\"co\" begins more than one command"},
	{"''",
	 "unknown command \"\": it is one of connection, prefix, check, diff, apply, export, "
	 "history, rollback, status, counters, top, lookup, monitor, classify, port, latency, "
	 "doctor, completion, manual, help"},
	{"connection shwo", "unknown verb \"shwo\": did you mean \"show\"?"},
	{"connection s", "\"s\" begins more than one verb"},
	{"prefix", "prefix wants a verb"},
	{"connection add", "NAME is missing"},
	{"connection add a", "partner P is missing"},
	{"connection add a partner P", "country CC is missing"},
	{"connection add a partner", "partner wants P"},
	{"connection add a partner P country US partner Q", "partner is given twice"},
	{"connection add a partner P country US mark many",
	 "mark is \"many\": it is a whole number"},
	{"connection add a partner P country US mark -1", "mark is \"-1\": it is a whole number"},
	{"connection add a partner P country US mark ''", "mark is \"\": it is a whole number"},
	{"connection add a partner P country US monitor maybe",
	 "monitor is \"maybe\": it is on|off"},
	{"connection add a partner P country US ownership partner",
	 "ownership stands behind the prefix that it describes"},
	{"connection add a partner P country US prefix 192.0.2.0/24 ownership ours",
	 "ownership is \"ours\": it is customer|partner"},
	{"connection add a partner P country US prefix 192.0.2.0/24 latency on latency on",
	 "latency is given twice"},
	{"connection add a partner P country US label k", "label wants KEY VALUE"},
	{"connection add a partner P country US label k v label k w", "label is given twice"},
	{"connection add a partner P countri US",
	 "unknown word \"countri\": did you mean \"country\"?"},
	{"connection add a p P", "\"p\" begins more than one word"},
	{"connection set a", "there is nothing to set"},
	{"connection set a prefix 192.0.2.0/24", "unknown word \"prefix\""},
	{"connection show a partner P", "a NAME stands alone, it is only one"},
	{"connection show a b", "unknown word \"b\""},
	{"connection del", "NAME is missing"},
	{"connection del a b", "unknown word \"b\""},
	{"prefix add a", "CIDR is missing"},
	{"prefix add a 192.0.2.0/24 ownrship partner",
	 "unknown word \"ownrship\": did you mean \"ownership\"?"},
	{"prefix set a 192.0.2.0/24", "there is nothing to set"},
	{"prefix del a 192.0.2.0/24 latency on", "unknown word \"latency\""},
	{"check", "FILE is missing"},
	{"apply f --forse", "unknown option --forse"},
	{"apply f --force=yes", "--force takes no value"},
	{"rollback", "REVISION is missing"},
	{"rollback last", "REVISION is \"last\": it is a whole number"},
	{"rollback 99999999999999999999",
	 "REVISION is \"99999999999999999999\": it is a whole number"},
	{"status now", "unknown word \"now\""},
	{"top -x", "unknown option -x"},
	{"top -n", "-n wants N"},
	{"top -n five", "-n is \"five\": it is a whole number"},
	{"classify c.pcap", "--registry FILE is missing"},
	{"classify --registry r", "CAPTURE is missing"},
	{"classify --registry r --engine ebpf c", "--engine is \"ebpf\": it is xdp|dpdk"},
	{"-z status", "unknown option -z"},
	{"-c", "-c wants CONFIG"},
	{"connection show \xff", "NAME is not UTF-8"},
};

static void every_ugly_command_line_is_told_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ugly) / sizeof(ugly[0]); i++) {
		struct invocation invocation;
		struct line line;
		json_t *error = NULL;

		line_split(ugly[i].line, &line);
		if (arguments_parse(line.count, line.words, &invocation, &error) != EXIT_USAGE)
			fail_msg("taken: %s", ugly[i].line);
		assert_string_equal(json_string_value(json_object_get(error, "message")),
				    ugly[i].message);
		assert_string_equal(json_string_value(json_object_get(error, "code")), "usage");
		assert_non_null(json_object_get(error, "hint"));
		json_decref(error);
		invocation_done(&invocation);
	}
}

static void global_options_may_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"-j -c C -s S status",
		"status -j -c C -s S",
		"-jcC status -sS",
		"--json --config=C status --socket S",
		"connection -j show -cC -sS",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct invocation invocation;
		struct line line;
		json_t *error = NULL;

		line_split(lines[i], &line);
		assert_int_equal(arguments_parse(line.count, line.words, &invocation, &error),
				 EXIT_DONE);
		assert_true(invocation.json);
		assert_string_equal(invocation.config_path, "C");
		assert_string_equal(invocation.socket_path, "S");
		invocation_done(&invocation);
	}
}

static void json_is_heard_behind_the_mistake(void **state)
{
	struct invocation invocation;
	struct line line;
	json_t *error = NULL;

	(void)state;
	line_split("frobnicate -j", &line);
	assert_int_equal(arguments_parse(line.count, line.words, &invocation, &error), EXIT_USAGE);
	assert_true(invocation.json);
	json_decref(error);
	invocation_done(&invocation);
}

static void a_synopsis_is_what_the_contract_says(void **state)
{
	static const struct {
		const char *object, *verb, *synopsis;
	} expected[] = {
		{"connection", "del", "peertag connection del NAME"},
		{"connection", "show",
		 "peertag connection show [NAME] [partner P] [country CC] [state SS]"},
		{"connection", "add",
		 "peertag connection add NAME partner P country CC [state SS] [city C] [primary SITE] "
		 "[backup SITE] [monitor on|off] [rtt_threshold_ms N] [mark N] [dscp N] [vlan N] "
		 "[label KEY VALUE]... [prefix CIDR [ownership customer|partner] [latency on|off]]..."},
		{"prefix", "add",
		 "peertag prefix add NAME CIDR... [ownership customer|partner] [latency on|off]"},
		{"apply", NULL, "peertag apply FILE [--force]"},
		{"top", NULL, "peertag top [-b] [-n N] [-d SECONDS]"},
		{"classify", NULL,
		 "peertag classify --registry FILE [--engine xdp|dpdk] [--table flat|lpm] "
		 "[--write OUT.pcap] CAPTURE"},
	};
	char synopsis[1024], cut[10];

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		help_synopsis(command_get(expected[i].object, expected[i].verb), synopsis,
			      sizeof(synopsis));
		assert_string_equal(synopsis, expected[i].synopsis);
	}
	help_synopsis(command_get("classify", NULL), cut, sizeof(cut));
	assert_string_equal(cut, "peertag c");
}

static void every_command_either_runs_or_asks_and_shows(void **state)
{
	(void)state;
	for (const struct command *command = commands; command->object; command++) {
		assert_true(!command->run == (command->method && command->path && command->show));
		assert_non_null(command->summary);
		assert_ptr_equal(command_get(command->object, command->verb), command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_documented_command_becomes_its_request),
		cmocka_unit_test(every_other_command_gets_its_arguments),
		cmocka_unit_test(every_ugly_command_line_is_told_what_is_wrong),
		cmocka_unit_test(global_options_may_stand_anywhere),
		cmocka_unit_test(json_is_heard_behind_the_mistake),
		cmocka_unit_test(a_synopsis_is_what_the_contract_says),
		cmocka_unit_test(every_command_either_runs_or_asks_and_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
