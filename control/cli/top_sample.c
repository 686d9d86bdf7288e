/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_sample.h"

#include "field.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double top_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

bool top_init(struct top *top, struct client *client)
{
	*top = (struct top){.client = client, .index = json_object(), .reachable = true};
	return top->index;
}

static void row_free(struct top_row *row)
{
	free(row->name);
	free(row->partner);
	free(row);
}

void top_done(struct top *top)
{
	for (size_t i = 0; i < top->row_count; i++)
		row_free(top->rows[i]);
	free(top->rows);
	json_decref(top->index);
	json_decref(top->connections);
	client_free(top->client);
}

/* The answer to a GET, or NULL and the trouble. */
static json_t *ask(struct top *top, const char *path)
{
	struct response response;
	struct error error;
	json_t *answer;

	if (!client_request(top->client, "GET", path, NULL, 0, &response, &error)) {
		snprintf(top->trouble, sizeof(top->trouble), "%s", error.message);
		return NULL;
	}
	answer = response.status == 200 ? json_loadb(response.body, response.bytes, 0, NULL) : NULL;
	if (!answer)
		snprintf(top->trouble, sizeof(top->trouble), "peertagd answered %ld to %s",
			 response.status, path);
	response_done(&response);
	return answer;
}

/* The registry's side of the rows, asked for again when it has changed. */
static bool ask_connections(struct top *top, uint64_t revision)
{
	json_t *list, *by_name, *connection;
	size_t i;

	if (top->connections && top->revision == revision)
		return true;
	list = ask(top, "/v1/connections");
	if (!list)
		return false;
	by_name = json_object();
	json_array_foreach (list, i, connection)
		json_object_set(by_name, field_text(connection, "name"), connection);
	json_decref(list);
	json_decref(top->connections);
	top->connections = by_name;
	top->revision = revision;
	return true;
}

void top_rate_update(struct top_rate *rate, uint64_t packets, uint64_t bytes, double seconds)
{
	bool away = packets == 0 && rate->packets > 0;
	bool restarted = packets < rate->packets || bytes < rate->bytes;

	rate->packets_s = rate->bits_s = 0;
	if (away)
		return;
	if (seconds > 0 && !restarted) {
		rate->packets_s = (packets - rate->packets) / seconds;
		rate->bits_s = (bytes - rate->bytes) * 8 / seconds;
	}
	rate->packets = packets;
	rate->bytes = bytes;
}

static void list_ports(struct top_engine *engine, const json_t *ports)
{
	size_t used = 0, i;
	json_t *port;

	engine->ports[0] = '\0';
	json_array_foreach (ports, i, port) {
		if (used >= sizeof(engine->ports))
			return;
		used += snprintf(engine->ports + used, sizeof(engine->ports) - used, "%s%s %s",
				 used ? ", " : "", field_text(port, "name"),
				 field_text(port, "mode"));
	}
}

/* Packets that left, which only their outcomes tell. */
static uint64_t sent_packets(const json_t *port)
{
	uint64_t packets = 0;

	for (enum pt_outcome outcome = 0; outcome < PT_OUTCOMES; outcome++)
		packets += field_number(json_object_get(port, "sent_outcomes"),
					pt_outcome_name(outcome));
	return packets;
}

static void read_engines(struct top *top, const json_t *engines, double seconds)
{
	uint64_t packets = 0, bytes = 0, sent = 0;
	json_t *engine, *port;
	size_t i, j;

	top->engine_count = top->port_count = 0;
	json_array_foreach (engines, i, engine) {
		struct top_engine *to = &top->engines[top->engine_count];

		json_array_foreach (json_object_get(engine, "ports"), j, port) {
			packets += field_number(port, "received.packets");
			bytes += field_number(port, "received.bytes");
			sent += sent_packets(port);
			top->port_count++;
		}
		if (top->engine_count == TOP_ENGINES_MAX)
			continue;
		top->engine_count++;
		snprintf(to->name, sizeof(to->name), "%s", field_text(engine, "name"));
		snprintf(to->table, sizeof(to->table), "%s", field_text(engine, "table"));
		to->up = field_true(engine, "up");
		to->generation = field_number(engine, "generation");
		to->desired_generation = field_number(engine, "desired_generation");
		list_ports(to, json_object_get(engine, "ports"));
	}
	top_rate_update(&top->received, packets, bytes, seconds);
	top_rate_update(&top->sent, sent, 0, seconds);
}

static void read_status(struct top *top, const json_t *status, double seconds)
{
	snprintf(top->version, sizeof(top->version), "%s", field_text(status, "version"));
	snprintf(top->site, sizeof(top->site), "%s", field_text(status, "site"));
	top->ready = field_true(status, "ready");
	read_engines(top, json_object_get(status, "engines"), seconds);
}

/* The row called `name`, made if there is none; NULL without memory. */
static struct top_row *row_get(struct top *top, const char *name)
{
	json_int_t at = json_integer_value(json_object_get(top->index, name));
	struct top_row **rows, *row;

