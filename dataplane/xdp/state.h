/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process: the maps, pinned in a directory of their own for each engine, and
 * mapped here. Also who owns what in them: counter indexes by connection, port slots by name.
 *
 * Threading: `shared->active`, `owners` and the last lane are written by the publishing thread
 * alone; slots, `inputs` and `outputs` by the main thread alone.
 */
#ifndef PEERTAG_DATAPLANE_XDP_STATE_H
#define PEERTAG_DATAPLANE_XDP_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/counters.h>
#include <peertag/types.h>
#include <peertag/xdp.h>

#include "../message.h"
#include "../owners.h"

struct peertag; /* the skeleton */

struct state {
	char *dir;	      /* of the pins; NULL: nothing is pinned */
	int lock;	      /* keeps other engines from them; -1: none */
	struct peertag *maps; /* an instance without programs, which holds the maps */
	struct pt_xdp_state *shared;
	struct owners owners; /* in the maps */
	/* lane_count of pt_lane_bytes(capacity); to be read only, but where nothing is pinned. */
	struct pt_lane *lanes;
	__u8 *tables;	  /* the images: see state_table() */
	__u32 table_room; /* bytes that an image may have */
	__u32 latency_slots;
	__u32 latency_window_ms;
	bool tries; /* packets look up in tries, not in the image */
	__u32 capacity;
	__u32 lane_count; /* one a possible CPU, and one of user space */
	bool found;	  /* the pins were there already */
	bool frozen;	  /* the counters cannot be written from user space any more */
};

/* How large the maps are to be, and which of them packets look up in. */
struct state_options {
	__u32 capacity;
	__u32 table_room;    /* of state_room_for() */
	__u32 latency_slots; /* 0: nothing is measured */
	__u32 latency_window_ms;
	bool tries; /* the kernel's tries, not the image */
};

/*
 * Opens the pins in `dir`, or makes them; a dir of NULL pins nothing. Returns 0 and *ret, which
 * state_free() frees (the pins stay), or -errno and why.
 */
int state_open(const char *dir, const struct state_options *options, struct state **ret,
	       struct message *message);
void state_free(struct state *state);

/* Whether counts or tables are still in maps of another size: see capacity.h. */
bool state_is_changing(const struct state *state);

/* Freezes the counters, after which no user space writes them by any descriptor. */
int state_freeze(struct state *state);

/* The descriptor of a map of the skeleton by its name, or -1. */
int state_map(const struct state *state, const char *name);

/* Writes the path of a pin into `path`. */
void state_pin_path(const struct state *state, const char *name, char *path, size_t bytes);

/* Likewise of a pin whose name ends in its size: counters, owners and tables. */
void state_sized_path(const struct state *state, const char *kind, __u32 size, char *path,
		      size_t bytes);

/* The smallest room that takes `bytes`, or 0 where there is none. */
__u32 state_room_for(__u64 bytes);

/* A side's image. */
struct pt_table *state_table(const struct state *state, __u32 side);

struct pt_lane *state_lane(const struct state *state, __u32 lane);
struct pt_counters state_counters(const struct state *state);

/*
 * The slot that counts for the port called `name`: its old one, or a free one. Returns 0 and
 * *ret_slot, or -ENOSPC.
 */
int state_port_slot(struct state *state, const char *name, __u32 *ret_slot);

#endif
