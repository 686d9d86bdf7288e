/* SPDX-License-Identifier: BSD-3-Clause */
#include "body.h"

/* A prefix of which only the CIDR is known is written as a string. */
static json_t *prefix_plain(json_t *prefix)
{
	return json_object_size(prefix) == 1 ? json_object_get(prefix, "prefix") : prefix;
}

json_t *body_connection(const json_t *arguments)
{
	json_t *body = json_copy((json_t *)arguments), *prefixes = json_array(), *prefix;
	size_t i;

	json_array_foreach (json_object_get(arguments, "prefixes"), i, prefix)
		json_array_append(prefixes, prefix_plain(prefix));
	json_object_set_new(body, "prefixes", prefixes);
	return body;
}

json_t *body_patch(const json_t *arguments)
{
	json_t *body = json_copy((json_t *)arguments);

	json_object_del(body, "name");
	return body;
}

/* {KEY: [...]}: what is said behind the prefixes is said of all of them. */
static json_t *body_prefixes(const json_t *arguments, const char *key)
{
	json_t *said =
		json_pack("{s:O*, s:O*}", "ownership", json_object_get(arguments, "ownership"),
			  "latency", json_object_get(arguments, "latency"));
	json_t *prefixes = json_array(), *prefix;
	size_t i;

	json_array_foreach (json_object_get(arguments, "prefixes"), i, prefix) {
		json_t *whole = json_copy(prefix);

		json_object_update(whole, said);
		json_array_append(prefixes, prefix_plain(whole));
		json_decref(whole);
	}
	json_decref(said);
	return json_pack("{s:o}", key, prefixes);
}

json_t *body_prefixes_add(const json_t *arguments)
{
	return body_prefixes(arguments, "prefixes_add");
}

json_t *body_prefixes_set(const json_t *arguments)
{
	return body_prefixes(arguments, "prefixes_set");
}

json_t *body_prefixes_del(const json_t *arguments)
{
	return body_prefixes(arguments, "prefixes_del");
}

json_t *body_rollback(const json_t *arguments)
{
	return json_pack("{s:O, s:b}", "revision", json_object_get(arguments, "revision"), "force",
			 json_is_true(json_object_get(arguments, "force")));
}
