/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the daemon says to its operator: one line on stderr, with the priority that systemd reads
 * when the journal is listening. Threading: any thread.
 */
#ifndef CONTROL_LOG_H
#define CONTROL_LOG_H

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
