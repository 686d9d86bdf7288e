/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of /metrics that is about the registry, the engines and their ports.
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_METRICS_HEAD_H
#define CONTROL_METRICS_HEAD_H

#include "engines.h"
#include "latency.h"
#include "../registry/view.h"

/* The text, to be freed; NULL without memory. */
char *metrics_head(const struct view *view, const struct engines *engines,
		   const struct latency *latency, const struct pt_config *config, bool openmetrics,
		   size_t *ret_bytes);

#endif
