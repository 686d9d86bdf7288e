/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdlib.h>
#include <time.h>

enum statement {
	CONNECTION_OPEN,
	CONNECTION_CLOSE,
	PREFIX_OPEN,
	PREFIX_CLOSE,
	PREFIXES_CLOSE,
	STATEMENTS,
};

static const char *const statement_sql[STATEMENTS] = {
	[CONNECTION_OPEN] = "INSERT INTO connection_version VALUES (?, ?, NULL, ?, ?)",
	[CONNECTION_CLOSE] = "UPDATE connection_version SET to_revision = ?"
			     " WHERE id = ? AND to_revision IS NULL",
	[PREFIX_OPEN] = "INSERT INTO prefix_version VALUES (?1, ?2, ?6, ?3, ?4, NULL, ?5, ?7)",
	[PREFIX_CLOSE] = "UPDATE prefix_version SET to_revision = ?4 WHERE connection = ?1"
			 " AND family = ?2 AND addr = ?6 AND length = ?3 AND to_revision IS NULL",
	[PREFIXES_CLOSE] = "UPDATE prefix_version SET to_revision = ?"
			   " WHERE connection = ? AND to_revision IS NULL",
};

struct writing {
	struct database *database;
	sqlite3_stmt *statements[STATEMENTS];
	int64_t revision;
	int64_t connection; /* whose prefixes are written */
};

static bool writing_prepare(struct writing *writing)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		writing->statements[i] = database_prepare(writing->database, statement_sql[i]);
		if (!writing->statements[i])
			return false;
	}
	return true;
}

static void writing_done(struct writing *writing)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(writing->statements[i]);
}

static bool open_connection(struct writing *writing, const struct connection *connection)
{
	sqlite3_stmt *statement = writing->statements[CONNECTION_OPEN];
	char *document = connection_line(connection, CONNECTION_NO_PREFIXES);
	const int64_t numbers[] = {connection->id, writing->revision};

	if (!document)
		return false;
	/* SQLite calls free() when it needs the text no more. */
	return sqlite3_bind_text(statement, 4, document, -1, free) == SQLITE_OK &&
	       sqlite3_bind_text(statement, 3, connection->name, -1, SQLITE_STATIC) == SQLITE_OK &&
	       database_step(writing->database, statement, numbers, 2);
}

static bool close_connection(struct writing *writing, enum statement which, uint32_t id)
{
	const int64_t numbers[] = {writing->revision, id};

	return database_step(writing->database, writing->statements[which], numbers, 2);
}

static bool write_prefix(struct writing *writing, enum statement which,
			 const struct connection_prefix *own)
{
	sqlite3_stmt *statement = writing->statements[which];
	const int64_t numbers[] = {writing->connection, own->prefix.family, own->prefix.length,
				   writing->revision, own->ownership};
	int size = own->prefix.family == 4 ? 4 : 16;

	return sqlite3_bind_blob(statement, 6, own->prefix.addr, size, SQLITE_STATIC) ==
		       SQLITE_OK &&
	       (which == PREFIX_CLOSE ||
		sqlite3_bind_int(statement, 7, own->latency) == SQLITE_OK) &&
	       database_step(writing->database, statement, numbers, which == PREFIX_CLOSE ? 4 : 5);
}

static bool write_prefix_change(void *closure, enum prefix_change what,
				const struct connection_prefix *before,
				const struct connection_prefix *after)
{
	struct writing *writing = closure;

	switch (what) {
	case PREFIX_ADDED:
		return write_prefix(writing, PREFIX_OPEN, after);
	case PREFIX_REMOVED:
		return write_prefix(writing, PREFIX_CLOSE, before);
	case PREFIX_CHANGED:
		return write_prefix(writing, PREFIX_CLOSE, before) &&
		       write_prefix(writing, PREFIX_OPEN, after);
	}
	return false;
}

static bool write_change(struct writing *writing, const struct change *change)
{
	const struct connection *before = change->before, *after = change->after;

	if (!after)
		return close_connection(writing, CONNECTION_CLOSE, before->id) &&
		       close_connection(writing, PREFIXES_CLOSE, before->id);
	if (before && change->attributes &&
	    !close_connection(writing, CONNECTION_CLOSE, before->id))
		return false;
	if ((!before || change->attributes) && !open_connection(writing, after))
		return false;
	writing->connection = after->id;
	return change_walk(change, write_prefix_change, writing);
}

static bool write_changes(struct store *store, const struct commit *commit)
{
	struct writing writing = {
		.database = &store->database,
		.revision = (int64_t)commit->view->revision,
	};
	bool written = writing_prepare(&writing);

	for (size_t i = 0; written && i < commit->difference->count; i++)
		written = write_change(&writing, &commit->difference->changes[i]);
	writing_done(&writing);
	return written;
}

static bool write_counters(struct store *store, const struct counters *after)
{
	struct database *database = &store->database;
	const struct counters *before = &store->counters;
	sqlite3_stmt *free_index =
		database_prepare(database, "DELETE FROM counter WHERE number = ?");
	sqlite3_stmt *own_index =
		database_prepare(database, "INSERT INTO counter VALUES (?, ?, ?)");
	size_t count = before->count > after->count ? before->count : after->count;
	bool written = free_index && own_index;

	for (size_t i = 0; written && i < count; i++) {
		static const struct counter_owner nobody;
		const struct counter_owner *old = i < before->count ? &before->owners[i] : &nobody;
		const struct counter_owner *new = i < after->count ? &after->owners[i] : &nobody;
		const int64_t row[] = {(int64_t)i, new->connection, (int64_t) new->released};

		if (old->connection == new->connection && old->released == new->released)
			continue;
		written = !old->connection || database_step(database, free_index, row, 1);
		if (written && new->connection)
			written = database_step(database, own_index, row, 3);
	}
	sqlite3_finalize(free_index);
	sqlite3_finalize(own_index);
	return written;
}

