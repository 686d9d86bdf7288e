/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: lookup against a naive oracle, sharing, export, and the difference to another set. */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

#define LINE(name, prefixes)                                                                       \
	"{\"name\":\"" name "\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[" prefixes "]}\n"

static const char *owner(const struct view *view, const char *address)
{
	const struct prefix_entry *entry;
	struct prefix prefix;
	struct error error;

	assert_true(prefix_parse_address(address, &prefix, &error));
	entry = view_lookup(view, &prefix);
	return entry ? entry->connection->name : "";
}

static void view_finds_the_longest_match(void **state)
{
	struct view *view = fixture_view(
		LINE("a", "\"8.0.0.0/8\",\"8.8.8.0/24\"") LINE("b", "\"8.8.0.0/16\"")
			LINE("c", "\"2a00::/16\",\"2a00:1::/128\"") LINE("d", "\"0.0.0.0/0\""));

	(void)state;
	assert_string_equal(owner(view, "8.8.8.8"), "a");
	assert_string_equal(owner(view, "8.8.9.0"), "b");
	assert_string_equal(owner(view, "8.8.255.255"), "b");
	assert_string_equal(owner(view, "8.9.0.0"), "a");
	assert_string_equal(owner(view, "9.0.0.0"), "d");
	assert_string_equal(owner(view, "0.0.0.0"), "d");
	assert_string_equal(owner(view, "2a00:1::"), "c");
	assert_string_equal(owner(view, "2a00:ffff::1"), "c");
	assert_string_equal(owner(view, "2a01::"), "");
	assert_string_equal(owner(view, "::"), "");
	view_unref(view);
}

static const struct prefix_entry *naive_lookup(const struct view *view,
					       const struct prefix *address)
{
	const struct prefix_entry *best = NULL;

	for (size_t i = 0; i < view->table.count; i++) {
		const struct prefix_entry *entry = &view->table.entries[i];

		if (prefix_contains(&entry->prefix, address) &&
		    (!best || entry->prefix.length > best->prefix.length))
			best = entry;
	}
	return best;
}

/* The address before, the first, the last and the one behind each prefix. */
static void view_lookup_agrees_with_trying_every_prefix(void **state)
{
	struct view *view = fixture_view(
		LINE("a", "\"0.0.0.0/1\",\"8.0.0.0/8\",\"8.8.8.0/24\",\"8.8.8.8/32\",\"::/3\"") LINE(
			"b", "\"8.8.0.0/16\",\"255.0.0.0/8\",\"2a00::/12\",\"2a00:1::/128\"")
			LINE("c", "\"8.8.8.0/25\",\"8.8.8.128/25\",\"2a00:1::/32\",\"ffff::/16\""));

	(void)state;
	for (size_t i = 0; i < view->table.count; i++) {
		struct prefix address = view->table.entries[i].prefix;
		int size = address.family == 4 ? 4 : 16;

		address.length = prefix_full_length(address.family);
		for (int step = 0; step < 4; step++) {
			struct prefix probe = address;
			int at = size - 1;

			if (step == 1) /* first - 1 */
				while (at >= 0 && probe.addr[at]-- == 0)
					at--;
			for (int bit = view->table.entries[i].prefix.length;
			     step >= 2 && bit < address.length; bit++)
				probe.addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			if (step == 3) /* last + 1 */
				while (at >= 0 && ++probe.addr[at] == 0)
					at--;
			assert_ptr_equal(view_lookup(view, &probe), naive_lookup(view, &probe));
		}
	}
	view_unref(view);
}

static void view_numbers_a_file_in_its_order(void **state)
{
	struct view *view = fixture_view(LINE("z", "\"8.8.8.0/24\"") LINE("a", "") LINE("m", ""));

	(void)state;
	assert_int_equal(view_find(view, "z")->id, 1);
	assert_int_equal(view_find(view, "a")->id, 2);
	assert_string_equal(view_find_id(view, 3)->name, "m");
	assert_null(view_find_id(view, 4));
	assert_null(view_find(view, "b"));
	assert_int_equal(view->totals.ipv4, 1);
	view_unref(view);
}

static void view_export_is_a_file_of_the_same_registry(void **state)
{
	struct view *view = fixture_view(LINE("b", "\"2a00::/16\"") LINE("a", "\"8.8.8.0/24\""));
	struct difference difference;
	struct input input;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_true(view_export(view, stream));
	fclose(stream);
	assert_true(strncmp(text, "{\"name\":\"a\"", 11) == 0);
	input_read(text, size, &input);
	assert_true(difference_compute(view, &input.connections, &difference));
	assert_true(difference_is_empty(&difference));
	difference_done(&difference);
	input_done(&input);
	free(text);
	view_unref(view);
}

static void difference_counts_connections_and_prefixes(void **state)
{
	struct view *view = fixture_view(LINE("a", "\"8.8.8.0/24\",\"8.8.9.0/24\",\"9.9.9.0/24\"")
						 LINE("b", "\"2a00::/16\"") LINE("c", ""));
	const struct difference_totals *totals;
	struct difference difference;
	struct input input;
	json_t *document, *change;

	(void)state;
	fixture_input("{\"name\":\"a\",\"partner\":\"q\",\"country\":\"DE\",\"prefixes\":"
		      "[\"8.8.8.0/24\",{\"prefix\":\"8.8.9.0/24\",\"latency\":true},"
		      "\"4.4.4.0/24\"]}\n" LINE("c", "") LINE("d", "\"2a00::/16\""),
		      &input);
	assert_true(difference_compute(view, &input.connections, &difference));
	totals = &difference.totals;
	assert_int_equal(totals->added.connections, 1);
	assert_int_equal(totals->changed.connections, 1);
	assert_int_equal(totals->removed.connections, 1);
	assert_int_equal(totals->added.prefixes, 2);
	assert_int_equal(totals->changed.prefixes, 1);
	assert_int_equal(totals->removed.prefixes, 2);
	document = difference_json(&difference);
	change = json_array_get(json_object_get(document, "connections"), 0);
	assert_string_equal(json_string_value(json_object_get(change, "change")), "changed");
	change = json_object_get(json_object_get(change, "attributes"), "partner");
	assert_string_equal(json_string_value(json_object_get(change, "before")), "p");
	assert_string_equal(json_string_value(json_object_get(change, "after")), "q");
	json_decref(document);
	difference_done(&difference);
	input_done(&input);
	view_unref(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_finds_the_longest_match),
		cmocka_unit_test(view_lookup_agrees_with_trying_every_prefix),
		cmocka_unit_test(view_numbers_a_file_in_its_order),
		cmocka_unit_test(view_export_is_a_file_of_the_same_registry),
		cmocka_unit_test(difference_counts_connections_and_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
