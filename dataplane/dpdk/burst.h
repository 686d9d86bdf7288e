/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst on its way through the stages receive, parse, look up, count, measure, tag, transmit.
 * Each stage takes the burst and leaves in it what the next one needs. What is done to a packet is
 * written in include/peertag; here are only the batch and the mbuf.
 *
 * A cold cache line costs more than all the work on a packet, so each stage asks for what the next
 * one will touch: receive for the headers, parse for the table's entries, look up for the class
 * descriptors; count asks for all counters before it counts.
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
#include <peertag/rtt.h>
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
	__u32 capacity;	   /* connections in the lane */
	struct pt_rtt rtt; /* table NULL: nothing is measured */
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

/* Which of a packet's addresses: also what the packet counts as for the connection it is in. */
enum burst_end {
	BURST_SOURCE = PT_RECEIVE,
	BURST_DESTINATION = PT_TRANSMIT,
	BURST_ENDS,
};

/* The packets' addresses, source before destination, as each table wants them. */
struct burst_addrs4 {
	__u16 count;			   /* of packets */
	__u8 packet[BURST_MAX];		   /* their numbers in the burst */
	__u32 addr[BURST_MAX][BURST_ENDS]; /* host byte order */
};

struct burst_addrs6 {
	__u16 count;
	__u8 packet[BURST_MAX];
	__u8 addr[BURST_MAX][BURST_ENDS][16];
};

/* An address that is in a class. */
struct burst_hit {
	__u32 class;
	__u16 packet; /* its number in the burst */
	__u16 end;
};

