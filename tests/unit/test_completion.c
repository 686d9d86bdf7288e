/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion: what an unfinished word can become, without a daemon that knows names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/programs.h"

#define PRINTED_BYTES 4096

/* The candidates that are printed for `words`, joined by spaces. */
static void complete(const char *words, char printed[PRINTED_BYTES])
{
	char copy[256], *rest = copy, *word;
	struct invocation invocation = {.arguments = json_object(), .socket_path = "/nowhere"};
	int file = memfd_create("stdout", 0), saved = dup(STDOUT_FILENO);
	json_t *list = json_array();
	ssize_t bytes;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")))
		json_array_append_new(list, json_string(word));
	json_object_set_new(invocation.arguments, "words", list);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	assert_int_equal(run_completion(&invocation), EXIT_DONE);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	bytes = pread(file, printed, PRINTED_BYTES - 1, 0);
	assert_true(bytes >= 0);
	printed[bytes] = '\0';
	for (char *c = printed; *c; c++)
		if (*c == '\n')
			*c = c[1] ? ' ' : '\0';
	close(file);
	close(saved);
	json_decref(invocation.arguments);
}

static const struct {
	const char *words; /* the last one is not finished */
	const char *candidates;
} cases[] = {
	{"co", "connection counters completion"},
	{"connection ", "add show set del"},
	{"conn s", "show set"},
	{"-j -s S conn s", "show set"},
	{"-", "-j --json -c --config -s --socket -h --help -V --version"},
	{"-c ", ""},
	{"connection add x partner P country US st", "state"},
	{"connection add x monitor ", "on off"},
	{"connection add x prefix 192.0.2.0/24 ownership p", "partner"},
	{"connection add x partner P p", "primary prefix"},
	{"connection add x prefix 192.0.2.0/24 pre", "prefix"},
	{"connection add x label ", ""},
	{"connection add x label monitor mon", ""},
	{"connection add x monitor on mon", ""},
	{"connection add x label monitor v mon", "monitor"},
	{"prefix set x 192.0.2.0/24 l", "latency"},
	{"apply f --", "--force"},
	{"apply f --force --", ""},
	{"classify --eng", "--engine"},
	{"classify --engine ", "xdp dpdk"},
	{"top -", "-b -n -d"},
	{"nonsense ", ""},
	{"connection nonsense ", ""},
	{"status ", ""},
};

static void an_unfinished_word_becomes_what_the_table_says(void **state)
{
	char printed[PRINTED_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		complete(cases[i].words, printed);
		if (strcmp(printed, cases[i].candidates))
			fail_msg("\"%s\" gives \"%s\", not \"%s\"", cases[i].words, printed,
				 cases[i].candidates);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unfinished_word_becomes_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
