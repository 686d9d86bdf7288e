/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classifier without a network: the same BPF object that a port gets, loaded but not attached,
 * fed frame by frame through the kernel's test run. For `classify`, for tests and for benchmarks.
 * It needs the privileges of loading BPF, leaves no pins and touches no interface.
 *
 * Threading: one thread at a time for each pt_offline; several of them do not know each other.
 */
#ifndef PEERTAG_DATAPLANE_XDP_OFFLINE_H
#define PEERTAG_DATAPLANE_XDP_OFFLINE_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/config.h>
#include <peertag/counters.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

enum pt_offline_hook {
	PT_OFFLINE_XDP,	      /* the plain XDP program */
	PT_OFFLINE_XDP_FRAGS, /* the one for frames in several buffers; these exist above 4 KiB */
	PT_OFFLINE_EGRESS,    /* the tc program for what the host sends */
};

struct pt_offline_options {
	enum pt_offline_hook hook;
	struct pt_config_tag tag;
	enum pt_config_forward forward; /* PT_FORWARD_PORT: the action is a redirect, not made */
	__u32 capacity;			/* counters; 0: what the snapshot needs, at least 1 */
	/* PT_OFFLINE_XDP_FRAGS: bytes of a frame in its first buffer, from 14 on, which needs Linux
	 * 6.18; 0: as many as there is room for. */
	__u32 first_bytes;
};

/* What became of one frame. Pointers are valid until the next call. */
struct pt_offline_result {
	enum pt_outcome outcome;
	__u32 source_class;	 /* 0: the source matched nothing */
	__u32 destination_class; /* likewise */
	bool tagged[PT_CARRIERS];
	bool failed[PT_CARRIERS]; /* the tag was due and could not be written */
	bool native;		  /* refused by the test run, so run by the native build */
	int action;		  /* XDP_PASS, XDP_DROP, XDP_REDIRECT; TC_ACT_UNSPEC for egress */
	__u32 mark;		  /* by metadata, or skb->mark for egress; 0: none */
	const __u8 *frame;	  /* as it leaves, without the metadata */
	__u32 bytes;
};

struct pt_offline;

/*
 * Loads the programs and publishes the snapshot, the `bytes` bytes at `snapshot`. Returns 0 and
 * *ret, which pt_offline_close() frees; else -errno and one line in `message`.
 */
int pt_offline_open(const void *snapshot, size_t bytes, const struct pt_offline_options *options,
		    struct pt_offline **ret, char *message, size_t message_bytes);
void pt_offline_close(struct pt_offline *offline);

/* Publishes another snapshot, as an engine would: all or nothing. Errors as above. */
int pt_offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes,
		       char *message, size_t message_bytes);

/*
 * Runs one frame of `bytes` bytes (0 to 262144) and counts it. Returns 0 and *ret, or -errno.
 * Frames that the test run refuses (under 14 bytes, and very long ones) go through the native
 * build of the same headers, looked up in the same maps and counted in the same counters.
 */
int pt_offline_run(struct pt_offline *offline, const void *frame, __u32 bytes,
		   struct pt_offline_result *ret);

/* Runs one frame `repeat` times, for measuring; not for frames under 14 bytes. *ret_ns: each. */
int pt_offline_time(struct pt_offline *offline, const void *frame, __u32 bytes, __u32 repeat,
		    __u32 *ret_ns);

/* The counters; the port is slot 0. Valid until pt_offline_close(). */
const struct pt_counters *pt_offline_counters(const struct pt_offline *offline);

#endif
