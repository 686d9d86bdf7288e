/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes of one connection: each makes the desired set of the current one with one replaced. */
#include "registry_commit.h"

#include <stdlib.h>
#include <string.h>

#define ACTION_SIZE (ERROR_NAME_SIZE + 32)

/* What the user asks for, on the way to a proposal. */
struct writing {
	struct registry *registry;
	const struct author *author;
	double started;
	struct error_list *errors;
	struct error_list warnings;
};

static struct writing writing_begin(struct registry *registry, const struct author *author,
				    struct error_list *errors)
{
	return (struct writing){
		.registry = registry,
		.author = author,
		.started = registry_clock(),
		.errors = errors,
	};
}

/* The current connections, without @before (or all), with @after (or none); takes over @after. */
static bool desire(const struct view *view, const struct connection *before,
		   struct connection *after, struct connection_set *ret_set)
{
	struct connection_set set;
	bool stored = true;

	connection_set_init(&set);
	for (size_t i = 0; stored && i < view->by_name.count; i++)
		if (view->by_name.items[i] != before)
			stored = connection_set_add(&set, connection_ref(view->by_name.items[i]));
	if (after && stored)
		stored = connection_set_add(&set, after);
	else
		connection_unref(after);
	if (!stored) {
		connection_set_done(&set);
		return false;
	}
	*ret_set = set;
	return true;
}

/* Takes over @after and the warnings. */
static bool writing_end(struct writing *writing, const char *verb, const char *name,
			const struct connection *before, struct connection *after,
			struct registry_result *ret_result)
{
	char action[ACTION_SIZE];
	struct proposal proposal = {.action = action, .started = writing->started};

	memset(ret_result, 0, sizeof(*ret_result));
	snprintf(action, sizeof(action), "%s %s", verb, name);
	if (!desire(writing->registry->view, before, after, &proposal.desired)) {
		error_list_done(&writing->warnings);
		return registry_refuse_memory(writing->errors);
	}
	error_list_move(&ret_result->warnings, &writing->warnings);
	if (registry_commit(writing->registry, writing->author, &proposal, ret_result,
			    writing->errors))
		return true;
	registry_result_done(ret_result);
	return false;
}

/* Frees what a refused write has so far. */
static bool writing_refused(struct writing *writing, struct connection *after)
{
	connection_unref(after);
	error_list_done(&writing->warnings);
	return false;
}

/* NULL and an error: there is no such connection. */
static const struct connection *find(struct writing *writing, const char *name)
{
	const struct connection *found = view_find(writing->registry->view, name);
	struct error error;

	if (found)
		return found;
	error_set(&error, ERROR_NOT_FOUND, "there is no connection \"%s\"", name);
	error_name(error.connection, name);
	registry_refuse(writing->errors, &error);
	return NULL;
}

/* NULL and errors: refused. */
static struct connection *decode(struct writing *writing, const json_t *document)
{
	struct connection *connection =
		connection_decode(document, 0, writing->errors, &writing->warnings);

	if (connection && !error_list_failed(writing->errors))
		return connection;
	if (!error_list_failed(writing->errors) || writing->errors->truncated)
		registry_refuse_memory(writing->errors);
	writing_refused(writing, connection);
	return NULL;
}

bool registry_add(struct registry *registry, const struct author *author, const json_t *document,
		  struct registry_result *ret_result, struct error_list *errors)
{
	struct writing writing = writing_begin(registry, author, errors);
	struct connection *after = decode(&writing, document);
	struct error error;

	if (!after)
		return false;
	if (!view_find(registry->view, after->name))
		return writing_end(&writing, "connection add", after->name, NULL, after,
				   ret_result);
	error_set(&error, ERROR_DUPLICATE_NAME, "there is a connection \"%s\" already",
		  after->name);
	error_set_hint(&error, "peertag connection set changes it");
	error_name(error.connection, after->name);
	error_name(error.conflicts_with, after->name);
	registry_refuse(errors, &error);
	return writing_refused(&writing, after);
}

/* False and an error: the document has a name, and it is not @name. */
static bool check_name(const json_t *document, const char *name, struct error_list *errors)
{
	const json_t *given = json_object_get(document, "name");
	struct error error;

	if (!given || (json_is_string(given) && strcmp(json_string_value(given), name) == 0))
		return true;
	error_set(&error, ERROR_BAD_VALUE, "\"name\" must stay \"%s\"", name);
	error_set_hint(&error, "a connection with another name is another connection");
	error_name(error.connection, name);
	return registry_refuse(errors, &error);
}

/* @document is a whole connection but perhaps its name; takes it over. */
static bool replace(struct writing *writing, const char *verb, const struct connection *before,
		    json_t *document, struct registry_result *ret_result)
{
	struct connection *after = NULL;

	if (json_is_object(document) && !json_object_get(document, "name"))
		json_object_set_new(document, "name", json_string(before->name));
	if (check_name(document, before->name, writing->errors))
		after = decode(writing, document);
	json_decref(document);
	return after && writing_end(writing, verb, before->name, before, after, ret_result);
}

bool registry_replace(struct registry *registry, const struct author *author, const char *name,
		      const json_t *document, struct registry_result *ret_result,
		      struct error_list *errors)
{
	struct writing writing = writing_begin(registry, author, errors);
	const struct connection *before = find(&writing, name);

	return before && replace(&writing, "connection replace", before,
				 json_copy((json_t *)document), ret_result);
}

/* RFC 7396. Returns a new value. */
static json_t *merge_patch(const json_t *target, const json_t *patch)
{
	json_t *merged, *value;
	const char *key;

	if (!json_is_object(patch))
		return json_incref((json_t *)patch);
	merged = json_is_object(target) ? json_copy((json_t *)target) : json_object();
	json_object_foreach ((json_t *)patch, key, value) {
		if (json_is_null(value))
			json_object_del(merged, key);
		else
			json_object_set_new(merged, key,
					    merge_patch(json_object_get(merged, key), value));
	}
	return merged;
}

