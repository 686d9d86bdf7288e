/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst on its way through the stages receive, parse, look up, count, tag, transmit. Each stage
 * takes the burst and leaves in it what the next one needs. What is done to a packet is written in
 * include/peertag; here are only the batch and the mbuf.
 *
 * A cold cache line costs more than all the work on a packet, so each stage asks for what the next
 * one will touch: receive for the headers, parse for the table's entries, look up for the class
 * descriptors and then the counters.
 *
 * A burst reads the pointer to the active set once and uses that set for all of its packets.
 * Threading: a burst is its worker's own.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_BURST_H
#define PEERTAG_DATAPLANE_DPDK_BURST_H

#include <rte_ethdev.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_prefetch.h>

#include <peertag/config.h>
#include <peertag/counters.h>
#include <peertag/packet.h>
#include <peertag/tag.h>
#include <peertag/types.h>

#include "mbuf.h"
#include "table.h"

#define BURST_MAX 32

/* What a worker was told; constant while it runs. */
struct burst_options {
	struct pt_config_tag tag;
	int mark_offset; /* of the mbuf's dynamic field, where the mark is a carrier */
	__u64 mark_flag; /* in ol_flags: the field is set */
	struct pt_lane *lane;
	__u32 capacity; /* connections in the lane */
};

/* One receive queue, and where its packets go. */
struct queue {
	__u16 port; /* of ethdev */
	__u16 queue;
	__u16 output_port;
	__u16 output_queue;
	__u16 input; /* index of the port in the configuration, and of its output */
	__u16 output;
	__u32 slot;	  /* of the port's counters */
	bool forward;	  /* else they are counted and dropped */
	bool vlan_insert; /* the output's device pushes a VLAN tag */
	bool multi_segs;  /* and takes packets in several segments */
	bool paused;	  /* not polled: its port, or its output's, is being restarted */
};

/* A packet's addresses, source before destination, as each table wants them. */
struct burst_addrs4 {
	__u16 count;		  /* of packets */
	__u8 packet[BURST_MAX];	  /* their numbers in the burst */
	__u32 addr[BURST_MAX][2]; /* host byte order */
};

struct burst_addrs6 {
	__u16 count;
	__u8 packet[BURST_MAX];
	__u8 addr[BURST_MAX][2][16];
};

struct burst {
	__u16 count;
	struct rte_mbuf *mbufs[BURST_MAX];
	struct pt_packet packets[BURST_MAX]; /* of those that have an IP header */
	__u8 outcome[BURST_MAX];
	__u32 source[BURST_MAX]; /* class number; 0: none */
	__u32 destination[BURST_MAX];
	__u8 tagged[BURST_MAX]; /* bits by carrier: of the tags that were written */
	__u8 failed[BURST_MAX]; /* of those that could not be */
	struct burst_addrs4 ipv4;
	struct burst_addrs6 ipv6;
	struct mbuf_window windows[BURST_MAX]; /* where headers lie in several segments */
};

/* Returns whether anything came. */
PT_INLINE bool burst_receive(struct burst *burst, const struct queue *queue)
{
	burst->count = rte_eth_rx_burst(queue->port, queue->queue, burst->mbufs, BURST_MAX);
	for (__u16 i = 0; i < burst->count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(burst->mbufs[i], void *));
	return burst->count;
}

PT_INLINE void burst_take_ipv4(struct burst *burst, __u16 i, const struct table_set *set)
{
	__u32 *addr = burst->ipv4.addr[burst->ipv4.count];

	addr[0] = pt_load_be32(burst->packets[i].ip + 12);
	addr[1] = pt_load_be32(burst->packets[i].ip + 16);
	burst->ipv4.packet[burst->ipv4.count++] = i;
	if (likely(set && set->lpm4)) {
		rte_prefetch0(&set->lpm4->tbl24[addr[0] >> 8]);
		rte_prefetch0(&set->lpm4->tbl24[addr[1] >> 8]);
	}
}

PT_INLINE void burst_take_ipv6(struct burst *burst, __u16 i)
{
	memcpy(burst->ipv6.addr[burst->ipv6.count], burst->packets[i].ip + 8, 32);
	burst->ipv6.packet[burst->ipv6.count++] = i;
}

PT_INLINE enum pt_outcome burst_parse_mbuf(struct burst *burst, __u16 i)
{
	struct rte_mbuf *mbuf = burst->mbufs[i];
	__u8 *data;

	if (unlikely(mbuf_is_unusual(mbuf)))
		return mbuf_parse(mbuf, &burst->windows[i], &burst->packets[i]);
	data = rte_pktmbuf_mtod(mbuf, __u8 *);
	return pt_packet_parse(&burst->packets[i], data, data + mbuf->data_len);
}

/* Fills the outcomes, and the addresses of what is to be looked up. */
PT_INLINE void burst_parse(struct burst *burst, const struct table_set *set)
{
	burst->ipv4.count = 0;
	burst->ipv6.count = 0;
	for (__u16 i = 0; i < burst->count; i++) {
		burst->source[i] = 0;
		burst->destination[i] = 0;
		burst->outcome[i] = burst_parse_mbuf(burst, i);
		if (burst->outcome[i] != PT_OUTCOME_UNMATCHED)
			continue;
		if (likely(burst->packets[i].family == 4))
			burst_take_ipv4(burst, i, set);
		else
			burst_take_ipv6(burst, i);
	}
}

