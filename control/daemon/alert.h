/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One alert: whether something is wrong for long enough to be told, and right for long enough
 * again. Names are those of the shipped Prometheus rules without their "Peertag".
 *
 * Threading: none; a struct belongs to its caller.
 */
#ifndef CONTROL_ALERT_H
#define CONTROL_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#define ALERT_SECOND_US UINT64_C(1000000)

enum alert_kind {
	/* Of a connection that opted in. */
	ALERT_CONNECTION_SILENT,
	ALERT_CONNECTION_LATENCY_THRESHOLD,
	ALERT_CONNECTION_LATENCY_USUAL,
	ALERT_CONNECTION_BACKUP,
	/* Of an engine. */
	ALERT_ENGINE_DOWN,
	ALERT_ENGINE_OUTDATED,
	ALERT_TAG_FAILURES,
	ALERT_TABLE_FULL,
	/* Of the registry. */
	ALERT_CONNECTIONS_FULL,
	ALERT_PREFIXES_FULL,
	ALERT_KINDS
};

#define ALERT_CONNECTION_KINDS (ALERT_CONNECTION_BACKUP + 1)
#define ALERT_ENGINE_KINDS     (ALERT_TABLE_FULL + 1 - ALERT_ENGINE_DOWN)

struct alert {
	uint64_t turned_us; /* since when it holds or not, against `firing`; 0: it does not */
	bool firing;
};

/*
 * Takes note of whether the condition holds at `now_us`. True: it begins or ends to fire. It begins
 * when the condition held for the kind's time without a break, and ends likewise.
 */
bool alert_update(struct alert *alert, enum alert_kind kind, bool holds, uint64_t now_us);

/* "ConnectionSilent", and "critical" or "warning". */
const char *alert_name(enum alert_kind kind);
const char *alert_severity(enum alert_kind kind);

#endif
