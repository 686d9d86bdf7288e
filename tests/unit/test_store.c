/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a registry: damage is found and never written over, what was acknowledged stays. */
#include "registry_fixture.h"
#include "registry/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE(name, prefixes)                                                                       \
	"{\"name\":\"" name "\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[" prefixes "]}\n"

static const struct registry_settings plain;

struct bytes {
	unsigned char *bytes;
	size_t size;
};

static struct bytes read_bytes(const char *path)
{
	struct bytes all = {0};
	struct stat status;
	FILE *stream = fopen(path, "r");

	assert_non_null(stream);
	assert_int_equal(fstat(fileno(stream), &status), 0);
	all.size = (size_t)status.st_size;
	all.bytes = malloc(all.size + 1);
	assert_int_equal(fread(all.bytes, 1, all.size, stream), all.size);
	fclose(stream);
	return all;
}

/* A registry of two connections and some history, closed again. */
static struct bytes make_registry(void)
{
	struct registry *registry = fixture_open(NULL);

	fixture_apply(registry,
		      LINE("a", "\"8.8.8.0/24\",\"2a00::/32\"") LINE("b", "\"9.9.9.0/24\""), false,
		      NULL);
	fixture_apply(registry,
		      LINE("a", "\"8.8.8.0/24\",\"2a01::/32\"") LINE("b", "\"9.9.9.0/24\""), false,
		      NULL);
	registry_close(registry);
	return read_bytes(fixture_path("registry.db"));
}

/* Must be refused, with @words in the message, and the file left as it is. */
static void expect_refused(const char *words)
{
	struct bytes before = read_bytes(fixture_path("registry.db")), after;
	struct error error;

	assert_null(registry_open(fixture_path("registry.db"), &plain, &error));
	if (!strstr(error.message, words))
		fail_msg("%s", error.message);
	after = read_bytes(fixture_path("registry.db"));
	if (after.size != before.size)
		fail_msg("%s: was %zu bytes, is %zu", error.message, before.size, after.size);
	assert_memory_equal(after.bytes, before.bytes, before.size);
	free(before.bytes);
	free(after.bytes);
}

