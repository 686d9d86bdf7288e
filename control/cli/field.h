/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading answers: what is absent, or of another type, is "", 0 or false. A dot in a key enters an
 * object. Threading: pure functions.
 */
#ifndef CONTROL_FIELD_H
#define CONTROL_FIELD_H

#include <jansson.h>
#include <stdbool.h>

const json_t *field_get(const json_t *object, const char *key);
const char *field_text(const json_t *object, const char *key);
json_int_t field_number(const json_t *object, const char *key);
bool field_true(const json_t *object, const char *key);

/* "1 prefix", "2 prefixes": of a static ring of texts, valid until the eighth next call. */
const char *field_plural(json_int_t count, const char *one, const char *many);

#endif
