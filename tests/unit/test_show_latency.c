/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of `peertag latency`, from the daemon's document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/show.h"

#define FIGURES "\"samples\":120,\"p50\":0.0121,\"p90\":0.0305,\"p99\":0.2,\"mean\":0.01525"

static char *shown(const char *document, const char *arguments)
{
	json_t *answer = json_loads(document, 0, NULL), *given = json_loads(arguments, 0, NULL);
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes), *before = stdout;

	assert_non_null(answer);
	stdout = stream;
	show_latency(given, answer);
	stdout = before;
	fclose(stream);
	json_decref(answer);
	json_decref(given);
	return text;
}

static void prefixes_stand_under_their_connection(void **state)
{
	char *text =
		shown("{\"connections\":{\"a\":{" FIGURES "},\"b\":{\"withheld\":\"too few\"}},"
		      "\"prefixes\":{\"192.0.2.0/24\":{" FIGURES ",\"connection\":\"a\"},"
		      "\"198.51.100.0/25\":{\"withheld\":\"too fine\",\"connection\":\"a\"},"
		      "\"203.0.113.0/24\":{\"withheld\":\"too few\",\"connection\":\"b\"}},"
		      "\"window\":{\"seconds\":60,\"end\":null}}",
		      "{}");

	(void)state;
	assert_string_equal(
		text,
		"no window of 60 seconds has ended yet\n\n"
		"CONNECTION  PREFIX           SAMPLES     P50     P90      P99    MEAN  NOTE\n"
		"a           all                  120  12.100  30.500  200.000  15.250\n"
		"a           192.0.2.0/24         120  12.100  30.500  200.000  15.250\n"
		"a           198.51.100.0/25        -       -       -        -       -  too fine\n"
		"b           all                    -       -       -        -       -  too few\n"
		"b           203.0.113.0/24         -       -       -        -       -  too few\n");
	free(text);
}

static void the_window_s_end_is_named(void **state)
{
	char *text = shown("{\"connections\":{\"a\":{" FIGURES "}},\"prefixes\":{},"
			   "\"window\":{\"seconds\":1,\"end\":1700000000.5}}",
			   "{}");

	(void)state;
	assert_non_null(strstr(text, "the 1 second to 22:13:20, in milliseconds\n"));
	free(text);
}

static void it_says_how_to_select_a_prefix_where_none_is(void **state)
{
	static const char nothing[] = "{\"connections\":{},\"prefixes\":{},"
				      "\"window\":{\"seconds\":60,\"end\":null}}";
	char *text = shown(nothing, "{}");

	(void)state;
	assert_string_equal(text,
			    "no prefix is selected for latency: `peertag prefix set NAME CIDR "
			    "latency on`\n");
	free(text);
	text = shown(nothing, "{\"name\":\"a\"}");
	assert_non_null(strstr(text, "no prefix of a is selected"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_stand_under_their_connection),
		cmocka_unit_test(the_window_s_end_is_named),
		cmocka_unit_test(it_says_how_to_select_a_prefix_where_none_is),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
