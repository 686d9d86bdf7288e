/* SPDX-License-Identifier: BSD-3-Clause */
#include "tally.h"
#include "quoted.h"
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	struct view *view;
	const struct engines *engines;
	const struct connection *only;
	char *outcomes; /* JSON */
	bool begun;
	bool ended;
	size_t next; /* of view->by_name */
};

static char *write_count(char *pos, const char *key, struct pt_count count)
{
	return pos + sprintf(pos, "\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", key,
			     (uint64_t)count.packets, (uint64_t)count.bytes);
}

static char *write_entry(char *pos, const struct tally *tally, const struct connection *connection)
{
	struct pt_connection_counters sum = {};

	engines_connection_counters(tally->engines, connection, &sum);
	pos = quoted_write(pos, connection->name);
	pos = stpcpy(pos, ":{");
	for (enum pt_direction direction = 0; direction < PT_DIRECTIONS; direction++) {
		if (direction)
			*pos++ = ',';
		pos = write_count(pos, pt_direction_name(direction), sum.direction[direction]);
	}
	*pos++ = '}';
	return pos;
}

/* The connection to write next, or NULL. */
static const struct connection *tally_next(struct tally *tally)
{
	const struct connection *only = tally->only;

	if (!only && tally->next < tally->view->by_name.count)
		return tally->view->by_name.items[tally->next++];
	tally->only = NULL;
	tally->next = tally->view->by_name.count;
	return only;
}

static char *write_end(char *pos, const struct tally *tally)
{
	pos = stpcpy(pos, "},\"outcomes\":");
	pos = stpcpy(pos, tally->outcomes);
	return stpcpy(pos, "}");
}

ssize_t tally_read(struct tally *tally, char *buffer, size_t bytes)
{
	char *pos = buffer;

	if (tally->ended)
		return -1;
	while (pos + TALLY_ENTRY_MAX <= buffer + bytes && !tally->ended) {
		const struct connection *connection = tally_next(tally);

		if (!connection) {
			pos = tally->begun ? pos : stpcpy(pos, "{\"connections\":{");
			pos = write_end(pos, tally);
			tally->ended = true;
			break;
		}
		pos = stpcpy(pos, tally->begun ? "," : "{\"connections\":{");
		pos = write_entry(pos, tally, connection);
		tally->begun = true;
	}
	return pos - buffer;
}

struct tally *tally_new(struct view *view, const struct engines *engines,
			const struct connection *only)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	json_t *outcomes = status_outcomes_json(engines);

	if (tally && outcomes) {
		tally->view = view_ref(view);
		tally->engines = engines;
		tally->only = only;
		tally->outcomes = json_dumps(outcomes, JSON_COMPACT);
	}
	json_decref(outcomes);
	if (tally && tally->outcomes)
		return tally;
	tally_free(tally);
	return NULL;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	view_unref(tally->view);
	free(tally->outcomes);
	free(tally);
}
