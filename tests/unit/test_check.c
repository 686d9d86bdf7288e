/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules between connections, on small sets and on real ones. */
#include "registry_fixture.h"

#include "registry/check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LINE(name, prefixes)                                                                       \
	"{\"name\":\"" name "\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[" prefixes "]}\n"

static const struct {
	const char *text;
	struct policy policy;
	enum error_code code; /* ERROR_NONE: accepted */
	size_t count;
	const char *connection;
	const char *prefix;
	const char *conflicts_with;
	const char *conflicts_with_prefix;
} cases[] = {
	{LINE("a", "\"8.8.8.0/24\"") LINE("b", "\"8.8.9.0/24\""), {0}, ERROR_NONE, 0},
	{LINE("a", "\"8.8.8.0/24\"") LINE("a", "\"8.8.9.0/24\""),
	 {0},
	 ERROR_DUPLICATE_NAME,
	 1,
	 "a",
	 "",
	 "a",
	 ""},
	{LINE("b", "\"8.8.8.0/24\"") LINE("a", "\"8.8.8.0/24\""),
	 {0},
	 ERROR_DUPLICATE_PREFIX,
	 1,
	 "a",
	 "8.8.8.0/24",
	 "b",
	 "8.8.8.0/24"},
	{LINE("a", "\"8.8.8.0/24\"") LINE("b", "\"8.8.8.0/24\"") LINE("c", "\"8.8.8.0/24\""),
	 {.overlap_nested = true},
	 ERROR_DUPLICATE_PREFIX,
	 2,
	 "b",
	 "8.8.8.0/24",
	 "a",
	 "8.8.8.0/24"},
	{LINE("a", "\"8.8.8.0/25\"") LINE("b", "\"8.8.8.0/24\""),
	 {0},
	 ERROR_OVERLAP,
	 1,
	 "a",
	 "8.8.8.0/25",
	 "b",
	 "8.8.8.0/24"},
	{LINE("a", "\"8.8.8.0/25\"") LINE("b", "\"8.8.8.0/24\""),
	 {.overlap_nested = true},
	 ERROR_NONE,
	 0},
	{LINE("a", "\"8.8.0.0/16\",\"8.8.8.0/24\"") LINE("b", "\"8.8.8.128/25\""),
	 {0},
	 ERROR_OVERLAP,
	 1,
	 "b",
	 "8.8.8.128/25",
	 "a",
	 "8.8.8.0/24"},
	{LINE("a", "\"8.0.0.0/8\"") LINE("b", "\"8.8.0.0/16\",\"8.8.8.0/24\""),
	 {0},
	 ERROR_OVERLAP,
	 2,
	 "b",
	 "8.8.0.0/16",
	 "a",
	 "8.0.0.0/8"},
	{LINE("a", "\"8.8.0.0/16\",\"8.8.8.0/24\",\"8.8.8.0/25\""), {0}, ERROR_NONE, 0},
	{LINE("a", "\"2a00::/16\"") LINE("b", "\"42.0.0.0/16\""), {0}, ERROR_NONE, 0},
	{LINE("a", "\"10.0.0.0/24\""), {0}, ERROR_SPECIAL_RANGE, 1, "a", "10.0.0.0/24", "", ""},
	{LINE("a", "\"10.0.0.0/24\""), {.allow_special = true}, ERROR_NONE, 0},
	{LINE("a", "\"0.0.0.0/0\""), {0}, ERROR_DEFAULT_ROUTE, 1, "a", "0.0.0.0/0", "", ""},
	{LINE("a", "\"::/0\""), {0}, ERROR_DEFAULT_ROUTE, 1, "a", "::/0", "", ""},
	{LINE("a", "\"::/0\",\"0.0.0.0/0\""), {.allow_special = true}, ERROR_NONE, 0},
	{LINE("a", "\"8.8.8.0/24\"") LINE("b", ""),
	 {.max_connections = 1},
	 ERROR_CAPACITY,
	 1,
	 "",
	 "",
	 "",
	 ""},
	{LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\""),
	 {.max_prefixes = 1},
	 ERROR_CAPACITY,
	 1,
	 "",
	 "",
	 "",
	 ""},
	{LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\""), {.max_prefixes = 2}, ERROR_NONE, 0},
};

static void check_case(size_t i, const struct error_list *errors)
{
	struct error error;

	if (errors->count != cases[i].count)
		fail_msg("%zu errors: %s", errors->count, cases[i].text);
	if (errors->count == 0)
		return;
	error_list_get(errors, 0, &error);
	if (error.code != cases[i].code)
		fail_msg("%s: %s", error.message, cases[i].text);
	assert_string_equal(error.connection, cases[i].connection);
	assert_string_equal(error.prefix, cases[i].prefix);
	assert_string_equal(error.conflicts_with, cases[i].conflicts_with);
	assert_string_equal(error.conflicts_with_prefix, cases[i].conflicts_with_prefix);
}

