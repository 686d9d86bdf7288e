/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A new file is written beside its place and renamed into it when it is whole, so a file that is
 * there was complete once: whatever is wrong with it now is reported and never written over.
 *
 * SQLite keeps no checksums of its own over the rows, so each revision carries a fingerprint of the
 * connections and prefixes that it consists of, and loading one compares.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define APPLICATION_ID	    0x70745247 /* "ptRG" */
#define TEXT_OF(number)	    #number
#define NUMBER_TEXT(number) TEXT_OF(number)

/* clang-format off */
static const char schema[] =
	"BEGIN IMMEDIATE;"
	"PRAGMA application_id = " NUMBER_TEXT(APPLICATION_ID) ";"
	"PRAGMA user_version = " NUMBER_TEXT(STORE_SCHEMA) ";"
	"CREATE TABLE registry ("
	"  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
	"  uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
	"  generation INTEGER NOT NULL,"
	"  checksum INTEGER NOT NULL,"
	"  next_id INTEGER NOT NULL CHECK (next_id BETWEEN 1 AND 4294967295)"
	") STRICT;"
	"CREATE TABLE revision ("
	"  number INTEGER PRIMARY KEY,"
	"  time INTEGER NOT NULL," /* seconds since 1970 */
	"  uid INTEGER NOT NULL,"
	"  action TEXT NOT NULL,"
	"  fingerprint INTEGER NOT NULL,"
	"  connections INTEGER NOT NULL,"
	"  ipv4 INTEGER NOT NULL,"
	"  ipv6 INTEGER NOT NULL,"
	"  added INTEGER NOT NULL,"
	"  changed INTEGER NOT NULL,"
	"  removed INTEGER NOT NULL,"
	"  prefixes_added INTEGER NOT NULL,"
	"  prefixes_changed INTEGER NOT NULL,"
	"  prefixes_removed INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE connection_version ("
	"  id INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),"
	"  from_revision INTEGER NOT NULL,"
	"  to_revision INTEGER,"    /* NULL: still true */
	"  name TEXT NOT NULL,"
	"  document TEXT NOT NULL," /* as the user wrote it, without prefixes */
	"  PRIMARY KEY (id, from_revision)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX connection_ended ON connection_version (to_revision)"
	"  WHERE to_revision IS NOT NULL;"
	"CREATE TABLE prefix_version ("
	"  connection INTEGER NOT NULL,"
	"  family INTEGER NOT NULL CHECK (family IN (4, 6)),"
	"  addr BLOB NOT NULL CHECK (length(addr) = CASE family WHEN 4 THEN 4 ELSE 16 END),"
	"  length INTEGER NOT NULL CHECK (length BETWEEN 0 AND 128),"
	"  from_revision INTEGER NOT NULL,"
	"  to_revision INTEGER,"
	"  ownership INTEGER NOT NULL CHECK (ownership IN (0, 1)),"
	"  latency INTEGER NOT NULL CHECK (latency IN (0, 1)),"
	"  PRIMARY KEY (connection, family, addr, length, from_revision)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX prefix_ended ON prefix_version (to_revision) WHERE to_revision IS NOT NULL;"
	"CREATE TABLE counter ("
	"  number INTEGER PRIMARY KEY,"
	"  connection INTEGER NOT NULL UNIQUE,"
	"  released INTEGER NOT NULL" /* first generation without it, 0: in use */
	") STRICT;"
	"INSERT INTO revision"
	"  VALUES (0, unixepoch(), %u, 'created', %lld, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
	"INSERT INTO registry VALUES (1, x'%s', 0, 0, 1);"
	"COMMIT;";
/* clang-format on */

/* RFC 9562, version 4. */
static bool make_uuid(char text[33])
{
	uint8_t uuid[16];

	if (getrandom(uuid, sizeof(uuid), 0) != sizeof(uuid))
		return false;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(uuid); i++)
		sprintf(text + 2 * i, "%02x", uuid[i]);
	return true;
}

static bool write_schema(struct database *database)
{
	char uuid[33], *sql = NULL;
	bool written;

	if (!make_uuid(uuid) ||
	    asprintf(&sql, schema, getuid(), (long long)store_fingerprint(NULL, 0), uuid) < 0)
		return false;
	written = database_run(database, sql);
	free(sql);
	return written;
}

static bool sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(directory);
	return synced;
}

static bool create_at(const char *path, const char *fresh, struct error *error)
{
	struct database database;
	bool written;

	if (unlink(fresh) < 0 && errno != ENOENT)
		return error_set(error, ERROR_INTERNAL, "cannot create registry %.256s: %s: %s",
				 path, fresh, strerror(errno));
	if (!database_open(fresh, true, &database, error))
		return false;
	written = write_schema(&database);
	if (!written)
		database_failed(&database, "create", error);
	if (!database_close(&database) || !written)
		return false;
	if (rename(fresh, path) < 0 || !sync_directory(path))
		return error_set(error, ERROR_INTERNAL, "cannot create registry %.256s: %s", path,
				 strerror(errno));
	return true;
}

/* A log without its file would be taken for the new file's. */
static bool refuse_stray_log(const char *path, struct error *error)
{
	char *log = NULL;
	struct stat status;
	bool stray = asprintf(&log, "%s-wal", path) >= 0 && stat(log, &status) == 0;

	free(log);
	if (!stray)
		return false;
	error_set(error, ERROR_INTERNAL,
		  "cannot create registry %.256s: its log %.256s-wal is there "
		  "without it",
		  path, path);
	error_set_hint(error, "bring the registry back, or move the log away as well");
	return true;
}

