/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What peertagd is made of, for those of its parts that need each other.
 *
 * Threading: the event loop's thread; tasks run on the writer thread and touch nothing here but the
 * registry and what is constant (config, settings).
 */
#ifndef CONTROL_SERVICE_H
#define CONTROL_SERVICE_H

#include "engines.h"
#include "events.h"
#include "http.h"
#include "latency.h"
#include "../registry/registry.h"
#include "writer.h"

#include <peertag/config.h>

struct service {
	const struct pt_config *config;
	struct registry_settings settings;
	sd_event *loop;
	struct registry *registry;
	struct writer *writer;
	struct engines *engines;
	struct events *events;
	struct alerting *alerting;
	struct latency *latency;
	struct http *http;
	struct view *view;	   /* the committed state that readers are shown */
	struct engine_note *notes; /* what was last said of each engine */
	bool ready;		   /* as last said */
};

/* Shows readers `view` and hands its snapshot, the sealed memfd `fd`, to the engines. Takes over
 * both. */
void service_publish(struct service *service, struct view *view, int fd);

/* config and loop are set. Each returns 0 or -errno, having said why; service_stop() undoes both.
 */
int service_start(struct service *service);
/* Until SIGINT or SIGTERM. */
int service_run(struct service *service);
void service_stop(struct service *service);

#endif
