/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of tests that run in a process of their own: EAL starts once in each, and a network
 * namespace goes with it. Threading: none.
 */
#ifndef DATAPLANE_CHILD_H
#define DATAPLANE_CHILD_H

#include <stddef.h>

/* Runs `run` in a child, and fails the running test unless it returns. */
void child_run(void (*run)(const void *argument), const void *argument);

/* Ends the child, and says where and why. */
#define expect(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			child_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__);               \
	} while (0)
void child_fail(const char *file, int line, const char *condition, const char *format, ...)
	__attribute__((noreturn, format(printf, 4, 5)));
void expect_has(const char *text, const char *part);

/* What is written to the descriptor `fd` between the two calls. */
struct capture {
	int fd;
	int saved;
	int file;
	char text[16384];
};
void capture_start(struct capture *capture, int fd);
const char *capture_end(struct capture *capture);

/* Runs a command of the shell, which must succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Leaves for a namespace of mounts, and puts an empty folder in the place of `path`. */
void hide_folder(const char *path);

#endif
