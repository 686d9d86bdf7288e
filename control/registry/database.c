/* SPDX-License-Identifier: BSD-3-Clause */
#include "database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 1000

/* Later calls, even ones that succeed, would overwrite what SQLite says of the failure. */
static void note_failure(struct database *database)
{
	if (database->failure)
		return;
	database->failure = sqlite3_extended_errcode(database->handle);
	database->failure_errno = sqlite3_system_errno(database->handle);
}

/* NULL: SQLite's own words are the best there are. */
static const char *describe(int failure)
{
	switch (failure & 0xff) {
	case SQLITE_FULL:
		return "the disk is full: free some space and try again";
	case SQLITE_READONLY:
		return "it is read-only: make the file and its directory writable";
	case SQLITE_NOTADB:
		return "it is not a peertag registry: check the path in the configuration";
	case SQLITE_CORRUPT:
		return "it is damaged: move it away and restore a backup or an exported file";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another process has it open: is peertagd running already?";
	case SQLITE_NOMEM:
		return "out of memory";
	default:
		return NULL;
	}
}

bool database_failed(struct database *database, const char *action, struct error *error)
{
	const char *reason;

	note_failure(database);
	reason = describe(database->failure);
	if (!reason)
		reason = database->failure_errno ? strerror(database->failure_errno)
						 : sqlite3_errstr(database->failure);
	database->failure = 0;
	return error_set(error, ERROR_INTERNAL, "cannot %s registry %.256s: %s", action,
			 database->path, reason);
}

bool database_damaged(struct database *database, const char *what, struct error *error)
{
	error_set(error, ERROR_INTERNAL, "cannot read registry %.256s: it is damaged: %s",
		  database->path, what);
	error_set_hint(error, "move it away and restore a backup or an exported file");
	return false;
}

bool database_run(struct database *database, const char *sql)
{
	if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	note_failure(database);
	return false;
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
		note_failure(database);
	return statement;
}

bool database_number(struct database *database, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *statement = database_prepare(database, sql);
	bool found = statement && sqlite3_step(statement) == SQLITE_ROW;

	if (found)
		*ret_number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return found;
}

bool database_step(struct database *database, sqlite3_stmt *statement, const int64_t *numbers,
		   int count)
{
	bool bound = true;

	for (int i = 0; i < count; i++)
		bound = bound && sqlite3_bind_int64(statement, i + 1, numbers[i]) == SQLITE_OK;
	if (bound)
		sqlite3_step(statement);
	if (bound && sqlite3_reset(statement) == SQLITE_OK)
		return true;
	note_failure(database);
	return false;
}

bool database_open(const char *path, bool create, struct database *ret_database,
		   struct error *error)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	struct database database = {.path = strdup(path)};

	if (!database.path || sqlite3_open_v2(path, &database.handle, flags, NULL) != SQLITE_OK)
		goto failed;
	/* SQLite opens what it may not write for reading, and fails later by another name. */
	if (sqlite3_db_readonly(database.handle, "main") == 1) {
		database.failure = SQLITE_READONLY;
		goto failed;
	}
	sqlite3_busy_timeout(database.handle, BUSY_TIMEOUT_MS);
	sqlite3_db_config(database.handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database.handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Exclusive: no other writer, and no shared memory file beside the log. */
	if (!database_run(&database, "PRAGMA locking_mode = EXCLUSIVE;"
				     "PRAGMA cell_size_check = ON;"
				     "PRAGMA synchronous = FULL;"
				     "PRAGMA cache_size = -32768;"
				     "BEGIN EXCLUSIVE; COMMIT;"))
		goto failed;
	*ret_database = database;
	return true;
failed:
	database_failed(&database, "open", error);
	database_close(&database);
	return false;
}

bool database_close(struct database *database)
{
	bool closed = sqlite3_close(database->handle) == SQLITE_OK;

	free(database->path);
	memset(database, 0, sizeof(*database));
	return closed;
}
