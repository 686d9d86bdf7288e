/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the BPF programs and peertag-xdp share: maps, the words in them, a program's options.
 *
 * One side of the table is an element of the map `tables`: an image of peertag/table.h, with the
 * class descriptors in it. Where the engine's table is the kernel's, lookups go to a pair of
 * longest prefix match tries instead, one a family, whose values are class numbers: `sets4` and
 * `sets6` hold them by side (two maps, because the kernel wants all maps inside of one map to have
 * the same key size). A packet reads `active` once and uses that side for both of its lookups.
 *
 * The maps are pinned, so that their contents outlive every process; PT_XDP_ABI changes with
 * anything here, and an engine refuses pins of another ABI.
 */
#ifndef PEERTAG_XDP_H
#define PEERTAG_XDP_H

#include <peertag/counters.h>
#include <peertag/table.h>
#include <peertag/types.h>

#define PT_XDP_ABI	  3
#define PT_XDP_SIDES	  2
#define PT_XDP_SIDE_NONE  PT_XDP_SIDES /* no set: everything is unmatched */
#define PT_XDP_PORT_BYTES 64

/* A verifier's limit: an offset into a map value ends at 2^29. */
#define PT_XDP_CAPACITY_MAX ((1u << 24) - 1024)

/*
 * A side of `tables` has room for an image of 2^n bytes, so that 2^n - 1 masks an offset; behind it
 * is what is read at the highest offset.
 */
#define PT_XDP_TABLE_MIN  (1u << 19)
#define PT_XDP_TABLE_MAX  (1u << 28)
#define PT_XDP_TABLE_TAIL PT_TABLE_LINE
_Static_assert(sizeof(struct pt_table) < PT_XDP_TABLE_MIN, "the head is where no mask is needed");

/* Keys of the tries; the kernel compares from the first bit of addr. */
struct pt_xdp_key4 {
	__u32 len;
	__u32 addr_be;
};

struct pt_xdp_key6 {
	__u32 len;
	__u32 addr_be[4];
};

/* Element 0 of the map `state`: mapped by peertag-xdp, read by every packet. */
struct pt_xdp_state {
	__u32 active; /* side; the one word that packets read */
	__u32 abi;
	/* From here on for user space. */
	__u32 capacity;	     /* connections: of the maps counters-CAPACITY and owners-CAPACITY */
	__u32 next_capacity; /* what it is being changed to; 0: it is not */
	__u32 table_room;    /* bytes of a side: of the map tables-ROOM */
	__u32 reserved;
	/* Generation 0: no set. */
	__u8 registry[16]; /* whose connection ids `owners` holds */
	__u64 generation;
	__u64 checksum;
	__u64 table_bytes;
	__u64 latency_secret;			     /* of pt_rtt; 0: not chosen yet */
	char ports[PT_PORTS_MAX][PT_XDP_PORT_BYTES]; /* who owns the port counters in a slot */
	__u64 nic_base[PT_PORTS_MAX];		     /* the device's count when it was attached */
};
_Static_assert(sizeof(struct pt_xdp_state) == 72 + PT_PORTS_MAX * (PT_XDP_PORT_BYTES + 8),
	       "pt_xdp_state is pinned");

/* What a program instance is told at load; constants to the verifier. */
struct pt_xdp_options {
	__u32 capacity;
	__u32 slot;	    /* of the port */
	__u32 forward;	    /* enum pt_xdp_forward */
	__u32 carrier_mark; /* which carriers are on */
	__u32 carrier_dscp;
	__u32 carrier_vlan;
	__u32 mark_mask;
	__u32 report;	     /* tell the map `report` about each packet: never on a port */
	__u32 netns;	     /* inode number of the network namespace that the ports are in */
	__u32 tries;	     /* look up in sets4 and sets6, not in the image */
	__u32 table_mask;    /* of an offset into a side of `tables` */
	__u32 latency_slots; /* of a lane of `latency`; 0: nothing is measured */
	__u32 latency_window_ms;
	__u32 reserved;
	__u64 latency_secret;
};

enum pt_xdp_forward {
	PT_XDP_PASS,
	PT_XDP_DROP,
	PT_XDP_REDIRECT, /* to outputs[slot]; without one, pass */
};

/* Element 0 of the map `report`: the last packet, for the offline engine and its tests. */
struct pt_xdp_report {
	__u32 outcome;
	__u32 source_class;
	__u32 destination_class;
	__u8 tagged[PT_CARRIERS];
	__u8 failed[PT_CARRIERS];
	__u8 reserved[2];
};

/* What the program pt_zero is run on: counters to zero. At most 2^23 at once. */
struct pt_xdp_zero {
	__u32 lane;
	__u32 first;
	__u32 count;
	__u32 reserved;
};

#endif
