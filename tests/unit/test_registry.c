/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes to a registry: what is refused changes nothing, what is done stays. */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array)	     (sizeof(array) / sizeof((array)[0]))
#define HEAD(name)	     "{\"name\":\"" name "\",\"partner\":\"p\",\"country\":\"DE\","
#define LINE(name, prefixes) HEAD(name) "\"prefixes\":[" prefixes "]}\n"
#define MARKED(name, mark, prefixes)                                                               \
	HEAD(name) "\"tag\":{\"mark\":" mark "},\"prefixes\":[" prefixes "]}\n"

static const struct author author = {.uid = 1000};

/* Runs a write on a document given as text; the code of its first error, ERROR_NONE when done. */
static enum error_code write_text(struct registry *registry, const char *verb, const char *name,
				  const char *text)
{
	json_t *document = json_loads(text, JSON_DECODE_ANY, NULL);
	struct registry_result result = {0};
	struct error error = {0};
	struct error_list errors;
	bool done = false;

	error_list_init(&errors);
	if (strcmp(verb, "add") == 0)
		done = registry_add(registry, &author, document, &result, &errors);
	else if (strcmp(verb, "replace") == 0)
		done = registry_replace(registry, &author, name, document, &result, &errors);
	else if (strcmp(verb, "patch") == 0)
		done = registry_patch(registry, &author, name, document, &result, &errors);
	else if (strcmp(verb, "delete") == 0)
		done = registry_delete(registry, &author, name, &result, &errors);
	else
		done = registry_prefixes(registry, &author, name,
					 strcmp(verb, "prefix add") == 0   ? PREFIX_ADD
					 : strcmp(verb, "prefix set") == 0 ? PREFIX_SET
									   : PREFIX_DELETE,
					 document, &result, &errors);
	assert_int_equal(done, errors.count == 0);
	if (errors.count)
		error_list_get(&errors, 0, &error);
	if (done)
		registry_result_done(&result);
	error_list_done(&errors);
	json_decref(document);
	return error.code;
}

static const struct {
	const char *verb, *name, *text;
	enum error_code code;
} refused[] = {
	{"add", NULL, "7", ERROR_BAD_VALUE},
	{"add", NULL, LINE("a", ""), ERROR_DUPLICATE_NAME},
	{"add", NULL, LINE("c", "\"8.8.8.0/24\""), ERROR_DUPLICATE_PREFIX},
	{"add", NULL, LINE("c", "\"8.8.8.0/25\""), ERROR_OVERLAP},
	{"add", NULL, LINE("c", "\"8.0.0.0/8\""), ERROR_OVERLAP},
	{"add", NULL, LINE("c", "\"10.0.0.0/8\""), ERROR_SPECIAL_RANGE},
	{"add", NULL, LINE("c", "\"0.0.0.0/0\""), ERROR_DEFAULT_ROUTE},
	{"add", NULL, MARKED("c", "1", ""), ERROR_CONFLICT},
	{"replace", "c", LINE("c", ""), ERROR_NOT_FOUND},
	{"replace", "a", LINE("b", ""), ERROR_BAD_VALUE},
	{"replace", "a", "[]", ERROR_BAD_VALUE},
	{"replace", "a", LINE("a", "\"9.9.9.0/24\""), ERROR_DUPLICATE_PREFIX},
	{"patch", "c", "{}", ERROR_NOT_FOUND},
	{"patch", "a", "{\"name\":\"c\"}", ERROR_BAD_VALUE},
	{"patch", "a", "{\"partner\":null}", ERROR_MISSING_KEY},
	{"patch", "a", "{\"citty\":\"x\"}", ERROR_UNKNOWN_KEY},
	{"patch", "a", "7", ERROR_BAD_VALUE},
	{"patch", "a", "{\"tag\":{\"mark\":2}}", ERROR_CONFLICT},
	{"delete", "c", "{}", ERROR_NOT_FOUND},
	{"prefix add", "c", "[\"8.8.8.0/24\"]", ERROR_NOT_FOUND},
	{"prefix add", "a", "{}", ERROR_BAD_VALUE},
	{"prefix add", "a", "[\"9.9.9.0/24\"]", ERROR_DUPLICATE_PREFIX},
	{"prefix add", "a", "[\"4.4.4.4/24\"]", ERROR_HOST_BITS},
	{"prefix add", "a", "[{\"prefix\":\"8.8.8.0/24\",\"latency\":true}]", ERROR_CONFLICT},
	{"prefix set", "a", "[{\"prefix\":\"8.8.0.0/24\",\"latency\":true}]", ERROR_NOT_FOUND},
	{"prefix del", "a", "[\"9.9.9.0/24\"]", ERROR_NOT_FOUND},
};

