/* SPDX-License-Identifier: BSD-3-Clause */
#include "alerts.h"

#include <stdlib.h>

#define STEADY_TIMES 6 /* the silence, so long packets came before without a gap */
#define ASLEEP_US    (24 * 3600 * ALERT_SECOND_US)
#define STALE_US     (900 * ALERT_SECOND_US) /* latency of which nothing was heard since */

/* What is remembered of a connection that opted in. */
struct record {
	struct connection *connection;
	bool looked_at;
	uint64_t received;
	uint64_t seen_us; /* when a packet was last found to have come; 0: never */
	uint64_t run_us;  /* since when they come without a gap */
	double usual_seconds;
	uint64_t windows;
	uint64_t window_us; /* when the last one closed; 0: never */
	struct alert alerts[ALERT_CONNECTION_KINDS];
};

struct engine_record {
	const char *name;
	bool looked_at;
	uint64_t tag_failures;
	struct alert alerts[ALERT_ENGINE_KINDS];
};

struct alerts {
	struct alerts_settings settings;
	uint64_t now_us; /* of the last look; 0: none yet */
	uint64_t before_us;
	uint64_t revision; /* of the view that the records are of */
	uint64_t arrived;
	uint64_t arrived_us;	/* when packets last came on any port; 0: never */
	struct record *records; /* by id */
	size_t count;
	struct alert connections_full;
	struct alert prefixes_full;
	struct engine_record engines[];
};

struct alerts *alerts_new(const struct alerts_settings *settings)
{
	struct alerts *alerts =
		calloc(1, sizeof(*alerts) + settings->engine_count * sizeof(struct engine_record));

	if (!alerts)
		return NULL;
	alerts->settings = *settings;
	alerts->revision = UINT64_MAX;
	return alerts;
}

void alerts_free(struct alerts *alerts)
{
	if (!alerts)
		return;
	for (size_t i = 0; i < alerts->count; i++)
		connection_unref(alerts->records[i].connection);
	free(alerts->records);
	free(alerts);
}

/* note->firing says whether it holds. */
static void judge(struct alerts *alerts, struct alert *alert, const struct alerts_note *note)
{
	struct alerts_note told = *note;

	if (!alert_update(alert, note->kind, note->firing, alerts->now_us))
		return;
	if (!note->firing)
		told.value = 0;
	alerts->settings.tell(alerts->settings.closure, &told);
}

static void judge_connection(struct alerts *alerts, struct record *record, enum alert_kind kind,
			     bool holds, double value)
{
	judge(alerts, &record->alerts[kind],
	      &(struct alerts_note){kind, holds, record->connection, NULL, value});
}

/* Nobody waits for a connection that is gone, or opted out. */
static void record_end(struct alerts *alerts, struct record *record)
{
	for (enum alert_kind kind = 0; kind < ALERT_CONNECTION_KINDS; kind++)
		if (record->alerts[kind].firing)
			alerts->settings.tell(
				alerts->settings.closure,
				&(struct alerts_note){kind, false, record->connection, NULL, 0});
	connection_unref(record->connection);
}

static bool opted_in(const struct connection *connection)
{
	return connection->monitor;
}

static size_t count_opted_in(const struct view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->by_name.count; i++)
		count += opted_in(view->by_id[i]);
	return count;
}

/* Gives every connection that opted in its record: both sides are in the order of ids. */
static void records_merge(struct alerts *alerts, const struct view *view, struct record *merged)
{
	struct record *old = alerts->records, *end = old + alerts->count;
	struct record *record = merged;

	for (size_t i = 0; i < view->by_name.count; i++) {
		struct connection *connection = view->by_id[i];

		if (!opted_in(connection))
			continue;
		while (old < end && old->connection->id < connection->id)
			record_end(alerts, old++);
		*record = (struct record){};
		if (old < end && old->connection->id == connection->id) {
			*record = *old++;
			connection_unref(record->connection);
		}
		record->connection = connection_ref(connection);
		record++;
	}
	while (old < end)
		record_end(alerts, old++);
	free(alerts->records);
	alerts->records = merged;
	alerts->count = record - merged;
}