bool registry_patch(struct registry *registry, const struct author *author, const char *name,
		    const json_t *patch, struct registry_result *ret_result,
		    struct error_list *errors)
{
	struct writing writing = writing_begin(registry, author, errors);
	const struct connection *before = find(&writing, name);
	json_t *current, *document;
	bool done;

	if (!before)
		return false;
	current = connection_encode(before, CONNECTION_AS_WRITTEN);
	document = merge_patch(current, patch);
	done = replace(&writing, "connection set", before, document, ret_result);
	json_decref(current);
	return done;
}

bool registry_delete(struct registry *registry, const struct author *author, const char *name,
		     struct registry_result *ret_result, struct error_list *errors)
{
	struct writing writing = writing_begin(registry, author, errors);
	const struct connection *before = find(&writing, name);

	return before && writing_end(&writing, "connection del", name, before, NULL, ret_result);
}

/* One prefix of a request against the connection as it was. */
struct prefix_request {
	const struct connection *before;
	struct connection *after; /* a copy so far, its first prefixes where they are in before */
	enum prefix_verb verb;
	struct writing *writing;
	bool *deleted; /* by index in before->prefixes */
};

static bool refuse_prefix(const struct prefix_request *request, struct error *error,
			  const struct prefix *prefix)
{
	char text[PREFIX_TEXT_SIZE];

	error_name(error->connection, request->before->name);
	if (prefix)
		error_prefix(error->prefix, prefix_format(prefix, text));
	return registry_refuse(request->writing->errors, error);
}

static bool add_prefix(struct prefix_request *request, const struct connection_prefix *wanted,
		       const struct connection_prefix *there)
{
	struct error error;

	if (there && !connection_prefix_same(there, wanted)) {
		error_set(&error, ERROR_CONFLICT,
			  "the prefix is there with other ownership or latency");
		error_set_hint(&error, "peertag prefix set changes it");
		return refuse_prefix(request, &error, &wanted->prefix);
	}
	/* One that is there in the same form goes in twice, for the warning that it will cause. */
	return connection_add_prefix(request->after, wanted) ||
	       registry_refuse_memory(request->writing->errors);
}

/* What the document does not say stays. */
static void set_prefix(struct connection_prefix *there, const struct connection_prefix *wanted,
		       const json_t *document)
{
	if (json_object_get(document, "ownership"))
		there->ownership = wanted->ownership;
	if (json_object_get(document, "latency"))
		there->latency = wanted->latency;
}

static bool request_prefix(struct prefix_request *request, const json_t *document)
{
	const struct connection_prefix *there;
	struct connection_prefix wanted;
	struct error error;
	size_t index;

	if (!connection_prefix_decode(document, &wanted, &error))
		return refuse_prefix(request, &error, NULL);
	there = connection_find_prefix(request->before, &wanted.prefix);
	if (request->verb == PREFIX_ADD)
		return add_prefix(request, &wanted, there);
	if (!there) {
		error_set(&error, ERROR_NOT_FOUND, "\"%s\" has no such prefix",
			  request->before->name);
		return refuse_prefix(request, &error, &wanted.prefix);
	}
	index = (size_t)(there - request->before->prefixes);
	if (request->verb == PREFIX_DELETE)
		request->deleted[index] = true;
	else
		set_prefix(&request->after->prefixes[index], &wanted, document);
	return true;
}

static void drop_deleted(struct prefix_request *request)
{
	struct connection *after = request->after;
	size_t kept = 0;

	for (size_t i = 0; i < after->prefix_count; i++)
		if (i >= request->before->prefix_count || !request->deleted[i])
			after->prefixes[kept++] = after->prefixes[i];
	after->prefix_count = kept;
}

static const char *prefix_verb_name(enum prefix_verb verb)
{
	switch (verb) {
	case PREFIX_ADD:
		return "prefix add";
	case PREFIX_SET:
		return "prefix set";
	case PREFIX_DELETE:
		return "prefix del";
	}
	return "?";
}

/* Carries out all of @prefixes on the copy; false and errors: any was refused. */
static bool request_all(struct prefix_request *request, const json_t *prefixes)
{
	const json_t *value;
	struct error error;
	size_t i;

	if (!json_is_array(prefixes)) {
		error_set(&error, ERROR_BAD_VALUE, "\"prefixes\" must be an array");
		return refuse_prefix(request, &error, NULL);
	}
	json_array_foreach (prefixes, i, value)
		request_prefix(request, value);
	if (error_list_failed(request->writing->errors))
		return false;
	drop_deleted(request);
	connection_sort_prefixes(request->after, &request->writing->warnings);
	return true;
}

bool registry_prefixes(struct registry *registry, const struct author *author, const char *name,
		       enum prefix_verb verb, const json_t *prefixes,
		       struct registry_result *ret_result, struct error_list *errors)
{
	struct writing writing = writing_begin(registry, author, errors);
	const struct connection *before = find(&writing, name);
	struct prefix_request request = {.before = before, .verb = verb, .writing = &writing};
	bool carried_out;

	if (!before)
		return false;
	request.after = connection_copy(before);
	request.deleted = calloc(before->prefix_count + 1, sizeof(*request.deleted));
	if (request.after && request.deleted)
		carried_out = request_all(&request, prefixes);
	else
		carried_out = registry_refuse_memory(errors);
	free(request.deleted);
	if (!carried_out)
		return writing_refused(&writing, request.after);
	return writing_end(&writing, prefix_verb_name(verb), name, before, request.after,
			   ret_result);
}
