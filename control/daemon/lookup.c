/* SPDX-License-Identifier: BSD-3-Clause */
#include "lookup.h"

#include "../registry/compile.h"

#include <stdlib.h>
#include <string.h>

struct lookup {
	struct http_request *request;
	json_t *document;
	json_t *engines;
	uint32_t connection; /* id by the registry, 0: none */
};

static void engine_told(void *closure, const struct engine *engine,
			const struct pt_engine_reply *reply)
{
	const struct lookup *lookup = closure;

	json_array_append_new(lookup->engines,
			      json_pack("{s:s,s:i,s:b}", "name", engine->name, "class",
					(int)reply->lookup.class, "agrees",
					reply->lookup.connection == lookup->connection));
}

static void lookup_done(void *closure)
{
	struct lookup *lookup = closure;

	json_object_set_new(lookup->document, "engines", lookup->engines);
	http_respond_json(lookup->request, 200, lookup->document);
	free(lookup);
}

static void ask_engines(struct lookup *lookup, struct engines *engines,
			const struct prefix *address)
{
	struct engines_question question = {
		.request = {.verb = PT_ENGINE_LOOKUP, .family = address->family},
		.told = engine_told,
		.done = lookup_done,
		.closure = lookup,
	};

	memcpy(question.request.addr, address->addr, sizeof(question.request.addr));
	engines_ask(engines, &question);
}

void lookup_answer(struct service *service, struct http_request *request, const char *text)
{
	const struct prefix_entry *entry;
	struct lookup *lookup;
	struct prefix address;
	struct error error;
	char prefix[PREFIX_TEXT_SIZE];

	if (!prefix_parse_address(text, &address, &error)) {
		http_respond_error(request, &error);
		return;
	}
	entry = view_lookup(service->view, &address);
	lookup = calloc(1, sizeof(*lookup));
	lookup->request = request;
	lookup->engines = json_array();
	lookup->connection = entry ? entry->connection->id : 0;
	lookup->document =
		json_pack("{s:s,s:s?,s:s?,s:i}", "address", text, "connection",
			  entry ? entry->connection->name : NULL, "prefix",
			  entry ? prefix_format(&entry->prefix, prefix) : NULL, "class",
			  entry ? (int)compiled_class(service->view->compiled, &entry->prefix) : 0);
	ask_engines(lookup, service->engines, &address);
}
