/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <string.h>
#include <time.h>

#define TRUE_AT "from_revision <= ?1 AND (to_revision IS NULL OR to_revision > ?1)"

/* One row of connection_version; NULL: not what was written. */
static struct connection *row_connection(sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, 1);
	json_t *document = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct connection *connection = NULL;
	struct error_list errors;

	error_list_init(&errors);
	if (document && json_object_set_new(document, "prefixes", json_array()) == 0)
		connection = connection_decode(document, 0, &errors, &errors);
	if (connection && error_list_failed(&errors)) {
		connection_unref(connection);
		connection = NULL;
	}
	error_list_done(&errors);
	json_decref(document);
	if (connection)
		connection->id = (uint32_t)sqlite3_column_int64(row, 0);
	return connection;
}

static bool load_connections(struct store *store, uint64_t revision, struct connection_set *set,
			     struct error *error)
{
	struct database *database = &store->database;
	sqlite3_stmt *row = database_prepare(database, "SELECT id, document FROM connection_version"
						       " WHERE " TRUE_AT " ORDER BY id");
	bool loaded = row && sqlite3_bind_int64(row, 1, (int64_t)revision) == SQLITE_OK;

	while (loaded && sqlite3_step(row) == SQLITE_ROW) {
		struct connection *connection = row_connection(row);

		loaded = connection && connection_set_add(set, connection);
	}
	if (sqlite3_finalize(row) != SQLITE_OK)
		return database_failed(database, "read", error);
	return loaded || database_damaged(database, "a connection's row", error);
}

/* One row of prefix_version. */
static bool row_prefix(sqlite3_stmt *row, struct connection_prefix *ret_prefix)
{
	struct connection_prefix own = {0};
	int size = sqlite3_column_bytes(row, 2);

	own.prefix.family = (uint8_t)sqlite3_column_int(row, 1);
	own.prefix.length = (uint8_t)sqlite3_column_int(row, 3);
	own.ownership = (uint8_t)sqlite3_column_int(row, 4);
	own.latency = sqlite3_column_int(row, 5);
	if (size != (own.prefix.family == 4 ? 4 : 16) ||
	    own.prefix.length > prefix_full_length(own.prefix.family))
		return false;
	memcpy(own.prefix.addr, sqlite3_column_blob(row, 2), (size_t)size);
	*ret_prefix = own;
	return !prefix_clear_host_bits(&own.prefix);
}

/* Both the rows and @set are in the order of the ids. */
static bool load_prefixes(struct store *store, uint64_t revision, struct connection_set *set,
			  struct error *error)
{
	struct database *database = &store->database;
	sqlite3_stmt *row = database_prepare(
		database,
		"SELECT connection, family, addr, length, ownership, latency"
		" FROM prefix_version WHERE " TRUE_AT " ORDER BY connection, family, addr, length");
	bool loaded = row && sqlite3_bind_int64(row, 1, (int64_t)revision) == SQLITE_OK;
	size_t at = 0;

	while (loaded && sqlite3_step(row) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(row, 0);
		struct connection_prefix prefix;

		while (at < set->count && set->items[at]->id < id)
			at++;
		loaded = at < set->count && set->items[at]->id == id && row_prefix(row, &prefix) &&
			 connection_add_prefix(set->items[at], &prefix);
	}
	if (sqlite3_finalize(row) != SQLITE_OK)
		return database_failed(database, "read", error);
	return loaded || database_damaged(database, "a prefix's row", error);
}

/* Gives every connection its counter; those of an old revision get theirs when they come back. */
static bool place_connections(struct store *store, uint64_t revision, struct connection_set *set)
{
	const struct counters *counters = &store->counters;
	size_t placed = 0;

	for (size_t i = 0; i < set->count; i++)
		connection_register(set->items[i], set->items[i]->id, 0);
	if (revision != store->revision)
		return true;
	for (size_t index = 0; index < counters->count; index++) {
		const struct counter_owner *owner = &counters->owners[index];
		size_t low = 0, high = set->count;

		if (owner->connection == 0 || owner->released)
			continue;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (set->items[middle]->id < owner->connection)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == set->count || set->items[low]->id != owner->connection)
			return false;
		set->items[low]->counter = (uint32_t)index;
		placed++;
	}
	return placed == set->count;
}