static void run_sql(const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(fixture_path("registry.db"), &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void store_refuses_a_truncated_file(void **state)
{
	struct bytes whole = make_registry();
	const size_t sizes[] = {0, 1, 99, 100, 4095, 4096, whole.size / 2, whole.size - 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fixture_file(fixture_path("registry.db"), whole.bytes, sizes[i]);
		expect_refused("registry");
	}
	free(whole.bytes);
}

static void store_refuses_what_is_no_registry(void **state)
{
	char garbage[8192];

	(void)state;
	memset(garbage, 'x', sizeof(garbage));
	fixture_file(fixture_path("registry.db"), garbage, sizeof(garbage));
	expect_refused("not a peertag registry");
	unlink(fixture_path("registry.db"));
	run_sql("CREATE TABLE cookies (x); INSERT INTO cookies VALUES (1)");
	expect_refused("another program");
}

static void store_refuses_a_future_schema(void **state)
{
	(void)state;
	free(make_registry().bytes);
	run_sql("PRAGMA user_version = 99");
	expect_refused("version 99");
}

static void store_refuses_rows_that_are_not_what_was_committed(void **state)
{
	static const char *const damage[] = {
		"UPDATE prefix_version SET addr = x'08080400' WHERE addr = x'08080800'",
		"UPDATE prefix_version SET length = 200 WHERE family = 6",
		"UPDATE prefix_version SET latency = 1 WHERE family = 6",
		"UPDATE prefix_version SET connection = 7 WHERE addr = x'08080800'",
		"DELETE FROM prefix_version WHERE addr = x'08080800'",
		"UPDATE connection_version SET document = 'x' WHERE id = 1",
		"UPDATE connection_version SET document = replace(document, 'DE', 'FR')",
		"DELETE FROM connection_version WHERE id = 2",
		"DELETE FROM counter WHERE connection = 2",
		"UPDATE counter SET connection = 9 WHERE connection = 2",
		"UPDATE counter SET number = 99999999 WHERE connection = 2",
		"UPDATE revision SET fingerprint = 1",
		"DELETE FROM registry",
		"DROP TABLE counter",
	};
	struct bytes whole = make_registry();

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		char sql[256];

		fixture_file(fixture_path("registry.db"), whole.bytes, whole.size);
		snprintf(sql, sizeof(sql), "PRAGMA ignore_check_constraints = 1; %s", damage[i]);
		run_sql(sql);
		expect_refused("registry");
	}
	free(whole.bytes);
}

/* True: refused. Else it is the registry that make_registry() made. */
static bool is_refused_or_the_same(const struct bytes *damaged)
{
	struct registry *registry;
	struct error error;
	struct view *view;

	fixture_file(fixture_path("registry.db"), damaged->bytes, damaged->size);
	registry = registry_open(fixture_path("registry.db"), &plain, &error);
	if (!registry)
		return true;
	view = registry_view(registry);
	assert_int_equal(view->by_name.count, 2);
	assert_int_equal(view->table.count, 3);
	assert_string_equal(view_find_id(view, 1)->name, "a");
	assert_int_equal(view->table.entries[0].prefix.addr[0], 8);
	view_unref(view);
	registry_close(registry);
	unlink(fixture_path("registry.db-wal"));
	return false;
}

/* A bit that does not matter may be flipped; one that does must not give another registry. */
static void store_with_a_flipped_bit_is_refused_or_the_same(void **state)
{
	struct bytes whole = make_registry();
	unsigned seed = 20261123, refused = 0;

	(void)state;
	srandom(seed);
	print_message("seed %u\n", seed);
	for (int i = 0; i < 400; i++) {
		size_t at = (size_t)random() % whole.size;
		unsigned char mask = (unsigned char)(1 << random() % 8);

		whole.bytes[at] ^= mask;
		refused += is_refused_or_the_same(&whole);
		whole.bytes[at] ^= mask;
	}
	print_message("%u of 400 refused\n", refused);
	assert_true(refused > 0);
	free(whole.bytes);
}

static void store_without_its_last_byte_is_refused_or_the_same(void **state)
{
	struct bytes whole = make_registry();

	(void)state;
	whole.size--;
	is_refused_or_the_same(&whole);
	free(whole.bytes);
}

static void store_does_not_begin_beside_a_log_without_its_file(void **state)
{
	struct error error;

	(void)state;
	fixture_file(fixture_path("registry.db-wal"), "x", 1);
	assert_null(registry_open(fixture_path("registry.db"), &plain, &error));
	assert_non_null(strstr(error.message, "log"));
}

static void store_names_a_directory_that_is_not_there(void **state)
{
	struct error error;

	(void)state;
	assert_null(registry_open("/nonexistent/registry.db", &plain, &error));
	assert_non_null(strstr(error.message, "/nonexistent/registry.db"));
	assert_non_null(strstr(error.message, "No such file"));
}

/* Runs @child in a process of its own; its exit status. */
static int run_child(int (*child)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_expecting_another_process(void)
{
	struct error error;

	if (registry_open(fixture_path("registry.db"), &plain, &error))
		return 1;
	return strstr(error.message, "another process") ? 0 : 2;
}

static void store_is_for_one_process(void **state)
{
	struct registry *registry = fixture_open(NULL);

	(void)state;
	assert_int_equal(run_child(open_expecting_another_process), 0);
	registry_close(registry);
}

static int open_as_nobody(void)
{
	struct error error;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 77;
	if (registry_open(fixture_path("registry.db"), &plain, &error))
		return 1;
	return strstr(error.message, "registry.db") && strstr(error.message, "read-only") ? 0 : 2;
}

static void store_refuses_what_it_may_not_write(void **state)
{
	char directory[128];
	int status;

	(void)state;
	if (getuid() != 0) {
		print_message("only root can become somebody else\n");
		skip();
	}
	free(make_registry().bytes);
	strcpy(directory, fixture_path(""));
	chmod(directory, 0755);
	status = run_child(open_as_nobody);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Writes until the file may not grow any more; then everything must be as it was before. */
static int fill_the_disk(void)
{
	struct rlimit limit = {300 * 1024, 300 * 1024};
	struct registry *registry = fixture_open(NULL);
	struct author author = {.uid = 0};
	struct registry_result result;
	struct error_list errors;
	bool full = false;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	error_list_init(&errors);
	for (int i = 0; i < 4000 && !full; i++) {
		json_t *document = json_pack("{s:s, s:s, s:s, s:[]}", "name", "", "partner", "p",
					     "country", "DE", "prefixes");
		char name[32];

		snprintf(name, sizeof(name), "connection-%d", i);
		json_object_set_new(document, "name", json_string(name));
		full = !registry_add(registry, &author, document, &result, &errors);
		if (full && (fixture_count(&errors, ERROR_INTERNAL, NULL, NULL) != 1 ||
			     fixture_id(registry, name) != 0 || fixture_id(registry, "a") != 1))
			return 1;
		json_decref(document);
	}
	return full ? 0 : 2;
}

static void store_that_cannot_grow_refuses_and_keeps_what_it_has(void **state)
{
	struct registry *registry;

	(void)state;
	free(make_registry().bytes);
	assert_int_equal(run_child(fill_the_disk), 0);
	registry = fixture_open(NULL);
	assert_int_equal(fixture_id(registry, "a"), 1);
	assert_int_not_equal(fixture_id(registry, "connection-0"), 0);
	fixture_add(registry, LINE("afterwards", ""));
	registry_close(registry);
}

static int report_pipe[2];

/* Says which commit was acknowledged, and never closes anything. */
static int commit_until_killed(void)
{
	struct registry *registry = fixture_open(NULL);

	for (uint32_t i = 0;; i++) {
		struct author author = {.uid = 0};
		struct registry_result result;
		struct error_list errors;
		json_t *document;
		char name[32];

		error_list_init(&errors);
		snprintf(name, sizeof(name), "%u", i);
		document = json_pack("{s:s, s:s, s:s, s:[]}", "name", name, "partner", "p",
				     "country", "DE", "prefixes");
		if (registry_add(registry, &author, document, &result, &errors))
			(void)!write(report_pipe[1], &i, sizeof(i));
		json_decref(document);
		error_list_done(&errors);
	}
	return 0;
}

static void commit_survives_kill(void **state)
{
	uint32_t last = UINT32_MAX;

	(void)state;
	for (int round = 0; round < 10; round++) {
		struct registry *registry;
		char name[32];
		pid_t pid;

		assert_int_equal(pipe(report_pipe), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(commit_until_killed());
		close(report_pipe[1]);
		/* However slow the machine is, some are killed behind their first commit. */
		if (round % 2)
			assert_int_equal(read(report_pipe[0], &last, sizeof(last)), sizeof(last));
		usleep(20000 + 7000 * (useconds_t)round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(report_pipe[0], &last, sizeof(last)) == sizeof(last))
			;
		close(report_pipe[0]);
		if (last == UINT32_MAX)
			continue;
		registry = fixture_open(NULL);
		snprintf(name, sizeof(name), "%u", last);
		assert_int_not_equal(fixture_id(registry, name), 0);
		registry_close(registry);
	}
	assert_int_not_equal(last, UINT32_MAX);
}

static void store_keeps_the_last_hundred_revisions(void **state)
{
	struct registry *registry = fixture_open(NULL);
	struct author forcing = {.uid = 0, .force = true};
	struct registry_result result;
	struct error_list errors;
	struct error error;
	json_t *history, *newest;

	(void)state;
	error_list_init(&errors);
	for (int i = 0; i < 120; i++) {
		char text[160];

		snprintf(text, sizeof(text), LINE("a", "\"8.8.%d.0/24\""), i);
		fixture_apply(registry, text, true, NULL);
	}
	history = registry_history(registry, &error);
	assert_int_equal(json_array_size(history), 100);
	newest = json_array_get(history, 0);
	assert_int_equal(json_integer_value(json_object_get(newest, "revision")), 120);
	assert_int_equal(json_integer_value(json_object_get(newest, "uid")), 1000);
	json_decref(history);
	assert_false(registry_rollback(registry, &forcing, 20, &result, &errors));
	error_list_done(&errors);
	assert_true(registry_rollback(registry, &forcing, 21, &result, &errors));
	registry_result_done(&result);
	registry_close(registry);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		EACH(store_refuses_a_truncated_file),
		EACH(store_refuses_what_is_no_registry),
		EACH(store_refuses_a_future_schema),
		EACH(store_refuses_rows_that_are_not_what_was_committed),
		EACH(store_with_a_flipped_bit_is_refused_or_the_same),
		EACH(store_without_its_last_byte_is_refused_or_the_same),
		EACH(store_does_not_begin_beside_a_log_without_its_file),
		EACH(store_names_a_directory_that_is_not_there),
		EACH(store_is_for_one_process),
		EACH(store_refuses_what_it_may_not_write),
		EACH(store_that_cannot_grow_refuses_and_keeps_what_it_has),
		EACH(commit_survives_kill),
		EACH(store_keeps_the_last_hundred_revisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
