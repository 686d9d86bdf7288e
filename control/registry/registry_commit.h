/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of a write that all writes share: from a desired set to a new view on disk and in sight.
 * For registry*.c only. Threading: the writer thread.
 */
#ifndef CONTROL_REGISTRY_COMMIT_H
#define CONTROL_REGISTRY_COMMIT_H

#include "registry.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

struct registry {
	pthread_mutex_t lock;	     /* of view, while it is changed or a reference is taken */
	struct view *view;	     /* changed by the writer thread only */
	_Atomic uint64_t table_room; /* of the engine that has least; 0: no limit */
	struct store store;
	struct registry_settings settings;
};

struct proposal {
	struct connection_set desired; /* those that stay as they are by reference */
	const char *action;	       /* for the history */
	bool whole;		       /* everything was replaced: the shrink rule applies */
	double started;		       /* seconds of the monotonic clock */
};

/* Takes over the desired set. On success fills in all of @ret_result but adds to its warnings. */
bool registry_commit(struct registry *registry, const struct author *author,
		     struct proposal *proposal, struct registry_result *ret_result,
		     struct error_list *errors);

/* A view of what @set says, numbered, with the checksum of its snapshot; takes over both. */
struct view *registry_make_view(const struct registry *registry, struct connection_set *set,
				struct prefix_table *table, uint64_t revision, uint64_t generation);

double registry_clock(void);

/* Adds it and returns false. */
bool registry_refuse(struct error_list *errors, const struct error *error);
bool registry_refuse_memory(struct error_list *errors);

#endif