/* SQLite takes a file that is cut to almost nothing for a new one, and would write to it. */
static bool check_beginning(const char *path, struct error *error)
{
	static const char magic[] = "SQLite format 3";
	char beginning[512] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, beginning, sizeof(beginning));
	int reason = errno;

	if (fd >= 0)
		close(fd);
	if (size < 0)
		return error_set(error, ERROR_INTERNAL, "cannot open registry %.256s: %s", path,
				 strerror(reason));
	if (size == sizeof(beginning) && memcmp(beginning, magic, sizeof(magic)) == 0)
		return true;
	error_set(error, ERROR_INTERNAL, "cannot open registry %.256s: it is %s", path,
		  size == 0 ? "empty (0 bytes)" : "not a peertag registry");
	error_set_hint(error, "restore a backup, or move it away to start with no connections");
	return false;
}

static bool create_where_missing(const char *path, struct error *error)
{
	struct stat status;
	char *fresh = NULL;
	bool created;

	if (lstat(path, &status) == 0)
		return check_beginning(path, error);
	if (refuse_stray_log(path, error))
		return false;
	if (asprintf(&fresh, "%s.new", path) < 0)
		return error_set(error, ERROR_INTERNAL, "out of memory");
	created = create_at(path, fresh, error);
	if (!created && !error->hint[0])
		error_set_hint(error, "does its folder exist, and may peertagd write there?");
	free(fresh);
	return created;
}

/* Before anything is written: is it ours, and of a time that we know? */
static bool check_identity(struct database *database, struct error *error)
{
	int64_t application, version;

	if (!database_number(database, "PRAGMA application_id", &application) ||
	    !database_number(database, "PRAGMA user_version", &version))
		return database_failed(database, "read", error);
	if (application != APPLICATION_ID)
		return error_set(
			error, ERROR_INTERNAL,
			"cannot use registry %.256s: it is the database of another program",
			database->path);
	if (version < 1 || version > STORE_SCHEMA)
		return error_set(
			error, ERROR_INTERNAL,
			"cannot use registry %.256s: its schema is version %lld, this "
			"peertag knows up to %d: use the peertag that wrote it, or a newer one",
			database->path, (long long)version, STORE_SCHEMA);
	return true;
}

static bool check_integrity(struct database *database, struct error *error)
{
	sqlite3_stmt *statement = database_prepare(database, "PRAGMA quick_check(1)");
	bool good = false;

	if (!statement || sqlite3_step(statement) != SQLITE_ROW) {
		database_failed(database, "read", error);
	} else {
		const char *verdict = (const char *)sqlite3_column_text(statement, 0);

		good = verdict && strcmp(verdict, "ok") == 0;
		if (!good)
			database_damaged(database, verdict ? verdict : "no verdict", error);
	}
	sqlite3_finalize(statement);
	return good;
}

static bool load_numbers(struct store *store, struct error *error)
{
	const char *sql = "SELECT uuid, generation, checksum, next_id,"
			  " (SELECT max(number) FROM revision) FROM registry";
	sqlite3_stmt *statement = database_prepare(&store->database, sql);

	if (!statement || sqlite3_step(statement) != SQLITE_ROW ||
	    sqlite3_column_bytes(statement, 0) != sizeof(store->uuid)) {
		sqlite3_finalize(statement);
		return database_damaged(&store->database, "it does not say what it is", error);
	}
	memcpy(store->uuid, sqlite3_column_blob(statement, 0), sizeof(store->uuid));
	store->generation = (uint64_t)sqlite3_column_int64(statement, 1);
	store->checksum = (uint64_t)sqlite3_column_int64(statement, 2);
	store->next_id = (uint32_t)sqlite3_column_int64(statement, 3);
	store->revision = (uint64_t)sqlite3_column_int64(statement, 4);
	sqlite3_finalize(statement);
	return true;
}

static bool load_counters(struct store *store, struct error *error)
{
	sqlite3_stmt *statement = database_prepare(&store->database, "SELECT number, connection, "
								     "released FROM counter");
	bool loaded = statement != NULL;

	while (loaded && sqlite3_step(statement) == SQLITE_ROW) {
		struct counter_owner owner = {
			.connection = (uint32_t)sqlite3_column_int64(statement, 1),
			.released = (uint64_t)sqlite3_column_int64(statement, 2),
		};

		loaded = owner.connection &&
			 counters_load(&store->counters,
				       (uint32_t)sqlite3_column_int64(statement, 0), &owner);
	}
	if (sqlite3_finalize(statement) != SQLITE_OK)
		return database_failed(&store->database, "read", error);
	return loaded || database_damaged(&store->database, "its counter indices", error);
}

bool store_open(const char *path, struct store *ret_store, struct error *error)
{
	struct store store = {0};

	if (!create_where_missing(path, error) ||
	    !database_open(path, false, &store.database, error))
		return false;
	if (!check_identity(&store.database, error))
		goto failed;
	if (!database_run(&store.database, "PRAGMA journal_mode = WAL;"
					   "BEGIN EXCLUSIVE; COMMIT;")) {
		database_failed(&store.database, "open", error);
		goto failed;
	}
	if (!check_integrity(&store.database, error) || !load_numbers(&store, error) ||
	    !load_counters(&store, error))
		goto failed;
	*ret_store = store;
	return true;
failed:
	store_close(&store);
	return false;
}

void store_close(struct store *store)
{
	database_close(&store->database);
	counters_done(&store->counters);
}

uint64_t store_fingerprint(struct connection *const *by_id, size_t count)
{
	XXH3_state_t hash;

	XXH3_64bits_reset(&hash);
	for (size_t i = 0; i < count; i++)
		XXH3_64bits_update(&hash, &by_id[i]->fingerprint, sizeof(by_id[i]->fingerprint));
	return XXH3_64bits_digest(&hash);
}
