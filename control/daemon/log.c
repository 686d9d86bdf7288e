/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

static void log_line(const char *priority, const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "%speertagd: %s\n", getenv("JOURNAL_STREAM") ? priority : "", line);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(SD_ERR, format, args);
	va_end(args);
}

void log_notice(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(SD_NOTICE, format, args);
	va_end(args);
}
