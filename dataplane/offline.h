/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classifier without a network: the engine's own fast path, fed with frames by its caller. For
 * `classify`, for tests and for benchmarks. Each engine implements it, and a program links one:
 * XDP loads the BPF object that a port gets and sends frames through the kernel's test run; DPDK
 * runs a worker between two ring ports.
 *
 * Threading: one thread at a time for each pt_offline; several of them do not know each other.
 */
#ifndef PEERTAG_DATAPLANE_OFFLINE_H
#define PEERTAG_DATAPLANE_OFFLINE_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/config.h>
#include <peertag/counters.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

/* Which of the ways that a packet can take through an engine. */
enum pt_offline_way {
	PT_OFFLINE_ARRIVING, /* as packets usually arrive */
	PT_OFFLINE_SEGMENTS, /* in several buffers: the frags program, chained mbufs */
	PT_OFFLINE_SENT,     /* what the host sends: XDP's egress program */
	PT_OFFLINE_WAYS,
};

#define PT_OFFLINE_BURST_MAX 32
#define PT_OFFLINE_FRAME_MAX 262144

/* What an engine is and can. */
struct pt_offline_engine {
	const char *program; /* "peertag-xdp" */
	const char *name;    /* "xdp" */
	const char *how;     /* of the usage text: what frames are run through */
	bool ways[PT_OFFLINE_WAYS];
	bool passes;  /* PT_FORWARD_PASS: there is a host to pass packets to */
	bool one_cut; /* a frame is cut into buffers once only, from 14 bytes on */
	bool native;  /* frames under 14 bytes and very long ones may go around the engine */
};
extern const struct pt_offline_engine pt_offline_engine;

struct pt_offline_options {
	enum pt_offline_way way;
	enum pt_config_table table;
	struct pt_config_tag tag;
	enum pt_config_forward forward;
	__u32 capacity;	  /* counters; 0: what the snapshot needs, at least 1 */
	__u32 table_room; /* bytes of a table, where an engine sets them apart; 0: what the first
			     needs */
	/* PT_OFFLINE_SEGMENTS: bytes of a frame in its first buffer, and in each further one
	 * (unless the engine has but one cut); 0: as many as there is room for. XDP: since
	 * Linux 6.18. */
	__u32 first_bytes;
	__u32 next_bytes;
	bool verbose;
};

struct pt_offline_frame {
	const void *bytes;
	__u32 size; /* at most PT_OFFLINE_FRAME_MAX */
};

/* What became of one frame. Pointers are valid until the next call. */
struct pt_offline_result {
	enum pt_outcome outcome;
	__u32 source_class;	 /* 0: the source matched nothing */
	__u32 destination_class; /* likewise */
	bool tagged[PT_CARRIERS];
	bool failed[PT_CARRIERS];	/* the tag was due and could not be written */
	bool native;			/* refused by the test run, so run by the native build */
	enum pt_config_forward forward; /* what was done with it */
	__u32 mark;			/* that it carries; 0: none */
	const __u8 *frame;		/* as it leaves, without metadata */
	__u32 bytes;
};

struct pt_offline;

/*
 * Opens an engine and publishes the snapshot, the `bytes` bytes at `snapshot`. Returns 0 and *ret,
 * which pt_offline_close() frees; else -errno and one line in `message`.
 */
int pt_offline_open(const void *snapshot, size_t bytes, const struct pt_offline_options *options,
		    struct pt_offline **ret, char *message, size_t message_bytes);
void pt_offline_close(struct pt_offline *offline);

/* Publishes another snapshot, as an engine would: all or nothing. Errors as above. */
int pt_offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes,
		       char *message, size_t message_bytes);

/*
 * Runs `count` frames (1 to PT_OFFLINE_BURST_MAX), in their order, as one burst where the engine
 * has bursts, and counts them. Returns 0 and count results, or -errno, and then none may be read.
 */
int pt_offline_run(struct pt_offline *offline, const struct pt_offline_frame *frames, __u32 count,
		   struct pt_offline_result *ret);

/* The counters; the port is slot 0. Valid until pt_offline_close(). */
const struct pt_counters *pt_offline_counters(const struct pt_offline *offline);

#endif