struct burst {
	__u16 count;
	struct rte_mbuf *mbufs[BURST_MAX];
	struct pt_packet packets[BURST_MAX]; /* of those that have an IP header */
	__u8 outcome[BURST_MAX];
	__u32 class[BURST_MAX][BURST_ENDS]; /* class number; 0: none */
	__u16 hit_count, match_count;
	struct burst_hit hits[BURST_MAX * BURST_ENDS];
	__u8 matches[BURST_MAX]; /* of matched packets, the hit that tags */
	__u8 tagged[BURST_MAX];	 /* bits by carrier: of the tags that were written */
	__u8 failed[BURST_MAX];	 /* of those that could not be */
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

/* Asks for what an address's lookup will touch first. */
PT_INLINE void burst_prefetch_table4(const struct table_set *set, __u32 addr)
{
	if (likely(set->image))
		rte_prefetch0(&set->image->root4[addr >> 16]);
	else if (set->lpm4)
		rte_prefetch0(&set->lpm4->tbl24[addr >> 8]);
}

/* As packet number `n` of its family. The addresses lie side by side: one load. */
PT_INLINE void burst_take_ipv4(struct burst *burst, __u16 i, __u16 n, const struct table_set *set)
{
	__u64 both;

	memcpy(&both, burst->packets[i].ip + 12, sizeof(both));
	both = __builtin_bswap64(both);
	burst->ipv4.addr[n][BURST_SOURCE] = both >> 32;
	burst->ipv4.addr[n][BURST_DESTINATION] = both;
	burst->ipv4.packet[n] = i;
	if (unlikely(!set))
		return;
	burst_prefetch_table4(set, both >> 32);
	burst_prefetch_table4(set, both);
}

PT_INLINE void burst_take_ipv6(struct burst *burst, __u16 i, __u16 n)
{
	memcpy(burst->ipv6.addr[n], burst->packets[i].ip + 8, sizeof(burst->ipv6.addr[n]));
	burst->ipv6.packet[n] = i;
}

/* What most packets are: an IPv4 header without options behind 14 bytes of Ethernet. */
PT_INLINE bool burst_is_plain_ipv4(const struct rte_mbuf *mbuf, const __u8 *data)
{
	__u32 type_and_version;

	if (unlikely(mbuf->data_len < PT_ETHERNET_BYTES + PT_IPV4_BYTES))
		return false;
	memcpy(&type_and_version, data + PT_MAC_BYTES, sizeof(type_and_version));
	return (type_and_version & 0xffffff) == 0x450008 &&
	       pt_load_be16(data + PT_ETHERNET_BYTES + 2) >= PT_IPV4_BYTES;
}

PT_INLINE enum pt_outcome burst_parse_mbuf(struct burst *burst, __u16 i)
{
	struct rte_mbuf *mbuf = burst->mbufs[i];
	__u8 *data = rte_pktmbuf_mtod(mbuf, __u8 *);

	if (unlikely(mbuf_is_unusual(mbuf)))
		return mbuf_parse(mbuf, &burst->windows[i], &burst->packets[i]);
	if (unlikely(!burst_is_plain_ipv4(mbuf, data)))
		return pt_packet_parse(&burst->packets[i], data, data + mbuf->data_len);
	burst->packets[i] = (struct pt_packet){.ip = data + PT_ETHERNET_BYTES, .family = 4};
	return PT_OUTCOME_UNMATCHED;
}

/* Fills the outcomes, and the addresses of what is to be looked up. */
PT_INLINE void burst_parse(struct burst *burst, const struct table_set *set)
{
	__u16 count = burst->count, count4 = 0, count6 = 0;

	for (__u16 i = 0; i < count; i++) {
		enum pt_outcome outcome = burst_parse_mbuf(burst, i);

		burst->outcome[i] = outcome;
		if (unlikely(outcome != PT_OUTCOME_UNMATCHED))
			continue;
		if (likely(burst->packets[i].family == 4))
			burst_take_ipv4(burst, i, count4++, set);
		else
			burst_take_ipv6(burst, i, count6++);
	}
	burst->ipv4.count = count4;
	burst->ipv6.count = count6;
}

PT_INLINE const struct pt_class *burst_class(const struct table_set *set,
					     const struct burst_hit *hit)
{
	return &set->classes[hit->class - 1];
}

/* The hit that tags a matched packet. */
PT_INLINE const struct burst_hit *burst_match(const struct burst *burst, __u16 n)
{
	return &burst->hits[burst->matches[n]];
}

/* On the connections. Counters are in no cache: first all of them are asked for. */
PT_INLINE void burst_count_hits(const struct burst *burst, const struct table_set *set,
				const struct burst_options *options)
{
	struct pt_lane *lane = options->lane;
	__u32 counters[BURST_MAX * BURST_ENDS];
	__u16 count = burst->hit_count;

	for (__u16 n = 0; n < count; n++) {
		counters[n] = burst_class(set, &burst->hits[n])->counter;
		rte_prefetch0(&lane->connections[counters[n]]);
	}
	for (__u16 n = 0; n < count; n++) {
		const struct burst_hit *hit = &burst->hits[n];

		pt_count_connection(lane, options->capacity, counters[n],
				    (enum pt_direction)hit->end, 1,
				    burst->mbufs[hit->packet]->pkt_len);
	}
}

/* Packets that nothing was looked up for. */
PT_INLINE void burst_count_others(const struct burst *burst, struct pt_port_counters *port)
{
	for (__u16 i = 0; i < burst->count; i++)
		if (burst->outcome[i] > PT_OUTCOME_UNMATCHED)
			pt_count_add(&port->received[burst->outcome[i]], 1,
				     burst->mbufs[i]->pkt_len);
}

/* The outcomes are final behind it. What matched is one sum, what did not another. */
PT_INLINE void burst_count(struct burst *burst, const struct table_set *set,
			   const struct burst_options *options, struct pt_port_counters *port)
{
	__u16 looked_up = burst->ipv4.count + burst->ipv6.count;
	__u16 count = burst->count, matched = burst->match_count;
	__u64 bytes = 0, matched_bytes = 0;

	burst_count_hits(burst, set, options);
	for (__u16 n = 0; n < matched; n++) {
		__u16 i = burst_match(burst, n)->packet;

		burst->outcome[i] = PT_OUTCOME_MATCHED;
		matched_bytes += burst->mbufs[i]->pkt_len;
	}
	for (__u16 i = 0; i < count; i++)
		bytes += burst->outcome[i] == PT_OUTCOME_UNMATCHED ? burst->mbufs[i]->pkt_len : 0;
	pt_count_add(&port->received[PT_OUTCOME_MATCHED], matched, matched_bytes);
	pt_count_add(&port->received[PT_OUTCOME_UNMATCHED], looked_up - matched, bytes);
	if (unlikely(looked_up != count))
		burst_count_others(burst, port);
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

PT_INLINE void burst_tag_dscp(struct burst *burst, const struct table_set *set,
			      struct pt_port_counters *port)
{
	__u16 count = burst->match_count, written = 0;

	for (__u16 n = 0; n < count; n++) {
		const struct burst_hit *hit = burst_match(burst, n);
		__u8 dscp = burst_class(set, hit)->dscp;
		__u16 i = hit->packet;

		if (dscp == PT_DSCP_NONE)
			continue;
		pt_tag_dscp(&burst->packets[i], dscp);
		if (unlikely(burst->mbufs[i]->nb_segs > 1))
			mbuf_store_dscp(burst->mbufs[i], &burst->windows[i], &burst->packets[i]);
		burst->tagged[i] |= 1 << PT_CARRIER_DSCP;
		written++;
	}
	port->tagged[PT_CARRIER_DSCP] += written;
}

PT_INLINE void burst_tag_mark(struct burst *burst, const struct table_set *set,
			      const struct burst_options *options, struct pt_port_counters *port)
{
	for (__u16 n = 0; n < burst->match_count; n++) {
		const struct burst_hit *hit = burst_match(burst, n);
		struct rte_mbuf *mbuf = burst->mbufs[hit->packet];

		*RTE_MBUF_DYNFIELD(mbuf, options->mark_offset, __u32 *) =
			burst_class(set, hit)->mark;
		mbuf->ol_flags |= options->mark_flag;
		burst->tagged[hit->packet] |= 1 << PT_CARRIER_MARK;
	}
	port->tagged[PT_CARRIER_MARK] += burst->match_count;
}

PT_INLINE void burst_tag_vlan(struct burst *burst, const struct table_set *set,
			      const struct queue *queue, struct pt_port_counters *port)
{
	for (__u16 n = 0; n < burst->match_count; n++) {
		const struct burst_hit *hit = burst_match(burst, n);
		__u16 vlan = burst_class(set, hit)->vlan, i = hit->packet;

		if (vlan == PT_VLAN_NONE)
			continue;
		if (likely(burst_push_vlan(burst->mbufs[i], vlan, queue))) {
			burst->tagged[i] |= 1 << PT_CARRIER_VLAN;
			port->tagged[PT_CARRIER_VLAN]++;
		} else {
			burst->failed[i] |= 1 << PT_CARRIER_VLAN;
			port->tag_failures[PT_CARRIER_VLAN]++;
		}
	}
}

PT_INLINE void burst_tag(struct burst *burst, const struct table_set *set,
			 const struct burst_options *options, const struct queue *queue,
			 struct pt_port_counters *port)
{
	const bool *carrier = options->tag.carrier;

	memset(burst->tagged, 0, sizeof(burst->tagged));
	memset(burst->failed, 0, sizeof(burst->failed));
	if (carrier[PT_CARRIER_DSCP])
		burst_tag_dscp(burst, set, port);
	if (carrier[PT_CARRIER_MARK])
		burst_tag_mark(burst, set, options, port);
	if (carrier[PT_CARRIER_VLAN])
		burst_tag_vlan(burst, set, queue, port);
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
