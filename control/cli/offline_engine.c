/* SPDX-License-Identifier: BSD-3-Clause */
#include "offline_engine.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16
#define SAID_MAX      4096 /* of what the program says on standard error */

extern char **environ;

/* The words of the program's command line, and room for those that are made here. */
struct command_line {
	const char *words[ARGUMENTS_MAX];
	char path[PATH_MAX];
	char snapshot[16];
	char carriers[32];
	char mask[16];
};

/* Where the program writes: memory files, so that nobody has to read while it runs. */
struct outputs {
	int out;
	int err;
};

static bool find_program(const char *name, char path[PATH_MAX])
{
	static const char *const folders[] = {"/usr/local/sbin", "/usr/sbin", "/usr/local/bin",
					      "/usr/bin"};
	char own[PATH_MAX / 2];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[length > 0 ? length : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash) {
		*slash = '\0';
		snprintf(path, PATH_MAX, "%s/%s", own, name);
		if (!access(path, X_OK))
			return true;
		snprintf(path, PATH_MAX, "%s/../sbin/%s", own, name);
		if (!access(path, X_OK))
			return true;
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, PATH_MAX, "%s/%s", folders[i], name);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

bool offline_engine_found(const char *engine)
{
	char path[PATH_MAX];

	return find_program(engine, path);
}

static void name_carriers(const struct pt_config_tag *tag, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (enum pt_carrier carrier = 0; carrier < PT_CARRIERS; carrier++)
		if (tag->carrier[carrier])
			used += snprintf(text + used, bytes - used, "%s%s", used ? "," : "",
					 pt_carrier_name(carrier));
}

static void make_command_line(const struct offline_run *run, struct command_line *line)
{
	size_t count = 0;

	snprintf(line->snapshot, sizeof(line->snapshot), "%d", run->snapshot_fd);
	snprintf(line->mask, sizeof(line->mask), "0x%x", run->tag->mark_mask);
	name_carriers(run->tag, line->carriers, sizeof(line->carriers));
	line->words[count++] = line->path;
	line->words[count++] = "classify";
	line->words[count++] = "--snapshot";
	line->words[count++] = line->snapshot;
	line->words[count++] = "--table";
	line->words[count++] = pt_config_table_name(run->table);
	line->words[count++] = "--tag";
	line->words[count++] = line->carriers;
	line->words[count++] = "--mark-mask";
	line->words[count++] = line->mask;
	if (run->write) {
		line->words[count++] = "--write";
		line->words[count++] = run->write;
	}
	line->words[count++] = "--";
	line->words[count++] = run->capture;
	line->words[count] = NULL;
}

/* Returns 0 and the program's wait status, or -errno. */
static int spawn_and_wait(const struct offline_run *run, const struct command_line *line,
			  const struct outputs *outputs, int *ret_status)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int reason;

	reason = posix_spawn_file_actions_init(&actions);
	if (reason)
		return -reason;
	/* A descriptor that is duplicated onto itself stays open across the exec. */
	posix_spawn_file_actions_adddup2(&actions, run->snapshot_fd, run->snapshot_fd);
	posix_spawn_file_actions_adddup2(&actions, outputs->out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, outputs->err, STDERR_FILENO);
	reason = posix_spawn(&pid, line->path, &actions, NULL, (char *const *)line->words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (reason)
		return -reason;
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static FILE *reopen(int fd)
{
	FILE *stream;

	lseek(fd, 0, SEEK_SET);
	stream = fdopen(dup(fd), "r");
	return stream;
}

/* What the program said, without the newline at the end. */
static void read_said(int fd, char said[SAID_MAX])
{
	ssize_t bytes = pread(fd, said, SAID_MAX - 1, 0);

	said[bytes > 0 ? bytes : 0] = '\0';
	while (bytes > 0 && said[bytes - 1] == '\n')
		said[--bytes] = '\0';
}

/* Its last words are why it failed; what came before goes where it was meant to go. */
static void explain_failure(const struct offline_run *run, char *said, int status,
			    struct error *error)
{
	char *newline = strrchr(said, '\n');
	const char *reason = newline ? newline + 1 : said;
	size_t length = strlen(run->engine);

	if (newline) {
		*newline = '\0';
		fprintf(stderr, "%s\n", said);
	}
	if (WIFSIGNALED(status))
		reason = strsignal(WTERMSIG(status));
	else if (!*reason)
		reason = "it failed without a word";
	if (!strncmp(reason, run->engine, length) && !strncmp(reason + length, ": ", 2))
		reason += length + 2;
	error_set(error, ERROR_INTERNAL, "%s: %s", run->engine, reason);
}

static json_t *read_document(int fd)
{
	FILE *stream = reopen(fd);
	json_t *document;

	if (!stream)
		return NULL;
	document = json_loadf(stream, 0, NULL);
	fclose(stream);
	return document;
}

static json_t *read_outputs(const struct offline_run *run, const struct outputs *outputs,
			    int status, struct error *error)
{
	json_t *document = read_document(outputs->out);
	char said[SAID_MAX];

	read_said(outputs->err, said);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		explain_failure(run, said, status, error);
		return document;
	}
	if (*said)
		fprintf(stderr, "%s\n", said);
	if (!document)
		error_set(error, ERROR_INTERNAL, "%s classify printed no JSON document",
			  run->engine);
	return document;
}

static json_t *run_program(const struct offline_run *run, const struct outputs *outputs,
			   struct error *error)
{
	struct command_line line;
	int status, reason;

	if (!find_program(run->engine, line.path)) {
		error_set(error, ERROR_INTERNAL, "there is no program %s", run->engine);
		return NULL;
	}
	make_command_line(run, &line);
	reason = spawn_and_wait(run, &line, outputs, &status);
	if (reason < 0) {
		error_set(error, ERROR_INTERNAL, "cannot run %s: %s", line.path, strerror(-reason));
		return NULL;
	}
	return read_outputs(run, outputs, status, error);
}

json_t *offline_engine_run(const struct offline_run *run, struct error *error)
{
	struct outputs outputs = {memfd_create("out", MFD_CLOEXEC),
				  memfd_create("err", MFD_CLOEXEC)};
	json_t *document = NULL;

	*error = (struct error){.code = ERROR_NONE};
	if (outputs.out < 0 || outputs.err < 0)
		error_set(error, ERROR_INTERNAL, "cannot make a memory file: %s", strerror(errno));
	else
		document = run_program(run, &outputs, error);
	close(outputs.out);
	close(outputs.err);
	return document;
}