/* Without memory the records stay those of an earlier view until the next look. */
static void alerts_follow(struct alerts *alerts, const struct view *view)
{
	struct record *merged;

	if (alerts->revision == view->revision)
		return;
	merged = calloc(count_opted_in(view) + 1, sizeof(*merged));
	if (!merged)
		return;
	records_merge(alerts, view, merged);
	alerts->revision = view->revision;
}

static bool is_silent(const struct alerts *alerts, const struct record *record)
{
	uint64_t after_us = alerts->settings.silent_after_us;
	uint64_t gap_us = alerts->now_us - record->seen_us;

	if (gap_us < after_us || gap_us >= ASLEEP_US)
		return false;
	if (record->seen_us - record->run_us < STEADY_TIMES * after_us)
		return false;
	return alerts->arrived_us && alerts->now_us - alerts->arrived_us <= after_us / 2;
}

static void record_see(const struct alerts *alerts, struct record *record)
{
	if (!record->seen_us ||
	    alerts->now_us - record->seen_us >= alerts->settings.silent_after_us)
		record->run_us = alerts->now_us;
	record->seen_us = alerts->now_us;
}

static void latency_forget(struct alerts *alerts, struct record *record)
{
	if (!record->window_us || alerts->now_us - record->window_us < STALE_US)
		return;
	judge_connection(alerts, record, ALERT_CONNECTION_LATENCY_THRESHOLD, false, 0);
	judge_connection(alerts, record, ALERT_CONNECTION_LATENCY_USUAL, false, 0);
}

static void record_evaluate(struct alerts *alerts, struct record *record,
			    const struct alerts_look *look)
{
	uint64_t received = look->received(look->closure, record->connection);
	uint64_t packets =
		record->looked_at && received > record->received ? received - record->received : 0;
	double seconds = (double)(alerts->now_us - alerts->before_us) / ALERT_SECOND_US;
	double rate = record->looked_at && seconds > 0 ? packets / seconds : 0;
	bool backup = connection_role(record->connection, alerts->settings.site) == ROLE_BACKUP;

	record->received = received;
	record->looked_at = true;
	if (packets)
		record_see(alerts, record);
	judge_connection(alerts, record, ALERT_CONNECTION_SILENT, is_silent(alerts, record),
			 (double)(alerts->now_us - record->seen_us) / ALERT_SECOND_US);
	judge_connection(alerts, record, ALERT_CONNECTION_BACKUP,
			 backup && rate > ALERTS_BACKUP_PACKETS, rate);
	latency_forget(alerts, record);
}