static void registry_changes_nothing_when_it_refuses(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct view *before, *after;

	(void)state;
	fixture_apply(registry, LINE("a", "\"8.8.8.0/24\"") LINE("b", "\"9.9.9.0/24\""), false,
		      NULL);
	before = registry_view(registry);
	for (size_t i = 0; i < COUNT(refused); i++) {
		enum error_code code =
			write_text(registry, refused[i].verb, refused[i].name, refused[i].text);

		if (code != refused[i].code)
			fail_msg("%s: %s %s", error_code_name(code), refused[i].verb,
				 refused[i].text);
		after = registry_view(registry);
		assert_ptr_equal(after, before);
		view_unref(after);
	}
	view_unref(before);
	registry_close(registry);
}

static void registry_refuses_a_prefix_owned_by_another(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct registry_result result;
	struct error_list errors;
	struct error error;
	json_t *prefixes = json_pack("[s]", "8.8.8.0/24");

	(void)state;
	fixture_add(registry, LINE("a", "\"8.8.8.0/24\""));
	fixture_add(registry, LINE("b", ""));
	error_list_init(&errors);
	assert_false(
		registry_prefixes(registry, &author, "b", PREFIX_ADD, prefixes, &result, &errors));
	error_list_get(&errors, 0, &error);
	assert_int_equal(error.code, ERROR_DUPLICATE_PREFIX);
	assert_string_equal(error.connection, "b");
	assert_string_equal(error.conflicts_with, "a");
	error_list_done(&errors);
	json_decref(prefixes);
	registry_close(registry);
}

static void registry_carries_out_every_verb(void **state)
{
	struct registry *registry = fixture_open(NULL);
	const struct connection *connection;
	struct view *view;

	(void)state;
	fixture_add(registry, LINE("a", "\"8.8.8.0/24\""));
	assert_int_equal(
		write_text(registry, "patch", "a", "{\"city\":\"Bonn\",\"tag\":{\"dscp\":10}}"),
		ERROR_NONE);
	assert_int_equal(write_text(registry, "prefix add", "a",
				    "[\"9.9.9.0/24\",{\"prefix\":\"2a00::/32\",\"latency\":true}]"),
			 ERROR_NONE);
	assert_int_equal(write_text(registry, "prefix set", "a",
				    "[{\"prefix\":\"2a00::/32\",\"ownership\":\"partner\"}]"),
			 ERROR_NONE);
	assert_int_equal(write_text(registry, "prefix del", "a", "[\"8.8.8.0/24\"]"), ERROR_NONE);
	view = registry_view(registry);
	connection = view_find(view, "a");
	assert_string_equal(connection->city, "Bonn");
	assert_int_equal(connection->tag.dscp, 10);
	assert_int_equal(connection->prefix_count, 2);
	assert_true(connection->prefixes[1].latency);
	assert_int_equal(connection->prefixes[1].ownership, OWNERSHIP_PARTNER);
	assert_int_equal(view->revision, 5);
	view_unref(view);
	assert_int_equal(write_text(registry, "patch", "a", "{\"city\":null,\"tag\":null}"),
			 ERROR_NONE);
	assert_int_equal(write_text(registry, "replace", "a", LINE("a", "\"1.1.1.0/24\"")),
			 ERROR_NONE);
	assert_int_equal(write_text(registry, "delete", "a", "{}"), ERROR_NONE);
	assert_int_equal(fixture_id(registry, "a"), 0);
	registry_close(registry);
}

static void registry_commits_nothing_when_nothing_changes(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct registry_result result;

	(void)state;
	fixture_apply(registry, LINE("a", "\"8.8.8.0/24\""), false, &result);
	assert_true(result.committed);
	assert_int_equal(result.revision, 1);
	fixture_apply(registry, MARKED("a", "1", "\"8.8.8.0/24\""), false, &result);
	assert_false(result.committed);
	assert_int_equal(result.revision, 1);
	assert_int_equal(result.generation, 2);
	registry_close(registry);
}

static void registry_refuses_to_shrink_below_a_half_without_force(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct registry_result result;

	(void)state;
	fixture_apply_refused(registry, LINE("a", "\"8.8.8.8/24\""), ERROR_HOST_BITS);
	fixture_apply(registry,
		      LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\",\"9.9.9.0/24\","
				"\"1.1.1.0/24\""),
		      false, NULL);
	fixture_apply_refused(registry, "", ERROR_SHRINK);
	fixture_apply_refused(registry, LINE("a", "\"8.8.8.0/24\""), ERROR_SHRINK);
	fixture_apply_refused(registry, LINE("a", ""), ERROR_SHRINK);
	fixture_apply(registry, LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\""), false, &result);
	assert_int_equal(result.totals.removed.prefixes, 2);
	fixture_apply(registry, "", true, &result);
	assert_int_equal(result.totals.removed.connections, 1);
	registry_close(registry);
}

