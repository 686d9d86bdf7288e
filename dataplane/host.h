/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine host: the socket, the protocol, the kept snapshot; the same for every engine. It
 * checks what control sends, and hands verified snapshots to the engine behind a few functions.
 *
 * Threading: all of it in the loop's thread, but for `publish` and `settle`, which run in a thread
 * of their own, one at a time, so that STATUS and LOOKUP are answered meanwhile.
 */
#ifndef PEERTAG_DATAPLANE_HOST_H
#define PEERTAG_DATAPLANE_HOST_H

#include <systemd/sd-event.h>

#include <peertag/engine.h>
#include <peertag/snapshot.h>

#include "message.h"

/* What an engine is to the host. */
struct host_engine {
	/* In the loop's thread, and not while a publish runs: what the engine is and holds, with
	 * the descriptors of its counters and round-trip times, which stay the engine's. */
	void (*open)(void *engine, struct pt_engine_open *ret, int *ret_fds);

	/* In the loop's thread, beside a publish: fills ports and port_count. */
	void (*status)(void *engine, struct pt_engine_status *ret);
	/* Returns 0 and *ret, or -errno. addr: network byte order. */
	int (*lookup)(void *engine, enum pt_family family, const __u8 *addr,
		      struct pt_engine_lookup *ret);

	/* In the publishing thread. publish: all or nothing, 0 or -errno and why. The snapshot
	 * stays where it is until another one was published and settled, so an engine may look up
	 * in it. settle: what is left to do after the answer. */
	int (*publish)(void *engine, const struct pt_snapshot *snapshot, struct message *message);
	void (*settle)(void *engine);
};

struct host;

/*
 * Listens on socket_path (mode 0660). kept_path is the file of the last snapshot. Returns 0 and
 * *ret, which host_free() frees, or -errno and why.
 */
int host_new(sd_event *loop, const char *socket_path, const char *kept_path, struct host **ret,
	     struct message *message);

/* Waits for a running publish; the loop runs no more. Then the engine ends, and then the host. */
void host_stop(struct host *host);
void host_free(struct host *host);

/*
 * Begins to answer for `engine`, which outlives the host. If it holds no set, the kept snapshot is
 * published first. Returns 0, or -errno and why; a kept snapshot that is no good is a warning.
 */
int host_start(struct host *host, const struct host_engine *functions, void *engine,
	       struct message *message);

#endif
