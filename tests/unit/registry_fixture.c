/* SPDX-License-Identifier: BSD-3-Clause */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[64];

int fixture_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/peertag-test-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

int fixture_teardown(void **state)
{
	static const char *const names[] = {
		"registry.db", "registry.db-wal", "registry.db-journal", "registry.db.new", "file",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(fixture_path(names[i]));
	return rmdir(directory);
}

const char *fixture_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

const char *fixture_data(const char *name)
{
	static char path[512];
	const char *root = getenv("PEERTAG_DATA");

	snprintf(path, sizeof(path), "%s/%s", root ? root : "../shared/data", name);
	if (access(path, R_OK) == 0)
		return path;
	print_message("%s is not there\n", path);
	skip();
	return NULL;
}

void fixture_input(const char *text, struct input *ret_input)
{
	/* Without a NUL behind it, so that reading on is found. */
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, text, size);
	input_read(copy, size, ret_input);
	free(copy);
}

struct view *fixture_view(const char *text)
{
	struct input input;
	struct view *view;

	fixture_input(text, &input);
	assert_int_equal(input.errors.count, 0);
	view = view_from_input(&input);
	assert_non_null(view);
	input_done(&input);
	return view;
}

void fixture_file(const char *path, const void *bytes, size_t size)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, size, stream), size);
	assert_int_equal(fclose(stream), 0);
}

size_t fixture_count(const struct error_list *list, enum error_code code, const char *connection,
		     const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct error error;

		error_list_get(list, i, &error);
		count += error.code == code &&
			 (!connection || strcmp(error.connection, connection) == 0) &&
			 (!prefix || strcmp(error.prefix, prefix) == 0);
	}
	return count;
}

/* A test that meets an error it does not expect says which. */
static void expect_none(const struct error_list *errors)
{
	struct error error;

	if (errors->count == 0)
		return;
	error_list_get(errors, 0, &error);
	fail_msg("%s: %s", error_code_name(error.code), error.message);
}

struct registry *fixture_open(const struct registry_settings *settings)
{
	static const struct registry_settings plain;
	struct error error = {0};
	struct registry *registry =
		registry_open(fixture_path("registry.db"), settings ? settings : &plain, &error);

	if (!registry)
		fail_msg("%s", error.message);
	return registry;
}

void fixture_apply(struct registry *registry, const char *text, bool force,
		   struct registry_result *ret_result)
{
	struct author author = {.uid = 1000, .force = force};
	struct registry_result result;
	struct error_list errors;
	struct input input;
	bool done;

	error_list_init(&errors);
	fixture_input(text, &input);
	done = registry_apply(registry, &author, &input, &result, &errors);
	expect_none(&errors);
	assert_true(done);
	registry_result_done(ret_result ? &(struct registry_result){0} : &result);
	if (ret_result)
		*ret_result = result;
	input_done(&input);
}

void fixture_apply_refused(struct registry *registry, const char *text, enum error_code code)
{
	struct author author = {.uid = 1000};
	struct registry_result result;
	struct error_list errors;
	struct input input;

	error_list_init(&errors);
	fixture_input(text, &input);
	assert_false(registry_apply(registry, &author, &input, &result, &errors));
	assert_int_equal(errors.count, 1);
	assert_int_equal(fixture_count(&errors, code, NULL, NULL), 1);
	error_list_done(&errors);
	input_done(&input);
}

void fixture_add(struct registry *registry, const char *text)
{
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct author author = {.uid = 1000};
	struct registry_result result;
	struct error_list errors;
	bool done;

	assert_non_null(document);
	error_list_init(&errors);
	done = registry_add(registry, &author, document, &result, &errors);
	expect_none(&errors);
	assert_true(done);
	registry_result_done(&result);
	json_decref(document);
}

uint32_t fixture_id(struct registry *registry, const char *name)
{
	struct view *view = registry_view(registry);
	const struct connection *connection = view_find(view, name);
	uint32_t id = connection ? connection->id : 0;

	view_unref(view);
	return id;
}
