/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots: what a view compiles to, that the verifier agrees, and that the bytes repeat. */
#include "registry_fixture.h"

#include "registry/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE(name, prefixes)                                                                       \
	"{\"name\":\"" name "\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[" prefixes "]}\n"
#define SELECTED(prefix) "{\"prefix\":\"" prefix "\",\"latency\":true}"

static const struct pt_config_tag all_carriers = {
	.carrier = {[PT_CARRIER_MARK] = true, [PT_CARRIER_DSCP] = true, [PT_CARRIER_VLAN] = true},
};
static const struct pt_config_tag mark_only = {.carrier = {[PT_CARRIER_MARK] = true}};

static void compile_good(const struct view *view, const struct pt_config_tag *tag,
			 struct compiled *ret_compiled)
{
	const char *why = "";

	assert_int_equal(compile(view, tag, ret_compiled), 0);
	if (pt_snapshot_verify(ret_compiled->snapshot, ret_compiled->snapshot->bytes,
			       &(struct pt_snapshot_limits){1 << 20, 1 << 20}, &why) != 0)
		fail_msg("%s", why);
}

static uint32_t lookup4(const struct compiled *compiled, uint32_t addr)
{
	return pt_table_lookup4(pt_snapshot_table(compiled->snapshot), addr);
}

static uint32_t lookup6(const struct compiled *compiled, uint64_t high)
{
	return pt_table_lookup6(pt_snapshot_table(compiled->snapshot), high, high);
}

static void compile_of_nothing_is_a_good_snapshot(void **state)
{
	struct view *view = fixture_view("");
	struct compiled compiled;

	(void)state;
	compile_good(view, &mark_only, &compiled);
	assert_int_equal(compiled.snapshot->class_count, 0);
	/* Behind the roots an array, a node, a leaf and the empty line; and no part but the table.
	 */
	assert_int_equal(compiled_bytes(&compiled), sizeof(struct pt_table) + 4 * PT_TABLE_LINE);
	assert_int_equal(compiled.snapshot->bytes,
			 compiled.snapshot->table_offset + compiled_bytes(&compiled));
	assert_int_equal(lookup4(&compiled, 0), 0);
	assert_int_equal(lookup4(&compiled, ~0u), 0);
	assert_int_equal(lookup6(&compiled, 0), 0);
	assert_int_equal(lookup6(&compiled, ~0ull), 0);
	compiled_done(&compiled);
	view_unref(view);
}

static void compile_makes_a_default_route_the_default_class(void **state)
{
	struct view *view =
		fixture_view(LINE("a", "\"8.8.8.0/24\"") LINE("b", "\"0.0.0.0/0\",\"::/0\""));
	struct compiled compiled;

	(void)state;
	compile_good(view, &mark_only, &compiled);
	assert_int_equal(compiled.snapshot->default_class[PT_IPV4], 2);
	assert_int_equal(compiled.snapshot->default_class[PT_IPV6], 2);
	assert_int_equal(compiled.snapshot->rule_count[PT_IPV4], 1);
	assert_int_equal(compiled.snapshot->rule_count[PT_IPV6], 0);
	assert_int_equal(lookup4(&compiled, 0x08080808), 1);
	assert_int_equal(lookup4(&compiled, 0x08080908), 2);
	assert_int_equal(lookup6(&compiled, 0), 2);
	compiled_done(&compiled);
	view_unref(view);
}

static uint32_t class_of(const struct compiled *compiled, const char *text)
{
	struct prefix prefix;
	struct error error;

	assert_true(prefix_parse(text, &prefix, &error));
	return compiled_class(compiled, &prefix);
}

static void compile_gives_a_class_to_each_selected_prefix(void **state)
{
	struct view *view = fixture_view(LINE(
		"a",
		"\"9.9.0.0/16\"," SELECTED("9.9.9.0/24") "," SELECTED("9.9.8.0/25") "," SELECTED(
			"8.8.8.8/32") "," SELECTED("2a00::/48") ",\"2a00::/32\"")
						 LINE("b",
						      "\"1.1.1.0/24\"," SELECTED("0.0.0.0/0")));
	const struct pt_class *classes;
	struct compiled compiled;

	(void)state;
	compile_good(view, &mark_only, &compiled);
	classes = pt_snapshot_classes(compiled.snapshot);
	assert_int_equal(compiled.snapshot->class_count, 7);
	assert_int_equal(compiled.snapshot->counters, 2);
	assert_int_equal(class_of(&compiled, "9.9.0.0/16"), 1);
	assert_int_equal(class_of(&compiled, "2a00::/32"), 1);
	assert_int_equal(class_of(&compiled, "1.1.1.0/24"), 2);
	assert_int_equal(class_of(&compiled, "8.8.8.8/32"), 3);
	assert_int_equal(class_of(&compiled, "9.9.8.0/25"), 4);
	assert_int_equal(class_of(&compiled, "9.9.9.0/24"), 5);
	assert_int_equal(class_of(&compiled, "2a00::/48"), 6);
	assert_int_equal(class_of(&compiled, "0.0.0.0/0"), 7);
	assert_int_equal(class_of(&compiled, "7.7.7.0/24"), 0);
	assert_int_equal(classes[0].latency_slot, 0);
	assert_int_equal(classes[1].latency_slot, 0);
	assert_int_equal(classes[2].latency_slot, 1);
	assert_int_equal(classes[3].latency_slot, 1);
	assert_int_equal(classes[4].latency_slot, 2);
	assert_int_equal(classes[5].latency_slot, 3);
	assert_int_equal(classes[6].latency_slot, 4);
	assert_int_equal(pt_snapshot_table(compiled.snapshot)->counted, 2);
	assert_int_equal(compiled.slot_count, 4);
	assert_null(compiled.slots[0].prefix);
	assert_int_equal(compiled.slots[1].prefix->length, 24);
	for (int i = 0; i < 7; i++)
		assert_int_equal(classes[i].counter, i == 1 || i == 6);
	compiled_done(&compiled);
	view_unref(view);
}

