/* SPDX-License-Identifier: BSD-3-Clause */
/* What EAL is started with, and what is said when it does not start. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "child.h"
#include "eal.h"
#include "hugepages.h"
#include "words.h"

#define NOBODY	      65534
#define SYS_HUGEPAGES "/sys/kernel/mm/hugepages"
#define WORDS_MAX     4

static int start(const char *arguments, struct message *message)
{
	char prefix[32];
	const struct eal_options options = {
		.program = "test", .prefix = prefix, .arguments = arguments};

	snprintf(prefix, sizeof(prefix), "peertag-test-%d", getpid());
	return eal_start(&options, message);
}

static int start_offline(struct message *message)
{
	const struct eal_options options = {.program = "test", .quiet = true, .offline = true};

	return eal_start(&options, message);
}

static size_t files_in(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	size_t count = 0;

	expect(dir, "%s", path);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void words_are_parted_as_by_a_shell(void **state)
{
	static const struct {
		const char *text;
		const char *words[WORDS_MAX];
	} cases[] = {
		{NULL, {}},
		{" \t\n", {}},
		{"-l 0-1", {"-l", "0-1"}},
		{"  -l\t0-1\n", {"-l", "0-1"}},
		{"--lcores '(0-1)@2, 3'", {"--lcores", "(0-1)@2, 3"}},
		{"a\"b c\"d e", {"ab cd", "e"}},
		{"'' \"\"", {"", ""}},
		{"a\\ b \"c\\\"d\\e\" 'f\\'", {"a b", "c\"d\\e", "f\\"}},
		{"$HOME *.so ~ `id`", {"$HOME", "*.so", "~", "`id`"}},
	};
	static const char *const wrong[] = {"'a", "\"a", "a 'b\" c", "a\\", "\\"};
	struct words words;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t count = 0;

		assert_int_equal(words_split(cases[i].text, &words), 0);
		while (count < WORDS_MAX && cases[i].words[count])
			count++;
		assert_int_equal(words.count, count);
		for (size_t j = 0; j < count; j++)
			assert_string_equal(words.words[j], cases[i].words[j]);
		words_done(&words);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(words_split(wrong[i], &words), -EINVAL);
}

static void options_are_known_as_getopt_takes_them(void **state)
{
	struct words words;

	(void)state;
	assert_int_equal(words_split("--no-hu --file-prefix=x --vdev net_null0 huge-dir", &words),
			 0);
	assert_true(words_have(&words, "no-huge"));
	assert_true(words_have(&words, "file-prefix"));
	assert_true(words_have(&words, "vdev"));
	assert_false(words_have(&words, "huge-dir"));
	assert_false(words_have(&words, "no-pci"));
	words_done(&words);
}

static void refuse(const void *argument)
{
	const char *const *refused = argument;
	struct capture capture;
	struct message message = {};
	int error;

	capture_start(&capture, STDOUT_FILENO);
	error = start(refused[0], &message);
	capture_end(&capture);
	expect(error < 0, "%s", refused[0]);
	expect(capture.text[0] == '\0', "on stdout: %s", capture.text);
	expect_has(message.text, refused[1]);
}

static void wrong_arguments_are_refused_without_a_usage_text(void **state)
{
	static const char *const cases[][2] = {
		{"--no-pci --no-huge --zork", "EAL refuses its arguments"},
		{"--no-pci --no-huge -l 4095", "EAL refuses its arguments"},
		{"--no-pci --no-huge --socket-mem=64", "EAL refuses its arguments"},
		{"--no-pci --no-huge --vdev=zork0", "cannot start EAL, see its lines above"},
		{"--no-pci --no-huge --vdev='net_null0", "a quote is not closed"},
		{"--no-pci -h", "EAL's help is not for a service"},
		{"--no-pci --help", "EAL's help is not for a service"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		child_run(refuse, cases[i]);
}

static void own_arguments_win(const void *argument)
{
	struct rte_malloc_socket_stats heap;
	struct message message = {};
	struct capture capture;

	(void)argument;
	capture_start(&capture, STDERR_FILENO);
	expect(start("--no-huge --no-pci -m 96 --file-prefix='a b'", &message) == 0, "%s",
	       message.text);
	capture_end(&capture);
	expect_has(capture.text, "test: EAL arguments: ");
	expect_has(capture.text, " '--file-prefix=a b'");
	rte_malloc_get_socket_stats(0, &heap);
	expect(heap.heap_totalsz_bytes == 96 << 20, "%zu", heap.heap_totalsz_bytes);
	eal_stop();
}

static void the_users_arguments_win(void **state)
{
	(void)state;
	child_run(own_arguments_win, NULL);
}

static void start_twice(const void *argument)
{
	struct message message = {};

	(void)argument;
	expect(start_offline(&message) == 0, "%s", message.text);
	expect(start_offline(&message) == -EALREADY);
	expect_has(message.text, "already");
}

static void eal_starts_once_in_a_process(void **state)
{
	(void)state;
	child_run(start_twice, NULL);
}

static void run_as_nobody(const void *argument)
{
	struct message message = {};
	cpu_set_t before, after;

	(void)argument;
	hide_folder("/tmp");
	unsetenv("XDG_RUNTIME_DIR");
	sched_getaffinity(0, sizeof(before), &before);
	expect(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	expect(start_offline(&message) == 0, "%s", message.text);
	expect(files_in("/tmp") == 0, "EAL runs, and a file is left in /tmp");
	expect(rte_lcore_count() == 1);
	sched_getaffinity(0, sizeof(after), &after);
	expect(CPU_EQUAL(&before, &after), "it is bound to a CPU of many");
	eal_stop();
	expect(files_in("/tmp") == 0, "EAL is gone, and a file is left in /tmp");
}

static void offline_needs_no_privilege_and_leaves_no_file(void **state)
{
	(void)state;
	child_run(run_as_nobody, NULL);
}

static void run_in_private_tmp(const void *argument)
{
	struct message message = {};

	setenv("RUNTIME_DIRECTORY", "/tmp", 1);
	expect(start(argument, &message) == 0, "%s", message.text);
	expect(files_in("/tmp/dpdk") == 1);
	eal_stop();
}

/* Telemetry goes when the process ends, so that is waited for. */
static void run_to_the_end(const void *argument)
{
	pid_t child;
	int status;

	hide_folder("/tmp");
	child = fork();
	if (child == 0) {
		run_in_private_tmp(argument);
		exit(0);
	}
	expect(waitpid(child, &status, 0) == child && status == 0);
	expect(files_in("/tmp/dpdk") == 0);
}

