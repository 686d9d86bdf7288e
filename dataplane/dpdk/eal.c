/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hugepages.h"
#include "words.h"

#define OWN_ARGUMENTS_MAX 16
#define LCORES_BYTES	  512
#define MEMORY_MAX_MIB	  4096u
#define MEMORY_MIN_MIB	  64u

/* What EAL is started with: the program, ours, the user's, NULL. */
struct arguments {
	struct words user;
	int count;
	char **all;
	char memory[16];
	char lcores[LCORES_BYTES];
};

/* A mode of memory that a user asks for is the user's, whatever the machine has. */
static const char *const memory_modes[] = {"no-huge",  "in-memory", "huge-unlink", "legacy-mem",
					   "huge-dir", "proc-type", "no-shconf"};
static const char *const needs_hugepages[] = {"socket-mem", "socket-limit", "match-allocations",
					      "single-file-segments", "huge-worker-stack"};

static bool words_have_any(const struct words *words, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (words_have(words, names[i]))
			return true;
	return false;
}

static void add(struct arguments *arguments, const char *word)
{
	arguments->all[arguments->count++] = (char *)word;
}

/* As much as may ever be wanted: without hugepages only what is used is taken from the system. */
static void add_memory(struct arguments *arguments)
{
	__u64 half = memory_available_bytes() / 2 >> 20;
	unsigned int mib = half < MEMORY_MAX_MIB ? half : MEMORY_MAX_MIB;

	if (words_have(&arguments->user, "socket-mem"))
		return;
	snprintf(arguments->memory, sizeof(arguments->memory), "%u",
		 mib > MEMORY_MIN_MIB ? mib : MEMORY_MIN_MIB);
	add(arguments, "-m");
	add(arguments, arguments->memory);
}

/* One lcore that may run wherever the process may: several processes need not share a CPU. */
static void add_floating_lcore(struct arguments *arguments)
{
	char *text = arguments->lcores;
	size_t length = snprintf(text, LCORES_BYTES, "0@(");
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int cpu = 0, end; cpu < CPU_SETSIZE && length < LCORES_BYTES - 16; cpu = end) {
		for (end = cpu; end < CPU_SETSIZE && CPU_ISSET(end, &set); end++)
			;
		if (end > cpu)
			length += snprintf(text + length, LCORES_BYTES - length, "%d-%d,", cpu,
					   end - 1);
		else
			end++;
	}
	text[length - 1] = ')';
	add(arguments, "--lcores");
	add(arguments, text);
}

/* No other process can share this memory, so there is no point in the files for that either. */
static void add_no_huge(struct arguments *arguments)
{
	add(arguments, "--no-huge");
	add(arguments, "--no-shconf");
	add_memory(arguments);
}

static void add_offline(struct arguments *arguments)
{
	add(arguments, "--no-pci");
	add(arguments, "--no-telemetry");
	add_no_huge(arguments);
	add_floating_lcore(arguments);
}

static void warn_no_hugepages(const struct eal_options *options)
{
	fprintf(stderr,
		"%s: no hugepages are free, so it runs without: everything is slower, and a NIC "
		"needs an IOMMU; to mend it: echo 1024 > /proc/sys/vm/nr_hugepages, and restart\n",
		options->program);
}

/* Hugepages leave no trace when the process dies with --in-memory. */
static void add_memory_mode(struct arguments *arguments, const struct eal_options *options)
{
	const struct words *user = &arguments->user;

	if (words_have(user, "no-huge"))
		add_no_huge(arguments);
	else if (words_have_any(user, memory_modes, RTE_DIM(memory_modes)))
		return;
	else if (hugepages_free_bytes() ||
		 words_have_any(user, needs_hugepages, RTE_DIM(needs_hugepages)))
		add(arguments, "--in-memory");
	else {
		add_no_huge(arguments);
		warn_no_hugepages(options);
	}
}

/*
 * Of what it says at every start, much sounds as if something was wrong. Where several levels fit,
 * the last counts for what is known by now, the first for what is registered later.
 */
