/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One line for the user: what was attempted, on what, why it failed, what to do. Functions below
 * main fill it and return the error; whoever knows where it goes prints or sends it.
 */
#ifndef PEERTAG_DATAPLANE_MESSAGE_H
#define PEERTAG_DATAPLANE_MESSAGE_H

#include <stdarg.h>

struct message {
	char text[256];
};

/* Writes the line and returns `error`, so that it can be returned. */
int message_set(struct message *message, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
