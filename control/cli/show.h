/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of the API as text for people, on standard output. `arguments` are the command's.
 * Threading: the program's only thread.
 */
#ifndef CONTROL_SHOW_H
#define CONTROL_SHOW_H

#include <jansson.h>

void show_connections(const json_t *arguments, const json_t *answer);
void show_counters(const json_t *arguments, const json_t *answer);
void show_difference(const json_t *arguments, const json_t *answer);
void show_history(const json_t *arguments, const json_t *answer);
void show_latency(const json_t *arguments, const json_t *answer);
void show_lookup(const json_t *arguments, const json_t *answer);
void show_ports(const json_t *arguments, const json_t *answer);
void show_result(const json_t *arguments, const json_t *answer);
void show_status(const json_t *arguments, const json_t *answer);

#endif
