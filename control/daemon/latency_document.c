/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency_document.h"
#include "quoted.h"

#include "../registry/compile.h"
#include "../registry/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part {
	PART_BEGINNING,
	PART_CONNECTIONS,
	PART_PREFIXES,
	PART_WINDOW,
	PART_NONE,
};

struct latency_document {
	struct view *view;
	struct latency_report *report;
	const struct connection *only;
	bool measured;
	unsigned min_hosts;
	unsigned window_s;
	enum part part;
	bool begun;    /* an entry of the part was written */
	size_t slot;   /* of the view's: where the connection's begin */
	size_t prefix; /* of that connection: the next */
};

/* From the one in front of the first that is not empty, so that it is known where that one begins.
 */
static size_t first_bucket(const struct buckets *buckets)
{
	size_t first = 0;

	while (first < HISTOGRAM_BOUNDS && !buckets->count[first])
		first++;
	return first ? first - 1 : 0;
}

static size_t last_bucket(const struct buckets *buckets)
{
	size_t last = HISTOGRAM_BOUNDS;

	while (last && !buckets->count[last])
		last--;
	return last;
}

static char *write_figures(char *pos, const struct latency_figures *figures)
{
	size_t end = last_bucket(&figures->buckets);
	const char *comma = "";

	pos += sprintf(pos,
		       "\"samples\":%" PRIu64
		       ",\"p50\":%.9g,\"p90\":%.9g,\"p99\":%.9g,\"mean\":%.9g,\"buckets\":[",
		       figures->samples, figures->p50, figures->p90, figures->p99, figures->mean);
	for (size_t i = first_bucket(&figures->buckets); i <= end; i++) {
		bool last = i == HISTOGRAM_BOUNDS; /* JSON has no infinity */

		pos += sprintf(pos, "%s[%s,%" PRIu64 "]", comma, last ? "null" : buckets_bound(i),
			       figures->buckets.count[i]);
		comma = ",";
	}
	return stpcpy(pos, "]");
}

/* Never how many there were: only that they were too few. */
static char *write_reason(char *pos, const struct latency_document *document,
			  const struct latency_entry *entry)
{
	pos = stpcpy(pos, "\"withheld\":\"");
	if (!document->measured)
		pos = stpcpy(pos, "no engine measures");
	else if (!entry || !entry->measured)
		pos = stpcpy(pos, "no whole window has ended yet");
	else
		pos += sprintf(pos, "fewer than %u hosts in the last window", document->min_hosts);
	return stpcpy(pos, "\"");
}

static char *write_entry(char *pos, const struct latency_document *document,
			 const struct latency_owner *owner)
{
	const struct latency_entry *entry = latency_report_find(document->report, owner);

	if (entry && entry->last.samples)
		return write_figures(pos, &entry->last);
	return write_reason(pos, document, entry);
}

static const struct connection *connection_at(const struct latency_document *document)
{
	const struct compiled *compiled = document->view->compiled;

	return document->slot < compiled->slot_count ? compiled->slots[document->slot].connection
						     : NULL;
}

/* The slots of a connection stand together. */
static void skip_connection(struct latency_document *document)
{
	const struct connection *connection = connection_at(document);

	while (connection_at(document) == connection)
		document->slot++;
	document->prefix = 0;
}

static bool wanted(const struct latency_document *document, const struct connection *connection)
{
	return !document->only || document->only == connection;
}

/* The next connection that has something selected, or NULL. */
static const struct connection *next_connection(struct latency_document *document)
{
	const struct connection *connection;

	while ((connection = connection_at(document))) {
		skip_connection(document);
		if (wanted(document, connection))
			return connection;
	}
	return NULL;
}

/* The next selected prefix, with its connection, or NULL. */
static const struct prefix *next_prefix(struct latency_document *document,
					const struct connection **ret_connection)
{
	const struct connection *connection;

	while ((connection = connection_at(document))) {
		while (wanted(document, connection) &&
		       document->prefix < connection->prefix_count) {
			const struct connection_prefix *own =
				&connection->prefixes[document->prefix++];

			if (!own->latency)
				continue;
			*ret_connection = connection;
			return &own->prefix;
		}
		skip_connection(document);
	}
	return NULL;
}

