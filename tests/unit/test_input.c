/* SPDX-License-Identifier: BSD-3-Clause */
/* Registry files: three forms, every error with its line, nothing good lost beside something bad.
 */
#include "registry_fixture.h"

#include "registry/check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define A	     "{\"name\":\"a\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[\"8.8.8.0/24\"]}"
#define B	     "{\"name\":\"b\",\"partner\":\"p\",\"country\":\"FR\",\"prefixes\":[\"2a00::/32\"]}"
#define HEADER	     "name,partner,country,state,prefix\n"

static const struct {
	const char *text;
	size_t connections;
} good[] = {
	{"", 0},
	{"\n \r\n\t\n", 0},
	{A, 1},
	{A "\n" B "\n", 2},
	{"\xef\xbb\xbf" A "\r\n\r\n" B "\r\n", 2},
	{"[]", 0},
	{" [ ] \n", 0},
	{"[" A "]", 1},
	{"\xef\xbb\xbf[\r\n" A ",\r\n" B "\r\n]\r\n", 2},
	{"[\n  {\n    \"name\": \"a\",\n    \"partner\": \"p\", \"country\": \"DE\",\n"
	 "    \"prefixes\": [\n      \"8.8.8.0/24\"\n    ]\n  }\n]\n",
	 1},
	{HEADER, 0},
	{HEADER "a,p,DE,,8.8.8.0/24\nb,p,US,WA,\n", 2},
	{"\xef\xbb\xbfname,partner,country,state,prefix\r\na,p,DE,,8.8.8.0/24\r\n", 1},
	{"prefix,name,state,country,partner\n8.8.8.0/24,a,,DE,p", 1},
	{HEADER "\"a \"\"x\"\", y\",p,DE,,8.8.8.0/24\n", 1},
	{HEADER "a,p,DE,,8.8.8.0/24\nb,q,FR,,9.9.9.0/24\na,p,DE,,8.8.4.0/24\n", 2},
};

static void input_reads_each_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct input input;
		struct error error;

		fixture_input(good[i].text, &input);
		if (input.errors.count) {
			error_list_get(&input.errors, 0, &error);
			fail_msg("line %u: %s: %s", error.line, error.message, good[i].text);
		}
		assert_int_equal(input.connections.count, good[i].connections);
		input_done(&input);
	}
}

static const struct {
	const char *text;
	enum error_code code;
	uint32_t line;
	size_t connections; /* that are good all the same */
} bad[] = {
	{"x", ERROR_SYNTAX, 1, 0},
	{"{", ERROR_SYNTAX, 1, 0},
	{A "\n" A "x\n" B, ERROR_SYNTAX, 2, 2},
	{A "\n\n\n{\"name\":\"b\",\"par", ERROR_SYNTAX, 4, 1},
	{"{\"name\":\"a\",\"name\":\"b\"}", ERROR_SYNTAX, 1, 0},
	{"{\"name\":\"\xff\"}", ERROR_SYNTAX, 1, 0},
	{A "\n7\n", ERROR_BAD_VALUE, 2, 1},
	{"[", ERROR_SYNTAX, 1, 0},
	{"[\n" A, ERROR_SYNTAX, 2, 1},
	{"[\n" A "\n" B "]", ERROR_SYNTAX, 3, 1},
	{"[" A ",]", ERROR_SYNTAX, 1, 1},
	{"[" A "]\n\nx", ERROR_SYNTAX, 3, 1},
	{"[\n" A ",\n{\n\"name\": }]", ERROR_SYNTAX, 4, 1},
	{"[\n7,\n" A "]", ERROR_BAD_VALUE, 2, 1},
	{"name,partner,country,prefix\n", ERROR_SYNTAX, 1, 0},
	{"name,partner,country,stat,prefix\n", ERROR_UNKNOWN_KEY, 1, 0},
	{"name,partner,country,prefix,prefix\n", ERROR_UNKNOWN_KEY, 1, 0},
	{HEADER "a,p,DE,,8.8.8.0/24,x\n", ERROR_SYNTAX, 2, 0},
	{HEADER "a,p,DE\nb,p,DE,,\n", ERROR_SYNTAX, 2, 1},
	{HEADER "\"a,p,DE,,8.8.8.0/24\n", ERROR_SYNTAX, 2, 0},
	{HEADER "\"a\"b,p,DE,,\n", ERROR_SYNTAX, 2, 0},
	{HEADER "a\"b,p,DE,,\n", ERROR_SYNTAX, 2, 0},
	{HEADER "a,p,DE,,8.8.8.8/24\n", ERROR_HOST_BITS, 2, 1},
	{HEADER "a,p,DE,,8.8.8.0/24\na,q,DE,,8.8.4.0/24\n", ERROR_BAD_VALUE, 3, 1},
	{HEADER "a,p,DE,,8.8.8.0/24\na,p,FR,,8.8.4.0/24\n", ERROR_BAD_VALUE, 3, 1},
	{HEADER ",p,DE,,8.8.8.0/24\n", ERROR_MISSING_KEY, 2, 0},
	{HEADER "a,,DE,,8.8.8.0/24\n", ERROR_MISSING_KEY, 2, 1},
	{HEADER "a,p,US,,8.8.8.0/24\n", ERROR_MISSING_KEY, 2, 1},
	{HEADER "a\xff,p,DE,,8.8.8.0/24\n", ERROR_SYNTAX, 2, 0},
	{HEADER "\"a\nb\",p,DE,,\nc,p,DE,,9.9.9.9/24\n", ERROR_BAD_VALUE, 2, 1},
};