static void add_log_level(struct arguments *arguments, const struct eal_options *options)
{
	if (options->quiet) {
		add(arguments, "--log-level=*:error");
	} else if (!options->verbose && !words_have(&arguments->user, "log-level")) {
		add(arguments, "--log-level=lib.telemetry:error");
		add(arguments, "--log-level=*:notice");
		add(arguments, "--log-level=lib.eal:error");
	}
}

/* EAL would print its usage, and end the process as if all were well. */
static bool asks_for_help(const struct words *user)
{
	for (size_t i = 0; i < user->count; i++)
		if (!strcmp(user->words[i], "-h") || !strcmp(user->words[i], "--log-level=help"))
			return true;
	return words_have(user, "help");
}

static int arguments_split(struct arguments *arguments, const struct eal_options *options,
			   struct message *message)
{
	int error = words_split(options->arguments, &arguments->user);

	if (error == -EINVAL)
		return message_set(message, error,
				   "cannot take the EAL arguments apart: a quote is not closed, or "
				   "a backslash is last: %s",
				   options->arguments);
	if (!error && asks_for_help(&arguments->user))
		return message_set(message, -EINVAL,
				   "EAL's help is not for a service: `dpdk-testpmd --help` prints "
				   "it");
	if (!error)
		arguments->all = calloc(arguments->user.count + OWN_ARGUMENTS_MAX, sizeof(char *));
	if (error || !arguments->all)
		return message_set(message, -ENOMEM, "no memory for the EAL arguments");
	return 0;
}

static void arguments_done(struct arguments *arguments)
{
	words_done(&arguments->user);
	free(arguments->all);
}

static int arguments_init(struct arguments *arguments, const struct eal_options *options,
			  struct message *message)
{
	int error;

	*arguments = (struct arguments){};
	error = arguments_split(arguments, options, message);
	if (error)
		return error;
	add(arguments, options->program);
	if (options->prefix && !words_have(&arguments->user, "file-prefix")) {
		add(arguments, "--file-prefix");
		add(arguments, options->prefix);
	}
	add_log_level(arguments, options);
	if (options->offline)
		add_offline(arguments);
	else
		add_memory_mode(arguments, options);
	for (size_t i = 0; i < arguments->user.count; i++)
		add(arguments, arguments->user.words[i]);
	return 0;
}

static void arguments_log(const struct arguments *arguments)
{
	fprintf(stderr, "%s: EAL arguments:", arguments->all[0]);
	for (int i = 1; i < arguments->count; i++) {
		const char *word = arguments->all[i];
		bool plain = word[0] && !word[strcspn(word, " \t\n\"'\\")];

		fprintf(stderr, plain ? " %s" : " '%s'", word);
	}
	fputc('\n', stderr);
}

/* Who runs with the same --file-prefix and shares its memory; 0: nobody that can be seen. */
static pid_t prefix_holder(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	bool held;
	int fd;

	snprintf(path, sizeof(path), "%s/config", rte_eal_get_runtime_dir());
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return held ? lock.l_pid : 0;
}

static int explain_start(int error, struct message *message)
{
	const char *root = geteuid() ? "; it is not run as root" : "";
	pid_t holder = prefix_holder();
	char memory[160];

	if (error == EALREADY)
		return message_set(message, -error, "EAL runs in this process already");
	if (holder)
		return message_set(message, -EBUSY,
				   "cannot start EAL: process %d has the same --file-prefix (%s)",
				   holder, rte_eal_get_runtime_dir());
	if (error == EINVAL)
		return message_set(message, -error,
				   "EAL refuses its arguments, see its lines above; the "
				   "configuration's are in `eal:` of the engine%s",
				   root);
	if (error != ENOMEM && error != EACCES)
		return message_set(message, error ? -error : -EIO,
				   "cannot start EAL, see its lines above: %s%s",
				   error ? rte_strerror(error) : "it gave no reason", root);
	eal_explain_memory(0, memory, sizeof(memory));
	return message_set(message, -error, "EAL does not get its memory: %s%s", memory, root);
}

