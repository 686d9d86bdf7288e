/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exposition of /metrics: Prometheus text 0.0.4, or OpenMetrics 1.0.
 *
 * What is said of the registry, engines and ports is a few lines, written at once. What is said of
 * connections can be millions of lines: it is written piece by piece as the client takes it, so
 * that memory stays bounded and the event loop is never held up by a scrape. Counters of a
 * connection are read at the moment its line is written.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "engines.h"
#include "latency.h"
#include "../registry/view.h"

#include <sys/types.h>

struct scrape;

/* Takes a reference to `view`; borrows the rest until scrape_free(). NULL without memory. */
struct scrape *scrape_new(struct view *view, const struct engines *engines,
			  const struct latency *latency, const struct pt_config *config,
			  bool openmetrics);
void scrape_free(struct scrape *scrape);

/* Writes whole lines into `buffer` (at least SCRAPE_LINE_MAX bytes). Returns bytes, -1: the end. */
ssize_t scrape_read(struct scrape *scrape, char *buffer, size_t bytes);

#define SCRAPE_LINE_MAX 4096

#define METRICS_TYPE_PROMETHEUS	 "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