static void compile_writes_only_the_tags_that_are_switched_on(void **state)
{
	struct view *view =
		fixture_view("{\"name\":\"a\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[],"
			     "\"tag\":{\"mark\":4097,\"dscp\":0,\"vlan\":100}}\n" LINE("b", ""));
	struct compiled compiled;
	const struct pt_class *classes;

	(void)state;
	compile_good(view, &all_carriers, &compiled);
	classes = pt_snapshot_classes(compiled.snapshot);
	assert_int_equal(classes[0].mark, 4097);
	assert_int_equal(classes[0].dscp, 0);
	assert_int_equal(classes[0].vlan, 100);
	assert_int_equal(classes[1].mark, 2);
	assert_int_equal(classes[1].dscp, PT_DSCP_NONE);
	assert_int_equal(classes[1].vlan, PT_VLAN_NONE);
	compiled_done(&compiled);
	compile_good(view, &mark_only, &compiled);
	classes = pt_snapshot_classes(compiled.snapshot);
	assert_int_equal(classes[0].dscp, PT_DSCP_NONE);
	assert_int_equal(classes[0].vlan, PT_VLAN_NONE);
	compiled_done(&compiled);
	view_unref(view);
}

static void compile_of_the_same_gives_the_same_bytes(void **state)
{
	struct view *view = fixture_view(LINE("a", "\"8.8.8.0/24\",\"2a00::/32\"") LINE("b", ""));
	struct view *again = fixture_view(LINE("a", "\"2a00::/32\",\"8.8.8.0/24\"") LINE("b", ""));
	struct compiled one, two;

	(void)state;
	compile_good(view, &mark_only, &one);
	compile_good(again, &mark_only, &two);
	assert_int_equal(one.snapshot->bytes, two.snapshot->bytes);
	assert_memory_equal(one.snapshot, two.snapshot, one.snapshot->bytes);
	compiled_done(&one);
	compiled_done(&two);
	view_unref(view);
	view_unref(again);
}

static void compiled_memfd_is_sealed_against_every_change(void **state)
{
	struct view *view = fixture_view(LINE("a", "\"8.8.8.0/24\""));
	struct compiled compiled;
	void *image;
	int fd;

	(void)state;
	compile_good(view, &mark_only, &compiled);
	fd = compiled_memfd(&compiled);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	image = mmap(NULL, compiled.snapshot->bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(image, MAP_FAILED);
	assert_memory_equal(image, compiled.snapshot, compiled.snapshot->bytes);
	munmap(image, compiled.snapshot->bytes);
	close(fd);
	compiled_done(&compiled);
	view_unref(view);
}

static void compile_numbers_every_country_as_the_view_does(void **state)
{
	const char *path = fixture_data("connections/countries.jsonl");
	struct compiled compiled;
	struct input input;
	struct error error;
	struct view *view;

	(void)state;
	assert_true(input_read_file(path, &input, &error));
	view = view_from_input(&input);
	input_done(&input);
	compile_good(view, &mark_only, &compiled);
	assert_int_equal(compiled.snapshot->rule_count[PT_IPV4], 175195);
	assert_int_equal(compiled.snapshot->rule_count[PT_IPV6], 67839);
	for (size_t i = 0; i < view->table.count; i++) {
		const struct prefix_entry *entry = &view->table.entries[i];

		assert_int_equal(compiled_class(&compiled, &entry->prefix), entry->connection->id);
	}
	compiled_done(&compiled);
	view_unref(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compile_of_nothing_is_a_good_snapshot),
		cmocka_unit_test(compile_makes_a_default_route_the_default_class),
		cmocka_unit_test(compile_gives_a_class_to_each_selected_prefix),
		cmocka_unit_test(compile_writes_only_the_tags_that_are_switched_on),
		cmocka_unit_test(compile_of_the_same_gives_the_same_bytes),
		cmocka_unit_test(compiled_memfd_is_sealed_against_every_change),
		cmocka_unit_test(compile_numbers_every_country_as_the_view_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
