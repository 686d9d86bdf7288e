/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet parser: from the first byte of a frame to its IP header.
 *
 * It walks Ethernet, up to two VLAN tags, and then a PPPoE session or an MPLS stack, and stops at
 * the first IPv4 or IPv6 header: tunnels are classified by their outer addresses, fragments and
 * extension headers change nothing. It never writes, never reads past the end and never fails:
 * what it does not understand is an outcome. Depth is judged before length: the EtherType of a
 * third VLAN tag, or eight labels without the bottom of stack, is unsupported even where the frame
 * ends there; every other header that is cut off is malformed.
 *
 * All it needs lies within the first PT_HEADERS_MAX bytes, so a frame whose headers are spread over
 * several buffers is parsed right from a copy of that many bytes.
 *
 * Sources: IEEE 802.1Q-2018, 802.1ad; RFC 2516 (PPPoE), RFC 3032 (MPLS), RFC 791, RFC 8200.
 */
#ifndef PEERTAG_PACKET_H
#define PEERTAG_PACKET_H

#include <peertag/bytes.h>
#include <peertag/types.h>

enum {
	PT_ETHERNET_BYTES = 14,
	PT_MAC_BYTES = 12,
	PT_VLAN_BYTES = 4,
	PT_VLAN_DEPTH = 2,
	PT_PPPOE_BYTES = 8, /* with the PPP protocol */
	PT_LABEL_BYTES = 4,
	PT_LABEL_DEPTH = 8,
	PT_IPV4_BYTES = 20, /* without options */
	PT_IPV6_BYTES = 40,
	PT_HEADERS_MAX = 128,
};

_Static_assert(PT_ETHERNET_BYTES + PT_VLAN_DEPTH * PT_VLAN_BYTES + PT_LABEL_DEPTH * PT_LABEL_BYTES +
			       60 <=
		       PT_HEADERS_MAX,
	       "the deepest header chain, with 60 bytes of IPv4 header, fits the window");

enum pt_ethertype {
	PT_ETHERTYPE_IPV4 = 0x0800,
	PT_ETHERTYPE_VLAN = 0x8100,
	PT_ETHERTYPE_IPV6 = 0x86dd,
	PT_ETHERTYPE_MPLS = 0x8847,
	PT_ETHERTYPE_MPLS_MULTICAST = 0x8848,
	PT_ETHERTYPE_PPPOE_SESSION = 0x8864,
	PT_ETHERTYPE_QINQ = 0x88a8,
	PT_ETHERTYPE_QINQ_OLD = 0x9100,
};

enum pt_ppp_protocol {
	PT_PPP_IPV4 = 0x0021,
	PT_PPP_IPV6 = 0x0057,
};

/* Where the IP header is. Valid as long as the bytes that were parsed. */
struct pt_packet {
	__u8 *ip;    /* the header, PT_IPV4_BYTES or PT_IPV6_BYTES of it readable */
	__u8 family; /* 4 or 6 */
};

PT_INLINE enum pt_outcome pt_parse_ipv4(struct pt_packet *packet, __u8 *pos, __u8 *end)
{
	__u16 total_bytes;
	__u32 header_bytes;

	if (pos + PT_IPV4_BYTES > end)
		return PT_OUTCOME_MALFORMED;
	header_bytes = (pos[0] & 0x0f) * 4;
	total_bytes = pt_load_be16(pos + 2);
	if (pos[0] >> 4 != 4 || header_bytes < PT_IPV4_BYTES || pos + header_bytes > end)
		return PT_OUTCOME_MALFORMED;
	/* A total length of 0 is what segmentation offload leaves in packets above 64 KiB. */
	if (total_bytes && total_bytes < header_bytes)
		return PT_OUTCOME_MALFORMED;

	packet->ip = pos;
	packet->family = 4;
	return PT_OUTCOME_UNMATCHED;
}