static void input_reports_the_line_of_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct input input;
		struct error error;

		fixture_input(bad[i].text, &input);
		if (input.errors.count == 0)
			fail_msg("accepted: %s", bad[i].text);
		error_list_get(&input.errors, 0, &error);
		if (error.code != bad[i].code || error.line != bad[i].line)
			fail_msg("line %u: %s: %s", error.line, error.message, bad[i].text);
		if (input.connections.count != bad[i].connections)
			fail_msg("%zu connections: %s", input.connections.count, bad[i].text);
		input_done(&input);
	}
}

static void input_takes_no_nul_byte_in_csv(void **state)
{
	static const char *const names[] = {"a%cb", "\"a%cb\""};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct input input;
		int header = snprintf(text, sizeof(text), HEADER);
		int name = snprintf(text + header, sizeof(text) - header, names[i], '\0');
		int rest = snprintf(text + header + name, sizeof(text) - header - name,
				    ",p,DE,,8.8.8.0/24\n");

		input_read(text, (size_t)(header + name + rest), &input);
		assert_int_equal(fixture_count(&input.errors, ERROR_SYNTAX, NULL, NULL), 1);
		assert_int_equal(input.connections.count, 0);
		input_done(&input);
	}
}

static void input_goes_on_behind_an_error(void **state)
{
	struct input input;

	(void)state;
	fixture_input("{\n" A "\nnot JSON\n" B "\n{\"name\":\"c\"}\n", &input);
	assert_int_equal(fixture_count(&input.errors, ERROR_SYNTAX, NULL, NULL), 2);
	assert_int_equal(fixture_count(&input.errors, ERROR_MISSING_KEY, "c", NULL), 3);
	assert_int_equal(input.connections.count, 3);
	input_done(&input);
}

static void input_joins_csv_rows_of_one_name(void **state)
{
	const struct connection *connection;
	struct input input;

	(void)state;
	fixture_input(HEADER "a,p,DE,,9.9.9.0/24\nb,q,FR,,\na,p,DE,,8.8.4.0/24\n"
			     "a,p,DE,,9.9.9.0/24\n",
		      &input);
	assert_int_equal(input.errors.count, 0);
	connection = input.connections.items[0];
	assert_int_equal(connection->prefix_count, 2);
	assert_int_equal(connection->prefixes[0].line, 4);
	assert_int_equal(connection->prefixes[1].line, 2);
	assert_int_equal(fixture_count(&input.warnings, ERROR_REPEATED_PREFIX, "a", "9.9.9.0/24"),
			 1);
	input_done(&input);
}

/* Every truncation and many bit flips of a file in each form: an answer, and no read past the end.
 */
static void input_survives_a_truncated_or_damaged_file(void **state)
{
	static const char *const texts[] = {
		A "\n" B "\n",
		"[" A ",\n" B "]\n",
		HEADER "\"a \"\"x\"\"\",p,US,WA,8.8.8.0/24\nb,p,DE,,2a00::/32\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t size = strlen(texts[i]);

		for (size_t cut = 0; cut <= size; cut++) {
			for (int bit = -1; bit < 8; bit++) {
				char *copy = malloc(cut ? cut : 1);
				struct input input;

				memcpy(copy, texts[i], cut);
				if (cut && bit >= 0)
					copy[cut / 2] ^= (char)(1 << bit);
				input_read(copy, cut, &input);
				check_input(&input, &(struct policy){0});
				json_decref(check_document(&input));
				input_done(&input);
				free(copy);
			}
		}
	}
}

static void input_names_a_file_that_cannot_be_read(void **state)
{
	struct input input;
	struct error error;

	(void)state;
	assert_false(input_read_file(fixture_path("absent"), &input, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.message, "absent"));
	assert_false(input_read_file("/", &input, &error));
	assert_int_equal(error.code, ERROR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_reads_each_form),
		cmocka_unit_test(input_reports_the_line_of_what_is_wrong),
		cmocka_unit_test(input_takes_no_nul_byte_in_csv),
		cmocka_unit_test(input_goes_on_behind_an_error),
		cmocka_unit_test(input_joins_csv_rows_of_one_name),
		cmocka_unit_test(input_survives_a_truncated_or_damaged_file),
		cmocka_unit_test(input_names_a_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
