/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry on disk: one SQLite file, temporal rows. A row of a connection or of a prefix says
 * from which revision on it was true and up to which it was; a commit closes the rows that end and
 * adds those that begin, so a change of one prefix writes a few rows, and every kept revision can
 * be read back.
 *
 * Threading: one writer thread.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include "counter_index.h"
#include "database.h"
#include "difference.h"

#define STORE_SCHEMA	     1
#define STORE_REVISIONS_KEPT 100

struct store {
	struct database database;
	uint8_t uuid[16];
	uint64_t revision;
	uint64_t generation; /* of the snapshot; 0: none yet */
	uint64_t checksum;   /* of that snapshot */
	uint32_t next_id;    /* the next connection's, unless that mark is in use */
	struct counters counters;
};

/* Opens the file, makes it where there is none, and never replaces one. */
bool store_open(const char *path, struct store *ret_store, struct error *error);
void store_close(struct store *store);

/*
 * The connections of @revision with their ids, in the order of these, and of the current revision
 * also with their counters. not_found: that revision is not kept.
 */
bool store_load(struct store *store, uint64_t revision, struct connection_set *ret_set,
		struct error *error);

/* Everything a commit writes, in one transaction. */
struct commit {
	uint32_t uid;
	const char *action;		     /* in words, for the history */
	const struct difference *difference; /* what is after a change has its id and counter */
	const struct view *view; /* of afterwards, with its revision, generation and checksum */
	uint32_t next_id;
	const struct counters *counters; /* of afterwards */
};

/* Updates @store's numbers when it returns true; on false nothing has changed, on disk or here. */
bool store_commit(struct store *store, const struct commit *commit, struct error *error);

/* A snapshot of the same registry with other settings. */
bool store_set_snapshot(struct store *store, uint64_t generation, uint64_t checksum,
			struct error *error);

/* Every engine runs @generation or a later one. */
bool store_acknowledged(struct store *store, uint64_t generation, struct error *error);

/* Newest first. NULL and @error: failed. */
json_t *store_history(struct store *store, struct error *error);

/* Of everything that a revision is; @by_id in the order of the ids. */
uint64_t store_fingerprint(struct connection *const *by_id, size_t count);

#endif
