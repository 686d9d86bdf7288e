/* SPDX-License-Identifier: BSD-3-Clause */
#include "field.h"

#include <stdio.h>
#include <string.h>

const json_t *field_get(const json_t *object, const char *key)
{
	const char *dot = strchr(key, '.');
	char name[64];

	if (!dot)
		return json_object_get(object, key);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - key), key);
	return field_get(json_object_get(object, name), dot + 1);
}

const char *field_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(field_get(object, key));

	return text ? text : "";
}

json_int_t field_number(const json_t *object, const char *key)
{
	return json_integer_value(field_get(object, key));
}

bool field_true(const json_t *object, const char *key)
{
	return json_is_true(field_get(object, key));
}

const char *field_plural(json_int_t count, const char *one, const char *many)
{
	static char ring[8][64];
	static unsigned next;
	char *text = ring[next++ % 8];

	snprintf(text, sizeof(ring[0]), "%" JSON_INTEGER_FORMAT " %s", count,
		 count == 1 ? one : many);
	return text;
}