static bool load_fingerprint(struct store *store, uint64_t revision, uint64_t *ret_fingerprint,
			     struct error *error)
{
	sqlite3_stmt *row = database_prepare(&store->database,
					     "SELECT fingerprint FROM revision WHERE number = ?");
	bool found = row && sqlite3_bind_int64(row, 1, (int64_t)revision) == SQLITE_OK &&
		     sqlite3_step(row) == SQLITE_ROW;

	if (found)
		*ret_fingerprint = (uint64_t)sqlite3_column_int64(row, 0);
	if (sqlite3_finalize(row) != SQLITE_OK)
		return database_failed(&store->database, "read", error);
	if (found)
		return true;
	error_set(error, ERROR_NOT_FOUND, "there is no revision %llu",
		  (unsigned long long)revision);
	error_set_hint(error, "the last %d are kept: peertag history", STORE_REVISIONS_KEPT);
	return false;
}

bool store_load(struct store *store, uint64_t revision, struct connection_set *ret_set,
		struct error *error)
{
	struct connection_set set;
	uint64_t fingerprint = 0;

	connection_set_init(&set);
	if (revision > INT64_MAX)
		revision = INT64_MAX;
	if (!load_fingerprint(store, revision, &fingerprint, error) ||
	    !load_connections(store, revision, &set, error) ||
	    !load_prefixes(store, revision, &set, error))
		goto failed;
	if (!place_connections(store, revision, &set)) {
		database_damaged(&store->database, "counter indices do not fit the connections",
				 error);
		goto failed;
	}
	if (store_fingerprint(set.items, set.count) != fingerprint) {
		database_damaged(&store->database, "a revision is not what was committed", error);
		goto failed;
	}
	*ret_set = set;
	return true;
failed:
	connection_set_done(&set);
	return false;
}

static json_t *revision_json(sqlite3_stmt *row)
{
	time_t seconds = (time_t)sqlite3_column_int64(row, 1);
	char moment[sizeof("2026-01-01T00:00:00Z") + 8];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) ||
	    !strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%SZ", &utc))
		moment[0] = '\0';
	return json_pack("{s:I, s:s, s:I, s:s, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I},"
			 " s:{s:I, s:I}}",
			 "revision", sqlite3_column_int64(row, 0), "time", moment, "uid",
			 sqlite3_column_int64(row, 2), "action", sqlite3_column_text(row, 3),
			 "connections", sqlite3_column_int64(row, 4), "prefixes", "ipv4",
			 sqlite3_column_int64(row, 5), "ipv6", sqlite3_column_int64(row, 6),
			 "added", "connections", sqlite3_column_int64(row, 7), "prefixes",
			 sqlite3_column_int64(row, 8), "changed", "connections",
			 sqlite3_column_int64(row, 9), "prefixes", sqlite3_column_int64(row, 10),
			 "removed", "connections", sqlite3_column_int64(row, 11), "prefixes",
			 sqlite3_column_int64(row, 12));
}

json_t *store_history(struct store *store, struct error *error)
{
	sqlite3_stmt *row = database_prepare(
		&store->database,
		"SELECT number, time, uid, action, connections, ipv4, ipv6, added, prefixes_added,"
		" changed, prefixes_changed, removed, prefixes_removed"
		" FROM revision ORDER BY number DESC");
	json_t *history = json_array();

	while (row && sqlite3_step(row) == SQLITE_ROW)
		json_array_append_new(history, revision_json(row));
	if (row && sqlite3_finalize(row) == SQLITE_OK)
		return history;
	json_decref(history);
	database_failed(&store->database, "read", error);
	return NULL;
}