static void judge_engine(struct alerts *alerts, size_t at, enum alert_kind kind, bool holds,
			 const struct alerts_engine *engine, double value)
{
	judge(alerts, &alerts->engines[at].alerts[kind - ALERT_ENGINE_DOWN],
	      &(struct alerts_note){kind, holds, NULL, engine->name, value});
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void engine_evaluate(struct alerts *alerts, size_t at, const struct alerts_engine *engine)
{
	struct engine_record *record = &alerts->engines[at];
	uint64_t failed = record->looked_at && engine->tag_failures > record->tag_failures
				  ? engine->tag_failures - record->tag_failures
				  : 0;
	double full = share(engine->table_bytes, engine->table_room);

	record->name = engine->name;
	record->looked_at = true;
	record->tag_failures = engine->tag_failures;
	judge_engine(alerts, at, ALERT_ENGINE_DOWN, !engine->up, engine, 0);
	judge_engine(alerts, at, ALERT_ENGINE_OUTDATED, engine->up && !engine->current, engine, 0);
	judge_engine(alerts, at, ALERT_TAG_FAILURES, failed > 0, engine, failed);
	judge_engine(alerts, at, ALERT_TABLE_FULL, full > ALERTS_FULL, engine, full);
}

static void registry_evaluate(struct alerts *alerts, const struct view *view)
{
	double connections = share(view->by_name.count, alerts->settings.max_connections);
	double prefixes =
		share(view->totals.ipv4 + view->totals.ipv6, alerts->settings.max_prefixes);

	judge(alerts, &alerts->connections_full,
	      &(struct alerts_note){ALERT_CONNECTIONS_FULL, connections > ALERTS_FULL, NULL, NULL,
				    connections});
	judge(alerts, &alerts->prefixes_full,
	      &(struct alerts_note){ALERT_PREFIXES_FULL, prefixes > ALERTS_FULL, NULL, NULL,
				    prefixes});
}

void alerts_evaluate(struct alerts *alerts, const struct alerts_look *look)
{
	alerts->before_us = alerts->now_us;
	alerts->now_us = look->now_us;
	if (alerts->before_us && look->arrived > alerts->arrived)
		alerts->arrived_us = look->now_us;
	alerts->arrived = look->arrived;

	alerts_follow(alerts, look->view);
	for (size_t i = 0; i < alerts->count; i++)
		record_evaluate(alerts, &alerts->records[i], look);
	for (size_t i = 0; i < alerts->settings.engine_count; i++)
		engine_evaluate(alerts, i, &look->engines[i]);
	registry_evaluate(alerts, look->view);
}

static struct record *record_find(const struct alerts *alerts, uint32_t id)
{
	size_t first = 0, end = alerts->count;

	while (first < end) {
		size_t middle = (first + end) / 2;
		uint32_t found = alerts->records[middle].connection->id;

		if (found == id)
			return &alerts->records[middle];
		if (found < id)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

/* The mean of all windows as long as they are few; then an old one fades away. */
static void usual_update(struct record *record, double p90_seconds)
{
	record->windows++;
	record->usual_seconds +=
		(p90_seconds - record->usual_seconds) /
		(record->windows < ALERTS_USUAL_WINDOWS ? record->windows : ALERTS_USUAL_WINDOWS);
}

void alerts_latency(struct alerts *alerts, const struct connection *connection, double p90_seconds)
{
	struct record *record = record_find(alerts, connection->id);
	uint32_t threshold_ms = connection->rtt_threshold_ms;
	bool unusual;

	if (!record)
		return;
	unusual = record->windows >= ALERTS_FIRST_WINDOWS &&
		  p90_seconds > ALERTS_USUAL_FACTOR * record->usual_seconds &&
		  p90_seconds - record->usual_seconds > ALERTS_USUAL_SECONDS;
	usual_update(record, p90_seconds);
	record->window_us = alerts->now_us;
	judge_connection(alerts, record, ALERT_CONNECTION_LATENCY_THRESHOLD,
			 threshold_ms && p90_seconds * 1000 > threshold_ms, p90_seconds);
	judge_connection(alerts, record, ALERT_CONNECTION_LATENCY_USUAL, unusual, p90_seconds);
}

static void show(const struct alert *alert, struct alerts_note note, alerts_tell *each,
		 void *closure)
{
	note.firing = true;
	if (alert->firing)
		each(closure, &note);
}

void alerts_firing(const struct alerts *alerts, alerts_tell *each, void *closure)
{
	for (size_t i = 0; i < alerts->settings.engine_count; i++)
		for (int kind = 0; kind < ALERT_ENGINE_KINDS; kind++)
			show(&alerts->engines[i].alerts[kind],
			     (struct alerts_note){.kind = ALERT_ENGINE_DOWN + kind,
						  .engine = alerts->engines[i].name},
			     each, closure);
	show(&alerts->connections_full, (struct alerts_note){.kind = ALERT_CONNECTIONS_FULL}, each,
	     closure);
	show(&alerts->prefixes_full, (struct alerts_note){.kind = ALERT_PREFIXES_FULL}, each,
	     closure);
	for (size_t i = 0; i < alerts->count; i++)
		for (enum alert_kind kind = 0; kind < ALERT_CONNECTION_KINDS; kind++)
			show(&alerts->records[i].alerts[kind],
			     (struct alerts_note){.kind = kind,
						  .connection = alerts->records[i].connection},
			     each, closure);
}
