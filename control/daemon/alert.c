/* SPDX-License-Identifier: BSD-3-Clause */
#include "alert.h"

/*
 * How long a condition must hold, and be gone, before it is told. Silence is a time of itself. A
 * percentile comes once a window, of a minute by default: three in a row above, three below.
 */
static const struct {
	const char *name;
	const char *severity;
	unsigned int after_s;
	unsigned int until_s;
} kinds[ALERT_KINDS] = {
	[ALERT_CONNECTION_SILENT] = {"ConnectionSilent", "critical", 0, 0},
	[ALERT_CONNECTION_LATENCY_THRESHOLD] = {"ConnectionLatencyAboveThreshold", "warning", 100,
						100},
	[ALERT_CONNECTION_LATENCY_USUAL] = {"ConnectionLatencyAboveUsual", "warning", 100, 100},
	[ALERT_CONNECTION_BACKUP] = {"ConnectionAtBackupSite", "warning", 60, 300},
	[ALERT_ENGINE_DOWN] = {"EngineDown", "critical", 60, 0},
	[ALERT_ENGINE_OUTDATED] = {"EngineOutdated", "warning", 120, 0},
	[ALERT_TAG_FAILURES] = {"TagFailures", "warning", 0, 300},
	[ALERT_TABLE_FULL] = {"TableNearlyFull", "warning", 0, 0},
	[ALERT_CONNECTIONS_FULL] = {"RegistryNearlyFull", "warning", 0, 0},
	[ALERT_PREFIXES_FULL] = {"RegistryNearlyFull", "warning", 0, 0},
};

bool alert_update(struct alert *alert, enum alert_kind kind, bool holds, uint64_t now_us)
{
	unsigned int patience_s = holds ? kinds[kind].after_s : kinds[kind].until_s;

	if (holds == alert->firing) {
		alert->turned_us = 0;
		return false;
	}
	if (!alert->turned_us)
		alert->turned_us = now_us;
	if (now_us - alert->turned_us < patience_s * ALERT_SECOND_US)
		return false;
	alert->firing = holds;
	alert->turned_us = 0;
	return true;
}

const char *alert_name(enum alert_kind kind)
{
	return kinds[kind].name;
}

const char *alert_severity(enum alert_kind kind)
{
	return kinds[kind].severity;
}
