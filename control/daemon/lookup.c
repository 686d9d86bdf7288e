/* SPDX-License-Identifier: BSD-3-Clause */
#include "lookup.h"

#include <stdlib.h>

/* One question under way. It is answered when every engine has answered. */
struct lookup {
	struct http_request *request;
	json_t *document;
	json_t *engines;
	uint32_t connection; /* id by the registry, 0: none */
	unsigned pending;
};

struct engine_question {
	struct lookup *lookup;
	const char *engine;
};

static void lookup_finish(struct lookup *lookup)
{
	json_object_set_new(lookup->document, "engines", lookup->engines);
	http_respond_json(lookup->request, 200, lookup->document);
	free(lookup);
}

static void engine_told(void *closure, const struct pt_engine_reply *reply)
{
	struct engine_question *question = closure;
	struct lookup *lookup = question->lookup;

	if (reply && reply->error == 0)
		json_array_append_new(lookup->engines,
				      json_pack("{s:s,s:i,s:b}", "name", question->engine, "class",
						(int)reply->lookup.class, "agrees",
						reply->lookup.connection == lookup->connection));
	free(question);
	if (!--lookup->pending)
		lookup_finish(lookup);
}

static void ask_engines(struct lookup *lookup, struct engines *engines,
			const struct prefix *address)
{
	lookup->pending = 1; /* ours, so that an early answer does not finish it */
	for (size_t i = 0; i < engines_count(engines); i++) {
		struct engine *engine = engines_get(engines, i);
		struct engine_question *question = malloc(sizeof(*question));

		*question = (struct engine_question){lookup, engine->name};
		lookup->pending++;
		if (engine_lookup(engine, address->addr, address->family, engine_told, question) <
		    0)
			engine_told(question, NULL);
	}
	if (!--lookup->pending)
		lookup_finish(lookup);
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
			  entry ? (int)compiled_class(&service->compiled, &entry->prefix) : 0);
	ask_engines(lookup, service->engines, &address);
}
