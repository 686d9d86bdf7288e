/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands that are more than one request. Each prints its own output and its own errors.
 * Threading: the program's only thread.
 */
#ifndef CONTROL_PROGRAMS_H
#define CONTROL_PROGRAMS_H

#include "commands.h"

enum exit_code run_check(struct invocation *invocation);
enum exit_code run_classify(struct invocation *invocation);
enum exit_code run_completion(struct invocation *invocation);
enum exit_code run_export(struct invocation *invocation);
enum exit_code run_help(struct invocation *invocation);
enum exit_code run_manual(struct invocation *invocation);
enum exit_code run_monitor(struct invocation *invocation);
enum exit_code run_top(struct invocation *invocation);
enum exit_code run_unavailable(struct invocation *invocation);

#endif