static void check_finds_each_conflict_and_names_both_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct input input;

		fixture_input(cases[i].text, &input);
		assert_int_equal(input.errors.count, 0);
		check_input(&input, &cases[i].policy);
		check_case(i, &input.errors);
		input_done(&input);
	}
}

static void check_says_how_much_capacity_is_needed(void **state)
{
	struct input input;
	struct error error;

	(void)state;
	fixture_input(LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\""), &input);
	check_input(&input, &(struct policy){.max_prefixes = 1});
	error_list_get(&input.errors, 0, &error);
	assert_non_null(strstr(error.message, "2 prefixes"));
	input_done(&input);
}

#define SELECTED(prefix) "{\"prefix\":\"" prefix "\",\"latency\":true}"

/* Those that are too fine share one, and a prefix that is not selected needs none. */
static void check_counts_what_latency_needs(void **state)
{
	static const char text[] = LINE("a", "\"8.8.8.0/24\"," SELECTED("9.9.9.0/24") "," SELECTED(
						     "9.9.8.0/25") "," SELECTED("9.9.8.128/25"))
		LINE("b", SELECTED("2a00::/48")) LINE("c", "\"1.1.1.0/24\"");
	const uint64_t series = 3 * CHECK_CONNECTION_SERIES + 4 * CHECK_LATENCY_SERIES;
	struct policy tight = {.latency_slots = 2, .series_limit = series - 1};
	struct policy enough = {.latency_slots = 3, .series_limit = series};
	struct input input;
	struct error error;

	(void)state;
	fixture_input(text, &input);
	check_input(&input, &tight);
	assert_int_equal(input.errors.count, 2);
	assert_int_equal(fixture_count(&input.errors, ERROR_CAPACITY, NULL, NULL), 2);
	error_list_get(&input.errors, 1, &error);
	assert_string_equal(error.message, "3 latency slots do not fit: latency.slots is 2");
	assert_string_equal(error.hint, "latency.slots: 3 in the configuration is what this needs");
	input_done(&input);
	fixture_input(text, &input);
	check_input(&input, &enough);
	assert_int_equal(input.errors.count, 0);
	input_done(&input);
}

static void check_reports_errors_in_the_order_of_the_file(void **state)
{
	uint32_t line = 0;
	struct input input;

	(void)state;
	fixture_input(LINE("a", "\"8.8.8.0/24\"")
			      LINE("b", "\"10.0.0.0/8\",\"8.8.8.0/24\"") "x\n" LINE(
				      "a", "\"8.8.8.0/24\",\"9.9.9.9/24\""),
		      &input);
	check_input(&input, &(struct policy){0});
	assert_int_equal(input.errors.count, 6);
	for (size_t i = 0; i < input.errors.count; i++) {
		struct error error;

		error_list_get(&input.errors, i, &error);
		assert_true(error.line >= line);
		line = error.line;
	}
	input_done(&input);
}

static void check_document_has_the_fields_that_are_promised(void **state)
{
	json_t *document, *error;
	struct input input;

	(void)state;
	fixture_input(LINE("a", "\"8.8.8.0/24\",\"8.8.8.0/24\"") LINE("b", "\"8.8.8.0/24\""),
		      &input);
	check_input(&input, &(struct policy){0});
	document = check_document(&input);
	assert_true(json_is_false(json_object_get(document, "ok")));
	assert_int_equal(json_integer_value(json_object_get(document, "connections")), 2);
	assert_int_equal(json_array_size(json_object_get(document, "warnings")), 1);
	error = json_array_get(json_object_get(document, "errors"), 0);
	assert_string_equal(json_string_value(json_object_get(error, "code")), "duplicate_prefix");
	assert_string_equal(json_string_value(json_object_get(error, "connection")), "b");
	assert_string_equal(json_string_value(json_object_get(error, "conflicts_with")), "a");
	assert_int_equal(json_integer_value(json_object_get(error, "line")), 2);
	assert_null(json_object_get(error, "hint"));
	json_decref(document);
	input_done(&input);
}

/* The oracle: every pair, compared naively. */
static size_t count_pairs(const struct input *input, bool nested)
{
	const struct connection_set *set = &input->connections;
	size_t found = 0;

	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < set->items[i]->prefix_count; j++) {
			const struct prefix *inner = &set->items[i]->prefixes[j].prefix;
			bool duplicate = false, inside = false;

			for (size_t k = 0; k < set->count; k++)
				for (size_t l = 0; k != i && l < set->items[k]->prefix_count; l++) {
					const struct prefix *other =
						&set->items[k]->prefixes[l].prefix;
					bool equal = prefix_compare(inner, other) == 0;

					duplicate |= equal && k < i;
					inside |= !equal && prefix_contains(other, inner);
				}
			found += duplicate + (inside && !nested);
		}
	return found;
}

