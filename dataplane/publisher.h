/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that publishes: one snapshot at a time, from a memfd to the engine.
 * Threading: publisher_start() and the callback run in the loop's thread.
 */
#ifndef PEERTAG_DATAPLANE_PUBLISHER_H
#define PEERTAG_DATAPLANE_PUBLISHER_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "host.h"
#include "message.h"

struct publisher;

/* Called in the loop's thread. */
struct publisher_events {
	/* A publish has its answer: `result` 0, or -errno and why. */
	void (*answered)(void *host, int result, const struct message *message);
	/* It is over, and another one can be started. */
	void (*ended)(void *host);
};

int publisher_new(sd_event *loop, const char *kept_path, const struct publisher_events *events,
		  void *host, struct publisher **ret);

/* Waits for a running publish. No other may be started. */
void publisher_stop(struct publisher *publisher);

/* Also gives up the snapshot that is held: the engine must not look up in it any more. */
void publisher_free(struct publisher *publisher);

/* Whose functions to call, and what a snapshot may need. */
void publisher_set_engine(struct publisher *publisher, const struct host_engine *functions,
			  void *engine, const struct pt_snapshot_limits *limits);

/* Begins to publish what is in `fd`, which becomes the publisher's. Returns 0 or -errno. */
int publisher_start(struct publisher *publisher, int fd);

/* Whether a publish is under way, its settling included. */
bool publisher_busy(const struct publisher *publisher);

/*
 * Publishes a snapshot that mmap() gave, and which becomes the publisher's, in this thread: at
 * start, before anything else.
 */
int publisher_publish(struct publisher *publisher, void *bytes, size_t size,
		      struct message *message);

#endif