PT_INLINE enum pt_outcome pt_parse_ipv6(struct pt_packet *packet, __u8 *pos, __u8 *end)
{
	if (pos + PT_IPV6_BYTES > end || pos[0] >> 4 != 6)
		return PT_OUTCOME_MALFORMED;

	packet->ip = pos;
	packet->family = 6;
	return PT_OUTCOME_UNMATCHED;
}

PT_INLINE enum pt_outcome pt_parse_pppoe(struct pt_packet *packet, __u8 *pos, __u8 *end)
{
	if (pos + PT_PPPOE_BYTES > end)
		return PT_OUTCOME_MALFORMED;
	if (pos[0] != 0x11 || pos[1] != 0)
		return PT_OUTCOME_MALFORMED;

	switch (pt_load_be16(pos + 6)) {
	case PT_PPP_IPV4:
		return pt_parse_ipv4(packet, pos + PT_PPPOE_BYTES, end);
	case PT_PPP_IPV6:
		return pt_parse_ipv6(packet, pos + PT_PPPOE_BYTES, end);
	default:
		return PT_OUTCOME_NOT_IP;
	}
}

PT_INLINE enum pt_outcome pt_parse_mpls_payload(struct pt_packet *packet, __u8 *pos, __u8 *end)
{
	if (pos + 1 > end)
		return PT_OUTCOME_MALFORMED;

	switch (pos[0] >> 4) {
	case 4:
		return pt_parse_ipv4(packet, pos, end);
	case 6:
		return pt_parse_ipv6(packet, pos, end);
	default:
		return PT_OUTCOME_NOT_IP;
	}
}

PT_INLINE enum pt_outcome pt_parse_mpls(struct pt_packet *packet, __u8 *pos, __u8 *end)
{
	PT_UNROLL
	for (int depth = 0; depth < PT_LABEL_DEPTH; depth++) {
		if (pos + PT_LABEL_BYTES > end)
			return PT_OUTCOME_MALFORMED;
		pos += PT_LABEL_BYTES;
		if (pos[-2] & 1)
			return pt_parse_mpls_payload(packet, pos, end);
	}
	return PT_OUTCOME_UNSUPPORTED;
}

PT_INLINE _Bool pt_ethertype_is_vlan(__u16 type)
{
	return type == PT_ETHERTYPE_VLAN || type == PT_ETHERTYPE_QINQ ||
	       type == PT_ETHERTYPE_QINQ_OLD;
}

/*
 * Parses the frame in [data, end). Returns PT_OUTCOME_UNMATCHED, and *packet filled, where the
 * frame holds an IP header whose addresses can be looked up; else the frame's outcome, and *packet
 * is not to be read.
 */
PT_INLINE enum pt_outcome pt_packet_parse(struct pt_packet *packet, __u8 *data, __u8 *end)
{
	__u8 *pos = data + PT_ETHERNET_BYTES;
	__u16 type;

	if (pos > end)
		return PT_OUTCOME_MALFORMED;
	type = pt_load_be16(data + PT_MAC_BYTES);

	PT_UNROLL
	for (int depth = 0; depth < PT_VLAN_DEPTH && pt_ethertype_is_vlan(type); depth++) {
		if (pos + PT_VLAN_BYTES > end)
			return PT_OUTCOME_MALFORMED;
		type = pt_load_be16(pos + 2);
		pos += PT_VLAN_BYTES;
	}

	switch (type) {
	case PT_ETHERTYPE_IPV4:
		return pt_parse_ipv4(packet, pos, end);
	case PT_ETHERTYPE_IPV6:
		return pt_parse_ipv6(packet, pos, end);
	case PT_ETHERTYPE_PPPOE_SESSION:
		return pt_parse_pppoe(packet, pos, end);
	case PT_ETHERTYPE_MPLS:
	case PT_ETHERTYPE_MPLS_MULTICAST:
		return pt_parse_mpls(packet, pos, end);
	case PT_ETHERTYPE_VLAN:
	case PT_ETHERTYPE_QINQ:
	case PT_ETHERTYPE_QINQ_OLD:
		return PT_OUTCOME_UNSUPPORTED;
	default:
		return PT_OUTCOME_NOT_IP;
	}
}

#endif