PT_INLINE const struct pt_class *burst_class(const struct table_set *set, __u32 class)
{
	return class ? &set->classes[class - 1] : NULL;
}

/* The outcomes are final behind it. */
PT_INLINE void burst_count(struct burst *burst, const struct table_set *set,
			   const struct burst_options *options, struct pt_port_counters *port)
{
	for (__u16 i = 0; i < burst->count; i++) {
		__u32 bytes = burst->mbufs[i]->pkt_len;

		if (burst->source[i] | burst->destination[i])
			burst->outcome[i] =
				pt_count_classes(options->lane, options->capacity,
						 burst_class(set, burst->source[i]),
						 burst_class(set, burst->destination[i]), 1, bytes);
		pt_count_add(&port->received[burst->outcome[i]], 1, bytes);
	}
}

PT_INLINE void burst_count_tag(struct burst *burst, __u16 i, enum pt_carrier carrier,
			       struct pt_port_counters *port, bool written)
{
	if (likely(written)) {
		burst->tagged[i] |= 1 << carrier;
		port->tagged[carrier]++;
	} else {
		burst->failed[i] |= 1 << carrier;
		port->tag_failures[carrier]++;
	}
}

/* By the device that transmits the packet, where it can. */
PT_INLINE bool burst_push_vlan(struct rte_mbuf *mbuf, __u16 vlan, const struct queue *queue)
{
	if (!queue->vlan_insert)
		return mbuf_push_vlan(mbuf, vlan);
	mbuf->vlan_tci = vlan;
	mbuf->ol_flags |= RTE_MBUF_F_TX_VLAN;
	return true;
}

PT_INLINE void burst_tag_packet(struct burst *burst, __u16 i, const struct pt_class *class,
				const struct burst_options *options, const struct queue *queue,
				struct pt_port_counters *port)
{
	const bool *carrier = options->tag.carrier;
	struct rte_mbuf *mbuf = burst->mbufs[i];

	if (carrier[PT_CARRIER_DSCP] && class->dscp != PT_DSCP_NONE) {
		pt_tag_dscp(&burst->packets[i], class->dscp);
		if (unlikely(mbuf->nb_segs > 1))
			mbuf_store_dscp(mbuf, &burst->windows[i], &burst->packets[i]);
		burst_count_tag(burst, i, PT_CARRIER_DSCP, port, true);
	}
	if (carrier[PT_CARRIER_MARK]) {
		*RTE_MBUF_DYNFIELD(mbuf, options->mark_offset, __u32 *) = class->mark;
		mbuf->ol_flags |= options->mark_flag;
		burst_count_tag(burst, i, PT_CARRIER_MARK, port, true);
	}
	if (carrier[PT_CARRIER_VLAN] && class->vlan != PT_VLAN_NONE)
		burst_count_tag(burst, i, PT_CARRIER_VLAN, port,
				burst_push_vlan(mbuf, class->vlan, queue));
}

PT_INLINE void burst_tag(struct burst *burst, const struct table_set *set,
			 const struct burst_options *options, const struct queue *queue,
			 struct pt_port_counters *port)
{
	for (__u16 i = 0; i < burst->count; i++) {
		const struct pt_class *class =
			pt_tag_class(burst_class(set, burst->source[i]),
				     burst_class(set, burst->destination[i]));

		burst->tagged[i] = 0;
		burst->failed[i] = 0;
		if (class)
			burst_tag_packet(burst, i, class, options, queue, port);
	}
}

/*
 * A device that does not know segments would read past the first one: such packets go out in one
 * piece, or not at all. Returns how many are left.
 */
PT_INLINE __u16 burst_join_segments(struct burst *burst)
{
	__u16 left = 0;

	for (__u16 i = 0; i < burst->count; i++) {
		struct rte_mbuf *mbuf = burst->mbufs[i];

		if (likely(mbuf->nb_segs == 1) || rte_pktmbuf_linearize(mbuf) == 0)
			burst->mbufs[left++] = mbuf;
		else
			rte_pktmbuf_free(mbuf);
	}
	return left;
}

/* What the output does not take is dropped, and counted on the port that it came in by. */
PT_INLINE void burst_transmit(struct burst *burst, const struct queue *queue,
			      struct pt_port_counters *port)
{
	__u16 left = burst->count, sent;

	if (!queue->forward) {
		rte_pktmbuf_free_bulk(burst->mbufs, left);
		return;
	}
	if (!queue->multi_segs)
		left = burst_join_segments(burst);
	sent = rte_eth_tx_burst(queue->output_port, queue->output_queue, burst->mbufs, left);
	if (likely(sent == burst->count))
		return;
	rte_pktmbuf_free_bulk(&burst->mbufs[sent], left - sent);
	port->forward_drops += burst->count - sent;
}

#endif