static void check_agrees_with_comparing_every_pair(void **state)
{
	unsigned seed = 20261123;

	(void)state;
	srandom(seed);
	print_message("seed %u\n", seed);
	for (int round = 0; round < 300; round++) {
		struct policy policy = {.allow_special = true, .overlap_nested = round % 2};
		char text[4096] = "";
		struct input input;

		for (int i = 0; i < 4; i++) {
			sprintf(text + strlen(text),
				"{\"name\":\"%d\",\"partner\":\"p\","
				"\"country\":\"DE\",\"prefixes\":[",
				i);
			for (int j = 0; j < 8; j++) {
				struct prefix prefix = {.family = random() % 2 ? 4 : 6};
				char spelling[PREFIX_TEXT_SIZE];

				prefix.addr[0] = (uint8_t)(random() % 4 << 6);
				prefix.addr[1] = (uint8_t)random();
				prefix.length = (uint8_t)(random() % 12);
				prefix_clear_host_bits(&prefix);
				sprintf(text + strlen(text), "%s\"%s\"", j ? "," : "",
					prefix_format(&prefix, spelling));
			}
			strcat(text, "]}\n");
		}
		fixture_input(text, &input);
		assert_int_equal(input.errors.count, 0);
		check_input(&input, &policy);
		assert_int_equal(input.errors.count, count_pairs(&input, policy.overlap_nested));
		input_done(&input);
	}
}

static void read_real(const char *name, struct input *ret_input)
{
	struct error error;
	const char *path = fixture_data(name);

	if (!input_read_file(path, ret_input, &error))
		fail_msg("%s", error.message);
}

static void check_finds_nothing_wrong_with_the_delegations_of_all_countries(void **state)
{
	struct prefix_totals totals;
	struct input input;

	(void)state;
	read_real("connections/countries.jsonl", &input);
	check_input(&input, &(struct policy){0});
	totals = check_totals(&input.connections);
	assert_int_equal(input.errors.count, 0);
	assert_int_equal(input.warnings.count, 0);
	assert_int_equal(input.connections.count, 237);
	assert_int_equal(totals.ipv4, 175195);
	assert_int_equal(totals.ipv6, 67839);
	input_done(&input);
}

static void check_reports_every_duplicated_prefix_of_a_cloud(void **state)
{
	struct input input;

	(void)state;
	read_real("connections/aws.jsonl", &input);
	check_input(&input, &(struct policy){.overlap_nested = true});
	assert_int_equal(fixture_count(&input.errors, ERROR_DUPLICATE_PREFIX, NULL, NULL),
			 input.errors.count);
	assert_int_equal(input.errors.count, 5434);
	for (size_t i = 0; i < input.errors.count; i++) {
		struct error error;

		error_list_get(&input.errors, i, &error);
		assert_true(error.connection[0] && error.conflicts_with[0]);
		assert_string_not_equal(error.connection, error.conflicts_with);
	}
	input_done(&input);
}

static void check_accepts_nested_partners_only_where_configured(void **state)
{
	struct input input;

	(void)state;
	read_real("connections/partners.jsonl", &input);
	check_input(&input, &(struct policy){.allow_special = true});
	assert_true(input.errors.count > 0);
	assert_int_equal(fixture_count(&input.errors, ERROR_OVERLAP, NULL, NULL),
			 input.errors.count);
	input_done(&input);
	read_real("connections/partners.jsonl", &input);
	check_input(&input, &(struct policy){.overlap_nested = true});
	assert_int_equal(fixture_count(&input.errors, ERROR_SPECIAL_RANGE, NULL, "192.168.1.1/32"),
			 1);
	assert_int_equal(input.errors.count, 1);
	input_done(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_finds_each_conflict_and_names_both_sides),
		cmocka_unit_test(check_says_how_much_capacity_is_needed),
		cmocka_unit_test(check_counts_what_latency_needs),
		cmocka_unit_test(check_reports_errors_in_the_order_of_the_file),
		cmocka_unit_test(check_document_has_the_fields_that_are_promised),
		cmocka_unit_test(check_agrees_with_comparing_every_pair),
		cmocka_unit_test(check_finds_nothing_wrong_with_the_delegations_of_all_countries),
		cmocka_unit_test(check_reports_every_duplicated_prefix_of_a_cloud),
		cmocka_unit_test(check_accepts_nested_partners_only_where_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
