/* SPDX-License-Identifier: BSD-3-Clause */
/* Random writes: the state in memory, the state on disk and every kept revision stay the same. */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

#define WRITES 400
#define NAMES  6
#define SEED   20261123

static const struct registry_settings nested = {
	.policy = {.overlap_nested = true, .allow_special = true},
};
static const struct author author = {.uid = 1000, .force = true};
static char *exports[2 * WRITES]; /* by revision */

static char *export_text(struct registry *registry, uint64_t *ret_revision)
{
	struct view *view = registry_view(registry);
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_true(view_export(view, stream));
	fclose(stream);
	*ret_revision = view->revision;
	view_unref(view);
	return text;
}

/* A view that was made by merging must be as one that is built from nothing. */
static void compare_views(const struct view *merged, const struct view *built)
{
	assert_int_equal(merged->revision, built->revision);
	assert_int_equal(merged->generation, built->generation);
	assert_int_equal(merged->checksum, built->checksum);
	assert_int_equal(merged->table.count, built->table.count);
	for (size_t i = 0; i < merged->table.count; i++) {
		const struct prefix_entry *x = &merged->table.entries[i];
		const struct prefix_entry *y = &built->table.entries[i];

		assert_int_equal(prefix_compare(&x->prefix, &y->prefix), 0);
		assert_int_equal(x->parent, y->parent);
		assert_int_equal(x->own, y->own);
		assert_int_equal(x->connection->id, y->connection->id);
		assert_int_equal(x->connection->counter, y->connection->counter);
	}
}

static struct registry *reopen(struct registry *registry)
{
	struct view *merged = registry_view(registry), *built;

	registry_close(registry);
	registry = fixture_open(&nested);
	built = registry_view(registry);
	compare_views(merged, built);
	view_unref(merged);
	view_unref(built);
	return registry;
}

/* One of few, so that they often meet: nested, equal, in both families. */
static json_t *random_prefix(void)
{
	struct prefix prefix = {.family = random() % 2 ? 4 : 6};
	char text[PREFIX_TEXT_SIZE];

	prefix.addr[0] = (uint8_t)(32 + random() % 4);
	prefix.addr[1] = (uint8_t)(random() % 2 << 7);
	prefix.length = (uint8_t)(4 + random() % 8);
	prefix_clear_host_bits(&prefix);
	return json_pack("{s:s, s:b, s:s}", "prefix", prefix_format(&prefix, text), "latency",
			 (int)(random() % 2), "ownership", random() % 2 ? "partner" : "customer");
}

static json_t *random_prefixes(void)
{
	json_t *prefixes = json_array();

	for (long i = random() % 4; i >= 0; i--)
		json_array_append_new(prefixes, random_prefix());
	return prefixes;
}

static bool write_randomly(struct registry *registry, uint64_t revision,
			   struct registry_result *result, struct error_list *errors)
{
	char name[] = {(char)('a' + random() % NAMES), '\0'};
	json_t *prefixes = random_prefixes();
	json_t *document = json_pack("{s:s, s:s, s:s, s:O}", "name", name, "partner", "p",
				     "country", "DE", "prefixes", prefixes);
	long verb = random() % 8;
	uint64_t target = revision > 50 ? revision - (uint64_t)random() % 50 : 0;
	bool done;

	if (verb <= 1)
		done = registry_add(registry, &author, document, result, errors);
	else if (verb == 2)
		done = registry_replace(registry, &author, name, document, result, errors);
	else if (verb == 3)
		done = registry_delete(registry, &author, name, result, errors);
	else if (verb == 7)
		done = registry_rollback(registry, &author, target, result, errors);
	else
		done = registry_prefixes(registry, &author, name, (enum prefix_verb)(verb - 4),
					 prefixes, result, errors);
	if (done && verb == 7) {
		uint64_t now;
		char *text = export_text(registry, &now);

		assert_string_equal(text, exports[target]);
		free(text);
	}
	json_decref(prefixes);
	json_decref(document);
	return done;
}

static void registry_in_memory_on_disk_and_in_history_is_one(void **state)
{
	struct registry *registry = fixture_open(&nested);
	uint64_t revision;
	unsigned done = 0;

	(void)state;
	srandom(SEED);
	print_message("seed %u\n", SEED);
	exports[0] = export_text(registry, &revision);
	for (int i = 0; i < WRITES; i++) {
		struct registry_result result = {0};
		struct error_list errors;
		struct error error;
		char *text;

		error_list_init(&errors);
		done += write_randomly(registry, revision, &result, &errors);
		registry_result_done(&result);
		error_list_done(&errors);
		text = export_text(registry, &revision);
		if (exports[revision])
			assert_string_equal(text, exports[revision]);
		free(exports[revision]);
		exports[revision] = text;
		if (random() % 4 == 0)
			assert_true(registry_acknowledged(registry, revision, &error));
		if (random() % 8 == 0)
			registry = reopen(registry);
	}
	print_message("%u of %d done\n", done, WRITES);
	assert_true(done > WRITES / 8);
	registry_close(registry);
	for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]); i++)
		free(exports[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(registry_in_memory_on_disk_and_in_history_is_one,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
