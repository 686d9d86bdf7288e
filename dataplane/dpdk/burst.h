/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst on its way through the stages receive, parse, look up, count, tag, transmit. Each stage
 * takes the burst and leaves in it what the next one needs. What is done to a packet is in
 * include/peertag; here are only the batch and the mbuf.
 *
 * The first use of a cold cache line costs more than all else, so each stage prefetches what the
 * next one will touch: receive the headers, parse the table's entries, look up the counters.
 *
 * Threading: a burst is its worker's own.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_BURST_H
#define PEERTAG_DATAPLANE_DPDK_BURST_H

#include <rte_mbuf.h>

#include <peertag/config.h>
#include <peertag/counters.h>
#include <peertag/packet.h>
#include <peertag/types.h>

#define BURST_MAX 32

struct burst_options {
	struct pt_config_tag tag;
	int mark_offset; /* of the mbuf's dynamic field, where the mark is a carrier */
	__u64 mark_flag; /* of ol_flags: the field is set */
	struct pt_lane *lane;
	__u32 capacity;
};

struct burst {
	__u16 count;
	struct rte_mbuf *mbufs[BURST_MAX];
	struct pt_packet packets[BURST_MAX]; /* of those that have an IP header */
	__u16 ip_offset[BURST_MAX];	     /* of it in the packet */
	__u8 outcome[BURST_MAX];
	__u32 source[BURST_MAX]; /* class number; 0: none */
	__u32 destination[BURST_MAX];
	__u8 tagged[BURST_MAX]; /* bits by carrier: of the tags that were written */
	__u8 failed[BURST_MAX]; /* of those that could not be */
};

#endif
