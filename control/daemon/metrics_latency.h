/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The histograms of latency in /metrics, a line at a time. They appear once something was published
 * of their owner.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_METRICS_LATENCY_H
#define CONTROL_METRICS_LATENCY_H

#include "latency_report.h"
#include "metrics_line.h"

/* Where a scrape is; all 0 but the first two at its beginning. */
struct latency_lines {
	const struct latency_report *report;
	const struct view *view;
	bool of_prefixes; /* the second family, behind that of connections */
	bool announced;
	size_t entry;
	const struct connection *connection; /* of the entry, while it is written; NULL: look */
	size_t bucket;
	uint64_t samples; /* of the buckets before */
};

/* Writes the next line, or moves on. False: nothing was left. */
bool latency_lines_next(struct latency_lines *lines, struct line *line);

/* All series that it has. */
uint64_t latency_lines_series(const struct latency_report *report, const struct view *view);

#endif