static void registry_ids_skip_marks_and_are_not_reused(void **state)
{
	struct registry *registry = fixture_open(NULL);

	(void)state;
	fixture_apply(registry,
		      MARKED("a", "2", "") LINE("b", "") MARKED("c", "4", "") LINE("d", ""), false,
		      NULL);
	assert_int_equal(fixture_id(registry, "a"), 1);
	assert_int_equal(fixture_id(registry, "b"), 3);
	assert_int_equal(fixture_id(registry, "c"), 5);
	assert_int_equal(fixture_id(registry, "d"), 6);
	fixture_apply(registry, LINE("d", ""), true, NULL);
	fixture_add(registry, LINE("a", ""));
	assert_int_equal(fixture_id(registry, "a"), 7);
	assert_int_equal(fixture_id(registry, "d"), 6);
	registry_close(registry);
	registry = fixture_open(NULL);
	fixture_add(registry, LINE("e", ""));
	assert_int_equal(fixture_id(registry, "e"), 8);
	registry_close(registry);
}

static void registry_rollback_keeps_ids(void **state)
{
	struct author forcing = {.uid = 0, .force = true};
	struct registry *registry = fixture_open(NULL);
	struct registry_result result;
	struct error_list errors;
	struct view *view;

	(void)state;
	error_list_init(&errors);
	fixture_apply(registry, LINE("a", "\"8.8.8.0/24\"") LINE("b", "\"9.9.9.0/24\""), false,
		      NULL);
	assert_int_equal(write_text(registry, "delete", "a", "{}"), ERROR_NONE);
	fixture_add(registry, LINE("a", "\"1.1.1.0/24\""));
	assert_int_equal(fixture_id(registry, "a"), 3);
	assert_true(registry_rollback(registry, &forcing, 1, &result, &errors));
	assert_int_equal(result.revision, 4);
	assert_int_equal(result.totals.added.connections, 1);
	assert_int_equal(result.totals.removed.connections, 1);
	registry_result_done(&result);
	registry_close(registry);
	registry = fixture_open(NULL);
	assert_int_equal(fixture_id(registry, "a"), 1);
	view = registry_view(registry);
	assert_int_equal(view->revision, 4);
	assert_int_equal(view->table.count, 2);
	view_unref(view);
	assert_false(registry_rollback(registry, &forcing, 99, &result, &errors));
	assert_int_equal(fixture_count(&errors, ERROR_NOT_FOUND, NULL, NULL), 1);
	error_list_done(&errors);
	assert_false(registry_rollback(registry, &forcing, UINT64_MAX, &result, &errors));
	error_list_done(&errors);
	registry_close(registry);
}

static uint32_t counter_of(struct registry *registry, const char *name)
{
	struct view *view = registry_view(registry);
	uint32_t counter = view_find(view, name)->counter;

	view_unref(view);
	return counter;
}

static void registry_reuses_a_counter_only_after_acknowledgement(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct registry_result result;
	struct error_list errors;
	struct error error;
	uint64_t removal;

	(void)state;
	error_list_init(&errors);
	fixture_add(registry, LINE("a", ""));
	fixture_add(registry, LINE("b", ""));
	assert_int_equal(counter_of(registry, "a"), 0);
	assert_int_equal(counter_of(registry, "b"), 1);
	assert_true(registry_delete(registry, &author, "a", &result, &errors));
	removal = result.generation;
	registry_result_done(&result);
	assert_true(registry_acknowledged(registry, removal - 1, &error));
	fixture_add(registry, LINE("c", ""));
	assert_int_equal(counter_of(registry, "c"), 2);
	registry_close(registry);
	registry = fixture_open(NULL); /* what is pending is remembered */
	fixture_add(registry, LINE("d", ""));
	assert_int_equal(counter_of(registry, "d"), 3);
	assert_true(registry_acknowledged(registry, removal, &error));
	fixture_add(registry, LINE("e", ""));
	assert_int_equal(counter_of(registry, "e"), 0);
	registry_close(registry);
}

static void registry_counts_pending_counters_against_the_capacity(void **state)
{
	struct registry_settings settings = {.policy = {.max_connections = 2}};
	struct registry *registry = fixture_open(&settings);
	struct view *view;
	struct error error;

	(void)state;
	fixture_apply(registry, LINE("a", "") LINE("b", ""), false, NULL);
	assert_int_equal(write_text(registry, "add", NULL, LINE("c", "")), ERROR_CAPACITY);
	assert_int_equal(write_text(registry, "delete", "a", "{}"), ERROR_NONE);
	assert_int_equal(write_text(registry, "add", NULL, LINE("c", "")), ERROR_CAPACITY);
	view = registry_view(registry);
	assert_true(registry_acknowledged(registry, view->generation, &error));
	view_unref(view);
	assert_int_equal(write_text(registry, "add", NULL, LINE("c", "")), ERROR_NONE);
	registry_close(registry);
}

