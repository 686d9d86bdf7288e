/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the shipped Prometheus rules say, for those who have no Prometheus: judged from what the
 * engines count, every ten seconds, and told when it begins and ends.
 *
 * Of connections that opted in (`monitor`), and while the daemon runs:
 *
 *   silent     nothing received for silent_after (10 minutes), after packets without such a gap for
 *              six times as long, while the edge receives; a day later it counts as asleep
 *   at backup  more than ALERTS_BACKUP_PACKETS a second, for a minute, where this site is its
 * backup latency    p90 above its rtt_threshold_ms, or above twice its usual one and 5 ms more, for
 * three windows; usual is the mean of a day of windows (one weighs 1/1440), after the first 60
 *
 * Of engines: down for a minute; without the desired set for two; tags that fail; a table of more
 * than nine tenths of its room. Of the registry: more than nine tenths of its limits.
 *
 * What differs from the same hour of last week wants a history, and that is Prometheus'. So is the
 * memory of nights: without it a customer who sleeps is told of each evening.
 *
 * Cost: some 130 bytes for each connection that opted in, and a look at each every ten seconds.
 *
 * Threading: the event loop's thread only; no clock, no I/O.
 */
#ifndef CONTROL_ALERTS_H
#define CONTROL_ALERTS_H

#include "alert.h"
#include "../registry/view.h"

#define ALERTS_BACKUP_PACKETS 1.0
#define ALERTS_FULL	      0.9
#define ALERTS_USUAL_FACTOR   2.0
#define ALERTS_USUAL_SECONDS  0.005
#define ALERTS_USUAL_WINDOWS  1440
#define ALERTS_FIRST_WINDOWS  60

struct alerts;

/* An alert that began or ended, or that fires. */
struct alerts_note {
	enum alert_kind kind;
	bool firing;
	const struct connection *connection; /* NULL: not of a connection */
	const char *engine;		     /* NULL: not of an engine */
	/* silent: seconds; latency: p90 in seconds; backup: packets/s; tag failures: packets; full:
	 * share of the room; else, and when it ended, 0 */
	double value;
};

typedef void alerts_tell(void *closure, const struct alerts_note *note);

struct alerts_settings {
	const char *site;
	uint64_t silent_after_us;
	uint64_t max_connections;
	uint64_t max_prefixes;
	size_t engine_count;
	alerts_tell *tell;
	void *closure;
};

/* An engine, at the moment it is looked at. */
struct alerts_engine {
	const char *name;
	bool up;
	bool current; /* it holds the desired set */
	uint64_t tag_failures;
	uint64_t table_bytes;
	uint64_t table_room; /* 0: no limit */
};

/* Everything that is looked at. */
struct alerts_look {
	uint64_t now_us; /* monotonic, not 0 */
	const struct view *view;
	uint64_t arrived; /* packets, on all ports of all engines */
	const struct alerts_engine
		*engines; /* settings.engine_count of them, always in one order */
	/* Packets that came from the customer. */
	uint64_t (*received)(void *closure, const struct connection *connection);
	void *closure; /* of received */
};

/* Copies the settings, not the site. NULL without memory. */
struct alerts *alerts_new(const struct alerts_settings *settings);
void alerts_free(struct alerts *alerts);

/* Looks, and tells what began and ended. */
void alerts_evaluate(struct alerts *alerts, const struct alerts_look *look);

/*
 * A window of the connection's latency closed with this p90. To be called for each window that is
 * above the privacy floor. Tells at once.
 */
void alerts_latency(struct alerts *alerts, const struct connection *connection, double p90_seconds);

/* Calls `each` for all that fire now, with a value of 0. */
void alerts_firing(const struct alerts *alerts, alerts_tell *each, void *closure);

#endif
