/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "message.h"

int message_set(struct message *message, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message->text, sizeof(message->text), format, arguments);
	va_end(arguments);
	return error;
}
