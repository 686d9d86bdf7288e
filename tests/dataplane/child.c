/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_MAX_S 60

static struct capture *capturing;

void child_run(void (*run)(const void *), const void *argument)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* cmocka's own would go on with the next test, in the child. */
		for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
			signal(crashes[i], SIG_DFL);
		alarm(CHILD_MAX_S);
		run(argument);
		exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("the child ended with signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void child_fail(const char *file, int line, const char *condition, const char *format, ...)
{
	va_list arguments;

	if (capturing)
		fputs(capture_end(capturing), stderr);
	va_start(arguments, format);
	fprintf(stderr, "%s:%d: not so: %s", file, line, condition);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	_exit(1);
}

void expect_has(const char *text, const char *part)
{
	expect(strstr(text, part), "%s: is not in: %s", part, text);
}

void capture_start(struct capture *capture, int fd)
{
	fflush(NULL);
	capture->fd = fd;
	capture->saved = dup(fd);
	capture->file = memfd_create("capture", 0);
	expect(capture->saved >= 0 && capture->file >= 0);
	dup2(capture->file, fd);
	capturing = capture;
}

const char *capture_end(struct capture *capture)
{
	ssize_t length;

	capturing = NULL;
	fflush(NULL);
	length = pread(capture->file, capture->text, sizeof(capture->text) - 1, 0);
	dup2(capture->saved, capture->fd);
	close(capture->saved);
	close(capture->file);
	expect(length >= 0);
	capture->text[length] = '\0';
	return capture->text;
}

void shell(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	expect(system(command) == 0, "%s", command);
}

void hide_folder(const char *path)
{
	expect(unshare(CLONE_NEWNS) == 0, "%s", strerror(errno));
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "%s", strerror(errno));
	expect(mount("none", path, "tmpfs", 0, "mode=1777") == 0, "%s", strerror(errno));
}
