/* SPDX-License-Identifier: BSD-3-Clause */
#include "mbuf.h"

#include <peertag/tag.h>

/* Where a VLAN tag ends that follows the MAC addresses. */
#define VLAN_END (PT_MAC_BYTES + PT_VLAN_BYTES)

/* Stores bytes over segments. The packet has that many behind `offset`. */
static void mbuf_store(struct rte_mbuf *mbuf, __u32 offset, const __u8 *from, __u32 bytes)
{
	__u32 here;

	for (; mbuf && bytes; mbuf = mbuf->next) {
		if (offset >= mbuf->data_len) {
			offset -= mbuf->data_len;
			continue;
		}
		here = RTE_MIN(bytes, mbuf->data_len - offset);
		memcpy(rte_pktmbuf_mtod_offset(mbuf, __u8 *, offset), from, here);
		from += here;
		bytes -= here;
		offset = 0;
	}
}

bool mbuf_push_vlan(struct rte_mbuf *mbuf, __u16 vlan)
{
	__u8 *frame = (__u8 *)rte_pktmbuf_prepend(mbuf, PT_VLAN_BYTES);
	__u8 front[VLAN_END];

	if (!frame)
		return false;
	if (likely(mbuf->data_len >= VLAN_END)) {
		pt_tag_vlan(frame, vlan);
		return true;
	}
	/* The MAC addresses are spread over segments. */
	for (__u32 i = 0; i < VLAN_END; i++)
		front[i] = *(const __u8 *)rte_pktmbuf_read(mbuf, i, 1, &front[i]);
	pt_tag_vlan(front, vlan);
	mbuf_store(mbuf, 0, front, VLAN_END);
	return true;
}

/*
 * A device says what it took off, not of which EtherType it was: the outer one of two is of
 * 802.1ad, all others of 802.1Q. Frames without MAC addresses stay as they are: malformed.
 */
static void mbuf_restore_vlan(struct rte_mbuf *mbuf)
{
	static const __u8 service_tag[] = {PT_ETHERTYPE_QINQ >> 8, PT_ETHERTYPE_QINQ & 0xff};
	__u64 flags = mbuf->ol_flags;

	mbuf->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED);
	if (mbuf->pkt_len < PT_MAC_BYTES)
		return;
	if (!mbuf_push_vlan(mbuf, mbuf->vlan_tci))
		return;
	if (!(flags & RTE_MBUF_F_RX_QINQ_STRIPPED))
		return;
	if (mbuf_push_vlan(mbuf, mbuf->vlan_tci_outer))
		mbuf_store(mbuf, PT_MAC_BYTES, service_tag, sizeof(service_tag));
}

enum pt_outcome mbuf_parse(struct rte_mbuf *mbuf, struct mbuf_window *window,
			   struct pt_packet *packet)
{
	__u32 bytes;
	__u8 *start;

	if (mbuf->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED))
		mbuf_restore_vlan(mbuf);
	bytes = RTE_MIN(mbuf->pkt_len, (__u32)PT_HEADERS_MAX);
	if (!bytes)
		return PT_OUTCOME_MALFORMED;
	start = (__u8 *)rte_pktmbuf_read(mbuf, 0, bytes, window->bytes);
	return pt_packet_parse(packet, start, start + bytes);
}

void mbuf_store_dscp(struct rte_mbuf *mbuf, const struct mbuf_window *window,
		     const struct pt_packet *packet)
{
	const __u8 *ip = packet->ip;

	if (ip >= window->bytes && ip < window->bytes + sizeof(window->bytes))
		mbuf_store(mbuf, ip - window->bytes, ip, PT_DSCP_SPAN);
}
