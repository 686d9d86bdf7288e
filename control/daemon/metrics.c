/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"
#include "metrics_head.h"
#include "metrics_latency.h"
#include "metrics_line.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *role_name(enum connection_role role)
{
	switch (role) {
	case ROLE_NONE:
		return "none";
	case ROLE_PRIMARY:
		return "primary";
	case ROLE_BACKUP:
		return "backup";
	}
	return "";
}

struct scrape {
	struct view *view;
	const struct engines *engines;
	const char *site;
	bool openmetrics;
	char *head;
	size_t head_bytes;
	size_t head_sent;
	size_t family; /* of those below */
	bool announced;
	size_t connection;
	struct latency_report *report;
	struct latency_lines latency; /* behind the families */
	bool ended;
};

struct family {
	const char *name;
	const char *help;
	void (*rest)(struct line *line, const struct scrape *scrape, const struct family *family,
		     const struct connection *connection);
	/* A counter's place in what a connection counts. */
	bool counter;
	enum pt_direction direction;
	size_t offset; /* in struct pt_count */
	/* Which connections have it; NULL: all. */
	bool (*applies)(const struct connection *connection);
};

static void write_counter(struct line *line, const struct scrape *scrape,
			  const struct family *family, const struct connection *connection)
{
	struct pt_connection_counters sum = {};
	const char *count = (const char *)&sum.direction[family->direction];

	engines_connection_counters(scrape->engines, connection, &sum);
	line_text(line, "} ");
	line_number(line, *(const __u64 *)(count + family->offset));
}

static void write_info(struct line *line, const struct scrape *scrape, const struct family *family,
		       const struct connection *connection)
{
	(void)family;
	line_pair(line, ",partner=\"", connection->partner);
	line_pair(line, ",country=\"", connection->country);
	line_pair(line, ",us_state=\"", connection->state);
	line_pair(line, ",city=\"", connection->city);
	line_pair(line, ",primary_site=\"", connection->primary_site);
	line_pair(line, ",backup_site=\"", connection->backup_site);
	line_pair(line, ",role=\"", role_name(connection_role(connection, scrape->site)));
	line_text(line, "} 1");
}

static void write_alerts_enabled(struct line *line, const struct scrape *scrape,
				 const struct family *family, const struct connection *connection)
{
	(void)scrape;
	(void)family;
	line_text(line, connection->monitor ? "} 1" : "} 0");
}

static bool has_threshold(const struct connection *connection)
{
	return connection->rtt_threshold_ms;
}

/* Milliseconds as seconds, exactly. */
static void write_threshold(struct line *line, const struct scrape *scrape,
			    const struct family *family, const struct connection *connection)
{
	(void)scrape;
	(void)family;
	line_text(line, "} ");
	line_fraction(line, connection->rtt_threshold_ms, 1000);
}

#define COUNTER(direction, member) write_counter, true, direction, offsetof(struct pt_count, member)

static const struct family families[] = {
	{"peertag_connection_receive_packets", "Packets that came from the customer.",
	 COUNTER(PT_RECEIVE, packets)},
	{"peertag_connection_receive_bytes", "Bytes of frames that came from the customer.",
	 COUNTER(PT_RECEIVE, bytes)},
	{"peertag_connection_transmit_packets", "Packets that went to the customer.",
	 COUNTER(PT_TRANSMIT, packets)},
	{"peertag_connection_transmit_bytes", "Bytes of frames that went to the customer.",
	 COUNTER(PT_TRANSMIT, bytes)},
	{"peertag_connection_info", "Who and where a connection is; always 1.", write_info},
	{"peertag_connection_alerts_enabled", "1 where the connection opted in to alerts.",
	 write_alerts_enabled},
	{"peertag_connection_rtt_threshold_seconds",
	 "Round-trip time above which the connection wants to hear of it.", write_threshold,
	 .applies = has_threshold},
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))
/* Of them, those that not every connection has: check_series() knows whose they are. */
#define PARTIAL 1