static void no_directory_is_left_behind(void **state)
{
	(void)state;
	child_run(run_to_the_end, "--no-pci --no-huge -m 64");
	child_run(run_to_the_end, "--no-pci");
}

static void run_without_hugepages(const void *argument)
{
	struct message message = {};
	struct capture capture;
	char text[160];

	(void)argument;
	hide_folder(SYS_HUGEPAGES);
	capture_start(&capture, STDERR_FILENO);
	expect(start("--no-pci", &message) == 0, "%s", message.text);
	capture_end(&capture);
	expect_has(capture.text, "no hugepages are free");
	expect_has(capture.text, "/proc/sys/vm/nr_hugepages");
	expect_has(capture.text, " --no-huge ");
	expect(!rte_eal_has_hugepages());
	eal_explain_memory(3 << 20, text, sizeof(text));
	expect_has(text, "needs 3 MiB; EAL has ");
	expect_has(text, "without hugepages");
	eal_stop();
}

static void demand_hugepages(const void *argument)
{
	struct message message = {};

	hide_folder(SYS_HUGEPAGES);
	if (geteuid() == 0 && argument)
		expect(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	expect(start("--no-pci --socket-mem=64", &message) < 0);
	expect_has(message.text, "EAL does not get its memory: the kernel has no hugepages");
	expect(!argument == !strstr(message.text, "not run as root"), "%s", message.text);
}

static void without_hugepages_it_runs_and_says_what_it_costs(void **state)
{
	(void)state;
	child_run(run_without_hugepages, NULL);
}

static void missing_hugepages_are_told(void **state)
{
	(void)state;
	child_run(demand_hugepages, NULL);
	child_run(demand_hugepages, "as nobody");
}

static void ask_for_too_much(const void *argument)
{
	struct message message = {};
	char more[64];

	(void)argument;
	snprintf(more, sizeof(more), "--no-pci -m %llu", (hugepages_free_bytes() >> 20) + 1024);
	expect(start(more, &message) == -ENOMEM, "%s", message.text);
	expect_has(message.text, "hugepages free: ");
	expect_has(message.text, " MiB");
}

static void use_hugepages(const void *argument)
{
	struct message message = {};

	(void)argument;
	expect(start("--no-pci", &message) == 0, "%s", message.text);
	expect(rte_eal_has_hugepages());
	eal_stop();
}

static void need_hugepages(void)
{
	if (hugepages_free_bytes() >= 64 << 20)
		return;
	print_message("skipped: fewer than 64 MiB of hugepages are free\n");
	skip();
}

static void hugepages_are_used_where_there_are_some(void **state)
{
	(void)state;
	need_hugepages();
	child_run(use_hugepages, NULL);
	child_run(ask_for_too_much, NULL);
}

/* EAL shares memory by files of the two folders. */
static void share_a_prefix(const void *argument)
{
	const char *const arguments = "--no-pci --proc-type=primary --file-prefix=peertag-test";
	struct message message = {};
	int ready[2];
	pid_t holder;
	char byte;

	(void)argument;
	hide_folder("/tmp");
	hide_folder("/mnt");
	expect(mount("none", "/mnt", "hugetlbfs", 0, NULL) == 0, "%s", strerror(errno));
	setenv("RUNTIME_DIRECTORY", "/tmp", 1);
	expect(pipe(ready) == 0);
	holder = fork();
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		expect(start(arguments, &message) == 0, "%s", message.text);
		close(ready[1]);
		pause();
	}
	close(ready[1]);
	expect(read(ready[0], &byte, 1) == 0);
	expect(start(arguments, &message) == -EBUSY, "%s", message.text);
	expect_has(message.text, "has the same --file-prefix");
	kill(holder, SIGKILL);
}

static void who_holds_the_prefix_is_told(void **state)
{
	(void)state;
	need_hugepages();
	child_run(share_a_prefix, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_parted_as_by_a_shell),
		cmocka_unit_test(options_are_known_as_getopt_takes_them),
		cmocka_unit_test(wrong_arguments_are_refused_without_a_usage_text),
		cmocka_unit_test(the_users_arguments_win),
		cmocka_unit_test(eal_starts_once_in_a_process),
		cmocka_unit_test(offline_needs_no_privilege_and_leaves_no_file),
		cmocka_unit_test(no_directory_is_left_behind),
		cmocka_unit_test(without_hugepages_it_runs_and_says_what_it_costs),
		cmocka_unit_test(missing_hugepages_are_told),
		cmocka_unit_test(hugepages_are_used_where_there_are_some),
		cmocka_unit_test(who_holds_the_prefix_is_told),
	};

	if (geteuid()) {
		fputs("skipped: needs root\n", stderr);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