/* Its usage text, of a hundred lines, would follow every mistake in the arguments. */
static int init_without_usage(struct arguments *arguments)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int out, result;

	fflush(stdout);
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (null >= 0 && out >= 0)
		dup2(null, STDOUT_FILENO);
	rte_errno = 0;
	result = rte_eal_init(arguments->count, arguments->all);
	fflush(stdout);
	if (null >= 0 && out >= 0)
		dup2(out, STDOUT_FILENO);
	if (out >= 0)
		close(out);
	if (null >= 0)
		close(null);
	return result < 0 ? -1 : 0;
}

/* Only empty ones go: others may run with the same prefix. */
static void runtime_dir_remove(void)
{
	const char *path = rte_eal_get_runtime_dir();

	if (path[0])
		rmdir(path);
}

/*
 * EAL makes a runtime directory even if it has nothing to put there, where other users may not:
 * offline it gets one that is gone again as soon as it has started.
 */
static int init_offline(struct arguments *arguments)
{
	char path[] = "/tmp/peertag-XXXXXX", made[sizeof(path) + 8];
	char *given = getenv("RUNTIME_DIRECTORY");
	int result;

	given = given ? strdup(given) : NULL;
	if (mkdtemp(path))
		setenv("RUNTIME_DIRECTORY", path, 1);
	result = init_without_usage(arguments);
	runtime_dir_remove();
	snprintf(made, sizeof(made), "%s/dpdk", path);
	rmdir(made);
	rmdir(path);
	if (given)
		setenv("RUNTIME_DIRECTORY", given, 1);
	else
		unsetenv("RUNTIME_DIRECTORY");
	free(given);
	return result;
}

int eal_start(const struct eal_options *options, struct message *message)
{
	struct arguments arguments;
	int error = arguments_init(&arguments, options, message);

	if (error) {
		arguments_done(&arguments);
		return error;
	}
	if (!options->quiet)
		arguments_log(&arguments);
	/* Else EAL's lines would go to the system's log as well: twice, for a service. */
	if (!words_have(&arguments.user, "syslog"))
		rte_openlog_stream(stderr);
	/* The telemetry socket is removed at exit, so what is registered before comes after. */
	atexit(runtime_dir_remove);
	error = options->offline ? init_offline(&arguments) : init_without_usage(&arguments);
	if (error)
		error = explain_start(rte_errno, message);
	arguments_done(&arguments);
	return error;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	runtime_dir_remove();
}

static size_t explain_hugepages(char *text, size_t bytes)
{
	struct hugepages sizes[HUGEPAGE_SIZES_MAX];
	size_t count = hugepages_read(sizes), length = 0;

	for (size_t i = 0; i < count && length < bytes; i++)
		length += snprintf(text + length, bytes - length, "%s%llu of %llu x %llu MiB",
				   i ? ", " : "hugepages free: ", sizes[i].free, sizes[i].total,
				   sizes[i].page_bytes >> 20);
	if (!count)
		length = snprintf(text, bytes, "the kernel has no hugepages");
	return length < bytes ? length : bytes;
}

void eal_explain_memory(__u64 needed_bytes, char *text, size_t bytes)
{
	struct rte_malloc_socket_stats heap = {};
	size_t length = 0;

	text[0] = '\0';
	if (needed_bytes)
		length = snprintf(text, bytes, "needs %llu MiB; ", (needed_bytes + 0xfffff) >> 20);
	if (rte_eal_has_hugepages()) {
		length += explain_hugepages(text + length, bytes - length);
		snprintf(text + length, bytes - length, "; more by /proc/sys/vm/nr_hugepages");
		return;
	}
	rte_malloc_get_socket_stats(0, &heap);
	snprintf(text + length, bytes - length,
		 "EAL has %zu of %zu MiB free, without hugepages; more by `-m` in `eal:`",
		 heap.heap_freesz_bytes >> 20, heap.heap_totalsz_bytes >> 20);
}