static bool run_numbers(struct database *database, const char *sql, const int64_t *numbers,
			int count)
{
	sqlite3_stmt *statement = database_prepare(database, sql);
	bool done = statement && database_step(database, statement, numbers, count);

	sqlite3_finalize(statement);
	return done;
}

static bool write_revision(struct store *store, const struct commit *commit)
{
	const struct view *view = commit->view;
	const struct difference_totals *totals = &commit->difference->totals;
	const int64_t row[] = {
		(int64_t)view->revision,
		time(NULL),
		commit->uid,
		(int64_t)store_fingerprint(view->by_id, view->by_name.count),
		(int64_t)view->by_name.count,
		(int64_t)view->totals.ipv4,
		(int64_t)view->totals.ipv6,
		(int64_t)totals->added.connections,
		(int64_t)totals->changed.connections,
		(int64_t)totals->removed.connections,
		(int64_t)totals->added.prefixes,
		(int64_t)totals->changed.prefixes,
		(int64_t)totals->removed.prefixes,
	};
	sqlite3_stmt *statement =
		database_prepare(&store->database,
				 "INSERT INTO revision VALUES (?1, ?2, ?3, ?14, ?4, ?5, ?6, ?7, ?8,"
				 " ?9, ?10, ?11, ?12, ?13)");
	bool written =
		statement &&
		sqlite3_bind_text(statement, 14, commit->action, -1, SQLITE_STATIC) == SQLITE_OK &&
		database_step(&store->database, statement, row, sizeof(row) / sizeof(row[0]));

	sqlite3_finalize(statement);
	return written;
}

static bool write_numbers(struct store *store, uint64_t generation, uint64_t checksum,
			  uint32_t next_id)
{
	const int64_t numbers[] = {(int64_t)generation, (int64_t)checksum, next_id};

	return run_numbers(&store->database,
			   "UPDATE registry SET generation = ?, checksum = ?, next_id = ?", numbers,
			   3);
}

/* Rows that no kept revision shows any more. */
static bool purge(struct store *store, uint64_t revision)
{
	static const char *const sql[] = {
		"DELETE FROM prefix_version WHERE to_revision <= ?",
		"DELETE FROM connection_version WHERE to_revision <= ?",
		"DELETE FROM revision WHERE number < ?",
	};
	const int64_t oldest = (int64_t)revision - STORE_REVISIONS_KEPT + 1;

	for (size_t i = 0; oldest > 0 && i < sizeof(sql) / sizeof(sql[0]); i++)
		if (!run_numbers(&store->database, sql[i], &oldest, 1))
			return false;
	return true;
}

/* Ends a transaction: with COMMIT if @written and that works, else as if it had not been. */
static bool finish(struct store *store, bool written, struct error *error)
{
	if (written && database_run(&store->database, "COMMIT"))
		return true;
	database_failed(&store->database, "write", error);
	if (!sqlite3_get_autocommit(store->database.handle))
		database_run(&store->database, "ROLLBACK");
	return false;
}

bool store_commit(struct store *store, const struct commit *commit, struct error *error)
{
	const struct view *view = commit->view;
	struct counters counters;
	bool written;

	if (!counters_copy(commit->counters, &counters))
		return error_set(error, ERROR_INTERNAL, "out of memory");
	written = database_run(&store->database, "BEGIN IMMEDIATE") &&
		  write_changes(store, commit) && write_counters(store, commit->counters) &&
		  write_revision(store, commit) &&
		  write_numbers(store, view->generation, view->checksum, commit->next_id) &&
		  purge(store, view->revision);
	if (!finish(store, written, error)) {
		counters_done(&counters);
		return false;
	}
	counters_done(&store->counters);
	store->counters = counters;
	store->revision = view->revision;
	store->generation = view->generation;
	store->checksum = view->checksum;
	store->next_id = commit->next_id;
	return true;
}

bool store_set_snapshot(struct store *store, uint64_t generation, uint64_t checksum,
			struct error *error)
{
	bool written = database_run(&store->database, "BEGIN IMMEDIATE") &&
		       write_numbers(store, generation, checksum, store->next_id);

	if (!finish(store, written, error))
		return false;
	store->generation = generation;
	store->checksum = checksum;
	return true;
}

bool store_acknowledged(struct store *store, uint64_t generation, struct error *error)
{
	struct counters after;
	bool written;

	if (store->counters.pending == 0)
		return true;
	if (!counters_copy(&store->counters, &after))
		return error_set(error, ERROR_INTERNAL, "out of memory");
	if (!counters_acknowledge(&after, generation)) {
		counters_done(&after);
		return true;
	}
	written =
		database_run(&store->database, "BEGIN IMMEDIATE") && write_counters(store, &after);
	if (!finish(store, written, error)) {
		counters_done(&after);
		return false;
	}
	counters_done(&store->counters);
	store->counters = after;
	return true;
}
