/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one way into the registry. Every write builds the desired set from the current view and the
 * change, checks it, commits the difference to disk and then shows the new view; on any error
 * nothing has changed.
 *
 * Threading: registry_view(), registry_uuid(), registry_set_table_room() from any thread;
 * everything else from one writer thread at a time.
 */
#ifndef CONTROL_REGISTRY_H
#define CONTROL_REGISTRY_H

#include "difference.h"

#include <peertag/config.h>

struct registry;

struct registry_settings {
	struct policy policy;
	struct pt_config_tag tag;
};

/* Who asks for a write. */
struct author {
	uint32_t uid;
	bool force; /* let an apply or a rollback shrink the registry below a half */
};

struct registry_result {
	bool committed; /* false: nothing was different, revision and generation are the old ones */
	uint64_t revision;
	uint64_t generation;
	struct difference_totals totals;
	double seconds;
	struct error_list warnings;
};

/*
 * Opens or creates the file at @path. Never replaces or repairs one that it does not understand.
 * A changed tag setting raises the generation. NULL and @error: see its message.
 */
struct registry *registry_open(const char *path, const struct registry_settings *settings,
			       struct error *error);
void registry_close(struct registry *registry);

/* Any thread. */

/* A reference to the current state, never NULL; view_unref() when done. */
struct view *registry_view(struct registry *registry);
const uint8_t *registry_uuid(const struct registry *registry); /* 16 bytes */
/* From now on a table that grows beyond @bytes is refused; 0: none is. */
void registry_set_table_room(struct registry *registry, uint64_t bytes);

/*
 * Writer thread. All writes return false with at least one entry in @errors when refused; @errors
 * is initialised by the caller. @ret_result is filled on success and needs registry_result_done().
 */

bool registry_add(struct registry *registry, const struct author *author, const json_t *document,
		  struct registry_result *ret_result, struct error_list *errors);
/* The connection must exist; the document's name, if it has one, must be @name. */
bool registry_replace(struct registry *registry, const struct author *author, const char *name,
		      const json_t *document, struct registry_result *ret_result,
		      struct error_list *errors);
/* Merge patch (RFC 7396) of the connection as written: null removes a key. */
bool registry_patch(struct registry *registry, const struct author *author, const char *name,
		    const json_t *patch, struct registry_result *ret_result,
		    struct error_list *errors);
bool registry_delete(struct registry *registry, const struct author *author, const char *name,
		     struct registry_result *ret_result, struct error_list *errors);

enum prefix_verb {
	PREFIX_ADD,    /* one that is there already in the same form: a warning */
	PREFIX_SET,    /* ownership and latency of those that are there */
	PREFIX_DELETE, /* those that are there */
};

/* @prefixes: a JSON array of strings or objects, as in a connection. */
bool registry_prefixes(struct registry *registry, const struct author *author, const char *name,
		       enum prefix_verb verb, const json_t *prefixes,
		       struct registry_result *ret_result, struct error_list *errors);

/* @input is the whole registry; takes its connections and warnings, adds to its errors. */
bool registry_apply(struct registry *registry, const struct author *author, struct input *input,
		    struct registry_result *ret_result, struct error_list *errors);
bool registry_rollback(struct registry *registry, const struct author *author, uint64_t revision,
		       struct registry_result *ret_result, struct error_list *errors);

void registry_result_done(struct registry_result *result);
/* {"revision","generation","added","changed","removed","seconds","warnings"} */
json_t *registry_result_json(const struct registry_result *result);

/*
 * What registry_apply() would do, as the document of `diff`. NULL: @errors says why. Leaves @input
 * as check_input() leaves it.
 */
json_t *registry_diff(struct registry *registry, struct input *input, struct error_list *errors);

/* [{"revision","time","uid","action","connections","prefixes":{...},...}], newest first. */
json_t *registry_history(struct registry *registry, struct error *error);

/*
 * Every engine runs @generation or a later one: counter indices of connections that were removed up
 * to it may be given away again.
 */
bool registry_acknowledged(struct registry *registry, uint64_t generation, struct error *error);

#endif
