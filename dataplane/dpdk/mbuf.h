/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a plain buffer does not need: packets whose headers are spread over several segments, and
 * VLAN tags that a device took off. Out of the way of the others, which are nearly all.
 *
 * Threading: an mbuf is its worker's own.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_MBUF_H
#define PEERTAG_DATAPLANE_DPDK_MBUF_H

#include <rte_mbuf.h>
#include <stdbool.h>

#include <peertag/packet.h>
#include <peertag/types.h>

/* A copy of a packet's first bytes, where these are in several segments. */
struct mbuf_window {
	__u8 bytes[PT_HEADERS_MAX];
};

PT_INLINE bool mbuf_is_unusual(const struct rte_mbuf *mbuf)
{
	return mbuf->nb_segs > 1 ||
	       mbuf->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED);
}

/*
 * Puts stripped VLAN tags back, so that the packet is classified, counted and forwarded as it was
 * on the wire, and parses it: in place, or in `window` if it must be.
 */
enum pt_outcome mbuf_parse(struct rte_mbuf *mbuf, struct mbuf_window *window,
			   struct pt_packet *packet);

/* Stores what was written into the IP header at `packet`, if that is in `window`. */
void mbuf_store_dscp(struct rte_mbuf *mbuf, const struct mbuf_window *window,
		     const struct pt_packet *packet);

/* Pushes a VLAN tag onto a packet that has its MAC addresses. Returns false, and the packet as it
 * was, where there is no room in front. */
bool mbuf_push_vlan(struct rte_mbuf *mbuf, __u16 vlan);

#endif
