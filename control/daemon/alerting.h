/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds the alerts with what the engines count, and tells on /v1/events what they find.
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_ALERTING_H
#define CONTROL_ALERTING_H

#include "alerts.h"
#include "service.h"

struct alerting;

/* Begins to look; service->view, engines and events are there. Returns 0 or -errno. */
int alerting_new(struct service *service, struct alerting **ret_alerting);
void alerting_free(struct alerting *alerting);

/* For alerts_latency(). */
struct alerts *alerting_alerts(struct alerting *alerting);

/* What fires now, for the status: at most a hundred. NULL without memory. */
json_t *alerting_json(const struct alerting *alerting);

#endif
