/* SPDX-License-Identifier: BSD-3-Clause */
#include "alerting.h"
#include "status.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_US	  (10 * ALERT_SECOND_US)
#define LOOKS	  6 /* at least, within silent_after */
#define SHOWN_MAX 100

struct alerting {
	struct service *service;
	struct alerts *alerts;
	sd_event_source *timer;
	uint64_t look_us;
	struct alerts_engine *engines; /* as they were at the last look */
};

/* What note.value is called; NULL: there is none. */
static const char *value_name(enum alert_kind kind)
{
	switch (kind) {
	case ALERT_CONNECTION_SILENT:
		return "silent_seconds";
	case ALERT_CONNECTION_LATENCY_THRESHOLD:
	case ALERT_CONNECTION_LATENCY_USUAL:
		return "rtt_p90_seconds";
	case ALERT_CONNECTION_BACKUP:
		return "receive_packets_per_second";
	case ALERT_TAG_FAILURES:
		return "packets";
	case ALERT_TABLE_FULL:
	case ALERT_CONNECTIONS_FULL:
	case ALERT_PREFIXES_FULL:
		return "share";
	case ALERT_ENGINE_DOWN:
	case ALERT_ENGINE_OUTDATED:
	case ALERT_KINDS:
		break;
	}
	return NULL;
}

static const char *limit_name(enum alert_kind kind)
{
	if (kind == ALERT_CONNECTIONS_FULL)
		return "max_connections";
	return kind == ALERT_PREFIXES_FULL ? "max_prefixes" : NULL;
}

/* Who it is about, by the labels of the metrics. */
static json_t *note_json(const struct alerts_note *note)
{
	const struct connection *connection = note->connection;
	const char *limit = limit_name(note->kind);
	json_t *object = json_pack("{s:s,s:s,s:s}", "alert", alert_name(note->kind), "state",
				   note->firing ? "firing" : "resolved", "severity",
				   alert_severity(note->kind));

	if (connection)
		json_object_update_new(
			object, json_pack("{s:s,s:s,s:s,s:s}", "connection", connection->name,
					  "partner", connection->partner, "country",
					  connection->country, "us_state", connection->state));
	if (note->engine)
		json_object_set_new(object, "engine", json_string(note->engine));
	if (limit)
		json_object_set_new(object, "limit", json_string(limit));
	return object;
}

static void tell(void *closure, const struct alerts_note *note)
{
	struct alerting *alerting = closure;
	json_t *object = note_json(note);

	if (note->firing && value_name(note->kind))
		json_object_set_new(object, value_name(note->kind), json_real(note->value));
	events_emit(alerting->service->events, "alert", object);
}

static uint64_t received(void *closure, const struct connection *connection)
{
	const struct alerting *alerting = closure;
	struct pt_connection_counters sum = {};

	engines_connection_counters(alerting->service->engines, connection, &sum);
	return sum.direction[PT_RECEIVE].packets;
}

/* Returns the packets that came to all of its ports. */
static uint64_t look_at_engine(const struct service *service, const struct engine *engine,
			       struct alerts_engine *ret)
{
	uint64_t arrived = 0;

	*ret = (struct alerts_engine){
		.name = engine->name,
		.up = engine->up,
		.current = engines_current(service->engines, engine),
		.table_bytes = engine->held.table_bytes,
		.table_room = status_table_room(engine),
	};
	for (size_t port = 0; port < engine->status.port_count; port++) {
		struct pt_port_counters counters = status_port_counters(engine, port);

		arrived += pt_count_total(counters.received).packets;
		for (int carrier = 0; carrier < PT_CARRIERS; carrier++)
			ret->tag_failures += counters.tag_failures[carrier];
	}
	return arrived;
}

static int look(sd_event_source *timer, uint64_t usec, void *userdata)
{
	struct alerting *alerting = userdata;
	const struct service *service = alerting->service;
	struct alerts_look look = {
		.view = service->view,
		.engines = alerting->engines,
		.received = received,
		.closure = alerting,
	};

	(void)usec;
	sd_event_now(service->loop, CLOCK_MONOTONIC, &look.now_us);
	for (size_t i = 0; i < engines_count(service->engines); i++)
		look.arrived += look_at_engine(service, engines_at(service->engines, i),
					       &alerting->engines[i]);
	alerts_evaluate(alerting->alerts, &look);

	sd_event_source_set_time_relative(timer, alerting->look_us);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

static int alerting_start(struct alerting *alerting)
{
	const struct service *service = alerting->service;
	const struct pt_config *config = service->config;
	size_t engine_count = engines_count(service->engines);
	struct alerts_settings settings = {
		.site = config->site,
		.silent_after_us = config->alerts_silent_after_s * ALERT_SECOND_US,
		.max_connections = config->max_connections,
		.max_prefixes = config->max_prefixes,
		.engine_count = engine_count,
		.tell = tell,
		.closure = alerting,
	};

	alerting->look_us = settings.silent_after_us / LOOKS;
	if (alerting->look_us > LOOK_US)
		alerting->look_us = LOOK_US;
	alerting->engines = calloc(engine_count + 1, sizeof(*alerting->engines));
	alerting->alerts = alerts_new(&settings);
	if (!alerting->engines || !alerting->alerts)
		return -ENOMEM;
	return sd_event_add_time_relative(service->loop, &alerting->timer, CLOCK_MONOTONIC, 0, 0,
					  look, alerting);
}

int alerting_new(struct service *service, struct alerting **ret_alerting)
{
	struct alerting *alerting = calloc(1, sizeof(*alerting));
	int r;

	if (!alerting)
		return -ENOMEM;
	alerting->service = service;
	r = alerting_start(alerting);
	if (r < 0) {
		alerting_free(alerting);
		return r;
	}
	*ret_alerting = alerting;
	return 0;
}

void alerting_free(struct alerting *alerting)
{
	if (!alerting)
		return;
	sd_event_source_disable_unref(alerting->timer);
	alerts_free(alerting->alerts);
	free(alerting->engines);
	free(alerting);
}

struct alerts *alerting_alerts(struct alerting *alerting)
{
	return alerting->alerts;
}

static void add_shown(void *closure, const struct alerts_note *note)
{
	json_t *list = closure;

	if (json_array_size(list) < SHOWN_MAX)
		json_array_append_new(list, note_json(note));
}

json_t *alerting_json(const struct alerting *alerting)
{
	json_t *list = json_array();

	if (list)
		alerts_firing(alerting->alerts, add_shown, list);
	return list;
}
