/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process: a file in the run directory with the counters, who owns what in them,
 * and the slots of the ports. Workers count in its memory, so that a process that is killed loses
 * no count; control is given a read only descriptor of it.
 *
 * The run directory is memory that a reboot empties, and so the counters start at 0 then. A change
 * of max_connections or of the number of workers makes a new file beside the old one, which takes
 * the sums over and then its name: killed at any point, one of the two holds all counts. What is in
 * a file is checked before it is trusted, and a file that is no good is left where it is.
 *
 * Threading: opened before the workers start. A lane is written by its worker alone, `owners` (and
 * through them the lanes' counters that nobody counts on) by the publishing thread alone, the rest
 * by the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_STATE_H
#define PEERTAG_DATAPLANE_DPDK_STATE_H

#include <stddef.h>

#include <peertag/counters.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

#include "../message.h"
#include "../owners.h"

#define STATE_ABI	 1
#define STATE_PORT_BYTES 64

/* The head of the file; behind it, page aligned each, the owners and the lanes. */
struct state_file {
	__u64 magic;
	__u32 abi;
	__u32 capacity;
	__u32 lane_count;
	__u32 reserved;
	__u64 owners_offset; /* capacity of struct pt_owner */
	__u64 lanes_offset;  /* lane_count of pt_lane_bytes(capacity), to the end of the file */
	__u8 registry[PT_REGISTRY_BYTES];
	char ports[PT_PORTS_MAX][STATE_PORT_BYTES]; /* who owns the port counters in a slot */
	__u64 nic_packets[PT_PORTS_MAX];	    /* by the device, in processes before this */
};
_Static_assert(offsetof(struct state_file, owners_offset) == 24, "state_file outlives the process");
_Static_assert(offsetof(struct state_file, ports) == 56, "state_file outlives the process");
_Static_assert(sizeof(struct state_file) == 2360, "state_file outlives the process");

struct state {
	struct state_file *file;
	struct pt_lane *lanes;
	struct owners owners; /* in the file */
	__u32 capacity;
	__u32 lane_count;
	int counters_fd;       /* read only, and never to be had for writing: for control */
	__u64 counters_offset; /* of the lanes in it, a multiple of the page size */
	size_t bytes;
	int lock; /* the file, kept from other engines while this is open */
};

/*
 * Opens the file at `path`, or makes it; a path of NULL means memory of this process alone. Returns
 * 0 and *ret, which state_free() frees (the file stays), or -errno and why: -EBUSY: another process
 * has it open; -EBADMSG, -EPROTONOSUPPORT: what is there is no good, or of another version;
 * -ENOSPC: no room for it, or counters in use are beyond `capacity`.
 */
int state_open(const char *path, __u32 capacity, __u32 lane_count, struct state **ret,
	       struct message *message);
void state_free(struct state *state);

struct pt_lane *state_lane(const struct state *state, __u32 lane);
struct pt_counters state_counters(const struct state *state);

/*
 * The slot that counts for the port called `name`: its old one, or a free one. Returns 0 and
 * *ret_slot, or -ENOSPC, or -EINVAL: a name that is empty, or too long to be kept.
 */
int state_port_slot(struct state *state, const char *name, __u32 *ret_slot);

#endif