/* A prefix that is selected needs a place in the engines, though no prefix came to the registry. */
static void registry_counts_selected_prefixes_against_the_capacity(void **state)
{
	static const char selected[] = "[{\"prefix\":\"9.9.9.0/24\",\"latency\":true}]";
	struct registry_settings settings = {.policy = {.latency_slots = 1}};
	struct registry *registry = fixture_open(&settings);

	(void)state;
	fixture_apply(registry,
		      LINE("a", "{\"prefix\":\"8.8.8.0/24\",\"latency\":true},"
				"\"9.9.9.0/24\""),
		      false, NULL);
	assert_int_equal(write_text(registry, "prefix set", "a", selected), ERROR_CAPACITY);
	assert_int_equal(write_text(registry, "patch", "a", "{\"city\":\"Bath\"}"), ERROR_NONE);
	registry_close(registry);
}

static void registry_generation_rises_when_tag_settings_change_the_snapshot(void **state)
{
	struct registry_settings plain = {0}, tagging = {.tag.carrier[PT_CARRIER_DSCP] = true};
	struct registry *registry = fixture_open(&plain);
	struct view *view;

	(void)state;
	fixture_add(registry, HEAD("a") "\"tag\":{\"dscp\":10},\"prefixes\":[\"8.8.8.0/24\"]}");
	registry_close(registry);
	for (int i = 0; i < 2; i++) {
		registry = fixture_open(&tagging);
		view = registry_view(registry);
		assert_int_equal(view->revision, 1);
		assert_int_equal(view->generation, 3);
		view_unref(view);
		registry_close(registry);
	}
}

static void registry_that_got_stricter_still_lets_others_change(void **state)
{
	struct registry_settings lenient = {
		.policy = {.allow_special = true, .overlap_nested = true}};
	struct registry *registry = fixture_open(&lenient);

	(void)state;
	fixture_apply(registry,
		      LINE("a", "\"10.0.0.0/8\"") LINE("b", "\"10.1.0.0/16\"") LINE("c", ""), false,
		      NULL);
	registry_close(registry);
	registry = fixture_open(NULL);
	assert_int_equal(write_text(registry, "prefix add", "c", "[\"8.8.8.0/24\"]"), ERROR_NONE);
	assert_int_equal(write_text(registry, "patch", "a", "{\"city\":\"x\"}"),
			 ERROR_SPECIAL_RANGE);
	registry_close(registry);
}

static void view_that_a_reader_holds_outlives_the_writes(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct view *held;

	(void)state;
	fixture_add(registry, LINE("a", "\"8.8.8.0/24\""));
	held = registry_view(registry);
	assert_int_equal(write_text(registry, "delete", "a", "{}"), ERROR_NONE);
	registry_close(registry);
	assert_non_null(view_find(held, "a"));
	assert_int_equal(held->table.count, 1);
	view_unref(held);
}

static void registry_applies_all_countries(void **state)
{
	struct registry *registry = fixture_open(NULL);
	const char *path = fixture_data("connections/countries.jsonl");
	json_t *prefixes = json_pack("[s]", "9.9.9.0/24");
	struct registry_result result;
	struct error_list errors;
	struct input input;
	struct error error;

	(void)state;
	error_list_init(&errors);
	assert_true(input_read_file(path, &input, &error));
	assert_true(registry_apply(registry, &author, &input, &result, &errors));
	assert_int_equal(result.totals.added.prefixes, 243034);
	print_message("apply %.3f s\n", result.seconds);
	registry_result_done(&result);
	assert_true(registry_prefixes(registry, &author, "RIR-US", PREFIX_ADD, prefixes, &result,
				      &errors));
	assert_int_equal(result.totals.added.prefixes, 1);
	print_message("one change %.3f s\n", result.seconds);
	registry_result_done(&result);
	json_decref(prefixes);
	input_done(&input);
	registry_close(registry);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		EACH(registry_changes_nothing_when_it_refuses),
		EACH(registry_refuses_a_prefix_owned_by_another),
		EACH(registry_carries_out_every_verb),
		EACH(registry_commits_nothing_when_nothing_changes),
		EACH(registry_refuses_to_shrink_below_a_half_without_force),
		EACH(registry_ids_skip_marks_and_are_not_reused),
		EACH(registry_rollback_keeps_ids),
		EACH(registry_reuses_a_counter_only_after_acknowledgement),
		EACH(registry_counts_pending_counters_against_the_capacity),
		EACH(registry_counts_selected_prefixes_against_the_capacity),
		EACH(registry_generation_rises_when_tag_settings_change_the_snapshot),
		EACH(registry_that_got_stricter_still_lets_others_change),
		EACH(view_that_a_reader_holds_outlives_the_writes),
		EACH(registry_applies_all_countries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
