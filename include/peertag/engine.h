/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine protocol: what control and an engine say to each other.
 *
 * An engine listens on RUN_DIR/engine-NAME.sock (unix, seqpacket); one message is one packet, so
 * nothing has to be framed. Control sends a request and the engine answers each with one reply, in
 * order. Verbs: open, publish, read (status, lookup), close (of the socket).
 *
 * OPEN: what the engine is and holds, with read-only descriptors of its counters and of its
 * round-trip times.
 *
 * PUBLISH: a sealed memfd with a snapshot; answered when every later packet sees it, or with an
 * error, and then the old set stands untouched.
 *
 * STATUS: the ports, and the workers of an engine that has them.
 *
 * LOOKUP: the class and connection that the engine's own table gives for an address.
 *
 * Counters (peertag/counters.h) and round-trip times (peertag/latency.h) are read from shared
 * memory, never through a message.
 */
#ifndef PEERTAG_ENGINE_H
#define PEERTAG_ENGINE_H

#include <sys/types.h>

#include <peertag/counters.h>
#include <peertag/latency.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

#define PT_ENGINE_ABI  4
#define PT_WORKERS_MAX 64

enum pt_engine_verb {
	PT_ENGINE_OPEN = 1,
	PT_ENGINE_PUBLISH,
	PT_ENGINE_STATUS,
	PT_ENGINE_LOOKUP,
};

/* The descriptors that go with a message, in this order. */
enum pt_engine_fd {
	PT_ENGINE_FD_SNAPSHOT = 0, /* with PUBLISH */
	PT_ENGINE_FD_COUNTERS = 0, /* with the reply to OPEN */
	PT_ENGINE_FD_LATENCY,
	PT_ENGINE_FDS,
};

struct pt_engine_request {
	__u32 abi;
	__u32 verb;
	__u8 addr[16]; /* LOOKUP: network byte order, IPv4 in the first four */
	__u32 family;  /* LOOKUP: 4 or 6 */
	__u32 reserved;
};
_Static_assert(sizeof(struct pt_engine_request) == 32, "pt_engine_request crosses processes");

/* Which set an engine holds. Generation 0: none. */
struct pt_engine_set {
	__u8 registry[PT_REGISTRY_BYTES];
	__u64 generation;
	__u64 checksum;
};

struct pt_engine_open {
	struct pt_engine_set set;
	char kind[16];	       /* "xdp", "dpdk" */
	char table[16];	       /* "flat", "lpm" */
	__u32 capacity;	       /* connections that have a counter */
	__u32 lane_count;      /* lane_count x pt_lane_bytes(capacity) are the counters */
	__u64 counters_offset; /* of them in their descriptor, a multiple of the page size */
	__u64 table_bytes;     /* memory of the tables of the set that is held */
	__u64 table_room;      /* bytes that an image may have; 0: no limit */
	__u32 latency_slots;   /* a class's slot is at most this; 0: nothing is measured */
	__u32 latency_lanes;   /* as many x pt_latency_lane_bytes(latency_slots) in their descriptor
				*/
	__u32 latency_window_ms;
	__u32 reserved;
};

struct pt_engine_port {
	char name[64];
	char mode[128]; /* "native", "generic", with a remark behind it, or why it is not attached
			 */
	char driver[32];
	__u32 slot;	   /* index into pt_lane.ports */
	__u32 up;	   /* attached, and the link is up */
	__u64 nic_packets; /* received, by the device's own count since the engine attached */
};

/* A fast-path worker of an engine that has them. Its counts begin at 0 with each start of it. */
struct pt_engine_worker {
	char queues[64]; /* what it polls, "PORT:QUEUE PORT:QUEUE", cut off with "..." */
	__u32 lcore;
	__u32 cpu;   /* that it is bound to; -1 (all bits set): several */
	__u32 stuck; /* it has not come around for a while */
	__u32 reserved;
	__u64 polls;	   /* of a queue */
	__u64 bursts;	   /* polls that brought packets */
	__u64 packets;	   /* in them */
	__u64 busy_cycles; /* spent on them */
};

struct pt_engine_status {
	struct pt_engine_set set;
	__u64 table_bytes;
	__u64 cycles_hz; /* of busy_cycles */
	__u32 port_count;
	__u32 worker_count;
	struct pt_engine_port ports[PT_PORTS_MAX];
	struct pt_engine_worker workers[PT_WORKERS_MAX];
};

struct pt_engine_lookup {
	__u32 class;	  /* 0: unmatched */
	__u32 connection; /* id, 0: unmatched */
};

struct pt_engine_reply {
	__u32 abi;
	__u32 verb;  /* of the request */
	__s32 error; /* 0, or -errno, and then text says it in words */
	__u32 reserved;
	char text[256];
	union {
		struct pt_engine_open open; /* OPEN and PUBLISH: what is held now */
		struct pt_engine_status status;
		struct pt_engine_lookup lookup;
	};
};

/*
 * Connects to, or listens on, the engine's socket. The descriptor does not block. Returns it, or
 * -errno. pt_engine_listen replaces a socket file that nobody listens on, and only that:
 * -EADDRINUSE if another engine does.
 */
int pt_engine_connect(const char *path);
int pt_engine_listen(const char *path, mode_t mode);

/*
 * Sends one message, with the descriptors in `fds` (PT_ENGINE_FDS of them, up to the first -1; they
 * stay the caller's; NULL: none). Returns 0 or -errno: -EAGAIN if the peer does not take it now.
 */
int pt_engine_send(int socket, const void *message, size_t bytes, const int *fds);

/*
 * Receives one message of exactly `bytes` bytes. The descriptors that came with it go to ret_fds
 * (PT_ENGINE_FDS of them, -1 where there is none), and the caller closes them; a ret_fds of NULL
 * closes them at once. Returns 0 or -errno: -EAGAIN if there is none now, -ECONNRESET if the peer
 * is gone, -EBADMSG if it has another length.
 */
int pt_engine_receive(int socket, void *message, size_t bytes, int *ret_fds);

/* Closes those that are there. */
void pt_engine_close_fds(int *fds);

/*
 * Maps the counters that an engine of this capacity and lane count handed over, read only. Returns
 * 0 or -errno; -EBADMSG if the descriptor holds less. pt_engine_unmap_counters undoes it.
 */
int pt_engine_map_counters(int fd, const struct pt_engine_open *open, struct pt_counters *ret);
void pt_engine_unmap_counters(struct pt_counters *counters);

/* Likewise the round-trip times; 0, and lanes NULL, of an engine that measures none. */
int pt_engine_map_latency(int fd, const struct pt_engine_open *open, struct pt_latency *ret);
void pt_engine_unmap_latency(struct pt_latency *latency);

#endif