_Static_assert(FAMILIES - PARTIAL == CHECK_CONNECTION_SERIES, "the ceiling on series counts these");

static void write_announcement(struct line *line, const struct family *family, bool openmetrics)
{
	const char *suffix = family->counter && !openmetrics ? "_total " : " ";

	line_text(line, "# HELP ");
	line_text(line, family->name);
	line_text(line, suffix);
	line_text(line, family->help);
	line_text(line, "\n# TYPE ");
	line_text(line, family->name);
	line_text(line, suffix);
	line_text(line, family->counter ? "counter\n" : "gauge\n");
}

static void write_sample(struct line *line, const struct scrape *scrape)
{
	const struct family *family = &families[scrape->family];
	const struct connection *connection = scrape->view->by_name.items[scrape->connection];

	line_text(line, family->name);
	line_text(line, family->counter ? "_total" : "");
	line_pair(line, "{connection=\"", connection->name);
	family->rest(line, scrape, family, connection);
	*line->pos++ = '\n';
}

static bool family_applies(const struct scrape *scrape)
{
	const struct family *family = &families[scrape->family];

	return !family->applies || family->applies(scrape->view->by_name.items[scrape->connection]);
}

/* Behind the families of connections. */
static void scrape_latency_line(struct scrape *scrape, struct line *line)
{
	if (latency_lines_next(&scrape->latency, line))
		return;
	line_text(line, scrape->openmetrics ? "# EOF\n" : "");
	scrape->ended = true;
}

/* Writes the next line, if it applies, and moves on; the scrape is not at its end. */
static void scrape_line(struct scrape *scrape, struct line *line)
{
	if (scrape->family == FAMILIES) {
		scrape_latency_line(scrape, line);
	} else if (!scrape->announced) {
		write_announcement(line, &families[scrape->family], scrape->openmetrics);
		scrape->announced = true;
	} else if (scrape->connection < scrape->view->by_name.count) {
		if (family_applies(scrape))
			write_sample(line, scrape);
		scrape->connection++;
	} else {
		scrape->family++;
		scrape->announced = false;
		scrape->connection = 0;
	}
}

static ssize_t scrape_read_head(struct scrape *scrape, char *buffer, size_t bytes)
{
	size_t n = scrape->head_bytes - scrape->head_sent;

	n = n < bytes ? n : bytes;
	memcpy(buffer, scrape->head + scrape->head_sent, n);
	scrape->head_sent += n;
	return n;
}

ssize_t scrape_read(struct scrape *scrape, char *buffer, size_t bytes)
{
	struct line line = {.pos = buffer};

	if (scrape->head_sent < scrape->head_bytes)
		return scrape_read_head(scrape, buffer, bytes);
	while (!scrape->ended && line.pos + SCRAPE_LINE_MAX <= buffer + bytes)
		scrape_line(scrape, &line);
	return line.pos > buffer ? line.pos - buffer : -1;
}

struct scrape *scrape_new(struct view *view, const struct engines *engines,
			  const struct latency *latency, const struct pt_config *config,
			  bool openmetrics)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape)
		return NULL;
	scrape->view = view_ref(view);
	scrape->engines = engines;
	scrape->site = config->site;
	scrape->openmetrics = openmetrics;
	scrape->report = latency_report_ref(latency_report(latency));
	scrape->latency.report = scrape->report;
	scrape->latency.view = view;
	scrape->head =
		metrics_head(view, engines, latency, config, openmetrics, &scrape->head_bytes);
	if (!scrape->head) {
		scrape_free(scrape);
		return NULL;
	}
	return scrape;
}

void scrape_free(struct scrape *scrape)
{
	if (!scrape)
		return;
	view_unref(scrape->view);
	latency_report_unref(scrape->report);
	free(scrape->head);
	free(scrape);
}
