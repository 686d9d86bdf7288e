/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a request says, made of a command's arguments. Each returns a new reference, or NULL without
 * memory. Threading: pure functions.
 */
#ifndef CONTROL_BODY_H
#define CONTROL_BODY_H

#include <jansson.h>

json_t *body_connection(const json_t *arguments);
json_t *body_patch(const json_t *arguments);
json_t *body_prefixes_add(const json_t *arguments);
json_t *body_prefixes_set(const json_t *arguments);
json_t *body_prefixes_del(const json_t *arguments);
json_t *body_rollback(const json_t *arguments);

#endif
