/* SPDX-License-Identifier: BSD-3-Clause */
#include "lookup.h"

#include <stdlib.h>

#define ENGINE_PATIENCE_US 1000000

/*
 * One question under way. It is answered when every engine has answered, or after a while without
 * those that are busy.
 */
struct lookup {
	struct http_request *request; /* NULL: was answered */
	sd_event_source *deadline;
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
	struct http_request *request = lookup->request;

	if (!request)
		return;
	lookup->request = NULL;
	lookup->deadline = sd_event_source_disable_unref(lookup->deadline);
	json_object_set_new(lookup->document, "engines", lookup->engines);
	http_respond_json(request, 200, lookup->document);
}

static int lookup_expired(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	lookup_finish(userdata);
	return 0;
}

/* One answer fewer to wait for. */
static void lookup_release(struct lookup *lookup)
{
	if (--lookup->pending)
		return;
	lookup_finish(lookup);
	free(lookup);
}

static void engine_told(void *closure, const struct pt_engine_reply *reply)
{
	struct engine_question *question = closure;
	struct lookup *lookup = question->lookup;

	if (lookup->request && reply && reply->error == 0)
		json_array_append_new(lookup->engines,
				      json_pack("{s:s,s:i,s:b}", "name", question->engine, "class",
						(int)reply->lookup.class, "agrees",
						reply->lookup.connection == lookup->connection));
	free(question);
	lookup_release(lookup);
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
	lookup_release(lookup);
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
	sd_event_add_time_relative(service->loop, &lookup->deadline, CLOCK_MONOTONIC,
				   ENGINE_PATIENCE_US, 1000, lookup_expired, lookup);
	ask_engines(lookup, service->engines, &address);
}