	if (at)
		return (struct top_row *)(intptr_t)at;
	rows = reallocarray(top->rows, top->row_count + 1, sizeof(*rows));
	if (!rows)
		return NULL;
	top->rows = rows;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->name = strdup(name);
	if (!row->name || json_object_set_new(top->index, name, json_integer((intptr_t)row))) {
		row_free(row);
		return NULL;
	}
	top->rows[top->row_count++] = row;
	return row;
}

static void read_connection(const struct top *top, struct top_row *row)
{
	const json_t *connection = json_object_get(top->connections, row->name);
	const char *state = field_text(connection, "state");

	free(row->partner);
	row->partner = strdup(field_text(connection, "partner"));
	snprintf(row->place, sizeof(row->place), "%.2s%s%.2s", field_text(connection, "country"),
		 *state ? "/" : "", state);
	row->prefixes = json_array_size(json_object_get(connection, "prefixes"));
}

static void read_row(struct top *top, const char *name, const json_t *counters, double seconds)
{
	struct top_row *row = row_get(top, name);
	bool is_new;

	if (!row)
		return;
	is_new = !row->sample;
	read_connection(top, row);
	row->sample = top->sample;
	for (enum pt_direction direction = 0; direction < PT_DIRECTIONS; direction++) {
		const json_t *count = json_object_get(counters, pt_direction_name(direction));

		top_rate_update(&row->rate[direction], field_number(count, "packets"),
				field_number(count, "bytes"), is_new ? 0 : seconds);
		if (row->rate[direction].packets_s > 0)
			row->seen_s = top->time_s;
	}
}

static double traffic_of(const struct top_row *row)
{
	return row->rate[PT_RECEIVE].bits_s + row->rate[PT_TRANSMIT].bits_s;
}

static uint64_t total_of(const struct top_row *row)
{
	return row->rate[PT_RECEIVE].bytes + row->rate[PT_TRANSMIT].bytes;
}

static int compare_rows(const void *a, const void *b)
{
	const struct top_row *x = *(struct top_row *const *)a;
	const struct top_row *y = *(struct top_row *const *)b;

	if (traffic_of(x) != traffic_of(y))
		return traffic_of(x) > traffic_of(y) ? -1 : 1;
	if (total_of(x) != total_of(y))
		return total_of(x) > total_of(y) ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Connections that are gone take their rows with them. */
static void drop_rows(struct top *top)
{
	size_t kept = 0;

	for (size_t i = 0; i < top->row_count; i++) {
		struct top_row *row = top->rows[i];

		if (row->sample == top->sample) {
			top->rows[kept++] = row;
			continue;
		}
		json_object_del(top->index, row->name);
		row_free(row);
	}
	top->row_count = kept;
}

static void read_counters(struct top *top, json_t *connections, double seconds)
{
	const char *name;
	json_t *counters;

	json_object_foreach (connections, name, counters)
		read_row(top, name, counters, seconds);
	drop_rows(top);
	qsort(top->rows, top->row_count, sizeof(*top->rows), compare_rows);
}

/* What was true is not known to be any more. */
static bool lose_daemon(struct top *top)
{
	if (top->reachable)
		top->lost_s = top_now();
	top->reachable = false;
	/* The next daemon may serve another registry. */
	json_decref(top->connections);
	top->connections = NULL;
	top->received.packets_s = top->received.bits_s = top->sent.packets_s = 0;
	for (size_t i = 0; i < top->row_count; i++)
		for (enum pt_direction direction = 0; direction < PT_DIRECTIONS; direction++) {
			top->rows[i]->rate[direction].packets_s = 0;
			top->rows[i]->rate[direction].bits_s = 0;
		}
	return false;
}

bool top_take_sample(struct top *top)
{
	json_t *status = ask(top, "/v1/status"), *counters = NULL;
	double now = top_now(), seconds = top->sample ? now - top->time_s : 0;

	if (status && ask_connections(top, field_number(status, "revision")))
		counters = ask(top, "/v1/counters");
	if (!counters) {
		json_decref(status);
		return lose_daemon(top);
	}
	top->reachable = true;
	top->sample++;
	top->time_s = now;
	top->interval_s = seconds;
	read_status(top, status, seconds);
	read_counters(top, json_object_get(counters, "connections"), seconds);
	json_decref(status);
	json_decref(counters);
	return true;
}

static const char *engines_reason(const struct top *top)
{
	bool up = false, loaded = false;

	if (!top->engine_count)
		return "no engine configured";
	for (size_t i = 0; i < top->engine_count; i++) {
		up |= top->engines[i].up;
		loaded |= top->engines[i].up &&
			  top->engines[i].generation == top->engines[i].desired_generation;
	}
	if (!up)
		return "engine down";
	return loaded ? NULL : "not loaded";
}

const char *top_reason(const struct top *top, const struct top_row *row)
{
	const char *reason;

	if (!top->reachable)
		return "daemon unreachable";
	if (row->rate[PT_RECEIVE].packets_s > 0 || row->rate[PT_TRANSMIT].packets_s > 0)
		return "";
	reason = engines_reason(top);
	if (reason)
		return reason;
	if (!row->prefixes)
		return "no prefixes";
	if (!top->port_count)
		return "no port";
	if (top->interval_s == 0)
		return "";
	if (top->received.packets_s == 0 && top->sent.packets_s == 0)
		return "no packets on the port";
	return "no match";
}
