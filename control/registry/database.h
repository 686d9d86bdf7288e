/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An SQLite file that one process has for itself, and SQLite's failures in the user's words.
 *
 * Threading: one thread at a time.
 */
#ifndef CONTROL_DATABASE_H
#define CONTROL_DATABASE_H

#include "error.h"

#include <sqlite3.h>

struct database {
	sqlite3 *handle;
	char *path;
	int failure;	   /* SQLite's code of the first failure that was not told yet, or 0 */
	int failure_errno; /* of the system, then */
};

/*
 * Opens an existing file; with @create a new one that must not be there yet. Acknowledged writes
 * are on disk (synchronous=FULL). False: nothing is open.
 */
bool database_open(const char *path, bool create, struct database *ret_database,
		   struct error *error);
/* False: what was written is safe, but the log could not be folded into the file. */
bool database_close(struct database *database);

/* False and @error, "cannot ACTION registry PATH: ...", from the first failure since the last such
 * message. */
bool database_failed(struct database *database, const char *action, struct error *error);
/* The same, for contents that SQLite finds nothing wrong with. */
bool database_damaged(struct database *database, const char *what, struct error *error);

/* Each runs @sql to the end. */
bool database_run(struct database *database, const char *sql);
/* The first column of its first row; false as well when there is none. */
bool database_number(struct database *database, const char *sql, int64_t *ret_number);

/* NULL: failed; sqlite3_finalize() when done, NULL is fine. */
sqlite3_stmt *database_prepare(struct database *database, const char *sql);
/* Binds @count integers from parameter 1 on, runs the statement to the end and resets it. */
bool database_step(struct database *database, sqlite3_stmt *statement, const int64_t *numbers,
		   int count);

#endif