static char *begin_entry(char *pos, struct latency_document *document, const char *key)
{
	if (document->begun)
		*pos++ = ',';
	document->begun = true;
	pos = quoted_write(pos, key);
	return stpcpy(pos, ":{");
}

static char *write_connection(char *pos, struct latency_document *document,
			      const struct connection *connection)
{
	struct latency_owner owner = {.connection = connection->id};

	pos = begin_entry(pos, document, connection->name);
	pos = write_entry(pos, document, &owner);
	return stpcpy(pos, "}");
}

static char *write_prefix(char *pos, struct latency_document *document,
			  const struct connection *connection, const struct prefix *prefix)
{
	struct latency_owner owner = {connection->id, *prefix};
	char text[PREFIX_TEXT_SIZE];

	pos = begin_entry(pos, document, prefix_format(prefix, text));
	if (selection_is_too_fine(prefix))
		pos += sprintf(pos, "\"withheld\":\"finer than /%d: reports under its connection\"",
			       prefix->family == 4 ? SELECTION_FINEST_IPV4 : SELECTION_FINEST_IPV6);
	else
		pos = write_entry(pos, document, &owner);
	pos = stpcpy(pos, ",\"connection\":");
	pos = quoted_write(pos, connection->name);
	return stpcpy(pos, "}");
}

static char *write_window(char *pos, const struct latency_document *document)
{
	pos += sprintf(pos, "\"seconds\":%u,\"end\":", document->window_s);
	if (document->report->end_time > 0)
		pos += sprintf(pos, "%.3f", document->report->end_time);
	else
		pos = stpcpy(pos, "null");
	return stpcpy(pos, "}}");
}

static char *begin_part(char *pos, struct latency_document *document, enum part part)
{
	static const char *const texts[] = {
		[PART_CONNECTIONS] = "{\"connections\":{",
		[PART_PREFIXES] = "},\"prefixes\":{",
		[PART_WINDOW] = "},\"window\":{",
	};

	document->part = part;
	document->begun = false;
	document->slot = 0;
	document->prefix = 0;
	return stpcpy(pos, texts[part]);
}

/* One piece; behind the last one of a part the next part begins. */
static char *write_piece(char *pos, struct latency_document *document)
{
	const struct connection *connection;
	const struct prefix *prefix;

	switch (document->part) {
	case PART_BEGINNING:
		return begin_part(pos, document, PART_CONNECTIONS);
	case PART_CONNECTIONS:
		connection = next_connection(document);
		return connection ? write_connection(pos, document, connection)
				  : begin_part(pos, document, PART_PREFIXES);
	case PART_PREFIXES:
		prefix = next_prefix(document, &connection);
		return prefix ? write_prefix(pos, document, connection, prefix)
			      : begin_part(pos, document, PART_WINDOW);
	case PART_WINDOW:
		document->part = PART_NONE;
		return write_window(pos, document);
	case PART_NONE:
		break;
	}
	return pos;
}

ssize_t latency_document_read(struct latency_document *document, char *buffer, size_t bytes)
{
	char *pos = buffer;

	if (document->part == PART_NONE)
		return -1;
	while (document->part != PART_NONE && pos + LATENCY_ENTRY_MAX <= buffer + bytes)
		pos = write_piece(pos, document);
	return pos - buffer;
}

struct latency_document *latency_document_new(struct view *view, const struct latency *latency,
					      const struct pt_config *config,
					      const struct connection *only)
{
	struct latency_document *document = calloc(1, sizeof(*document));

	if (!document)
		return NULL;
	document->view = view_ref(view);
	document->report = latency_report_ref(latency_report(latency));
	document->only = only;
	document->measured = latency_is_measured(latency);
	document->min_hosts = config->latency_min_hosts;
	document->window_s = config->latency_window_s;
	return document;
}

void latency_document_free(struct latency_document *document)
{
	if (!document)
		return;
	view_unref(document->view);
	latency_report_unref(document->report);
	free(document);
}
