/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The tag writer: a class descriptor turned into bytes of the packet.
 *
 * DSCP: the differentiated services field of RFC 2474, ECN bits kept, the IPv4 header checksum
 * mended incrementally (RFC 1624, equation 3), so that a wrong checksum stays as wrong as it was.
 * VLAN: one IEEE 802.1Q tag pushed behind the MAC addresses; whoever calls has made the room.
 * Mark: XDP carries it in the metadata in front of the packet, from where the tc program takes it.
 */
#ifndef PEERTAG_TAG_H
#define PEERTAG_TAG_H

#include <peertag/bytes.h>
#include <peertag/packet.h>
#include <peertag/types.h>

#define PT_METADATA_MAGIC 0x70746d31 /* "ptm1": other programs write metadata too */

/* What an XDP program leaves in front of a tagged packet. */
struct pt_metadata {
	__u32 magic;
	__u32 mark;
};
_Static_assert(sizeof(struct pt_metadata) == 8,
	       "XDP metadata is a multiple of 4 bytes, at most 32");

/* The descriptor that tags a packet: the source's class if it matched, else the destination's. */
PT_INLINE const struct pt_class *pt_tag_class(const struct pt_class *source,
					      const struct pt_class *destination)
{
	return source ? source : destination;
}

PT_INLINE __u32 pt_tag_mark(__u32 old, __u32 mark, __u32 mask)
{
	return (old & ~mask) | (mark & mask);
}

/* Bytes from the start of an IP header that a change of the DSCP may touch. */
#define PT_DSCP_SPAN 12

/* In the byte order of the machine: a sum of complements is the same in either (RFC 1071). */
PT_INLINE void pt_tag_dscp_ipv4(__u8 *ip, __u8 dscp)
{
	__u16 old = pt_load_u16(ip);
	__u16 new = (old & 0x03ff) | dscp << 10;
	__u32 sum = (__u16)~pt_load_u16(ip + 10) + (__u16)~old + new;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	pt_store_u16(ip, new);
	pt_store_u16(ip + 10, ~sum);
}

PT_INLINE void pt_tag_dscp_ipv6(__u8 *ip, __u8 dscp)
{
	pt_store_be16(ip, (pt_load_be16(ip) & 0xf03f) | dscp << 6);
}

/* Writes dscp (0 to 63) into the IP header of a parsed packet. */
PT_INLINE void pt_tag_dscp(struct pt_packet *packet, __u8 dscp)
{
	if (packet->family == 4)
		pt_tag_dscp_ipv4(packet->ip, dscp);
	else
		pt_tag_dscp_ipv6(packet->ip, dscp);
}

/*
 * Completes a frame that was lengthened by PT_VLAN_BYTES at its front: the MAC addresses move to
 * the new front and the tag follows. frame: at least PT_ETHERNET_BYTES + PT_VLAN_BYTES writable.
 */
PT_INLINE void pt_tag_vlan(__u8 *frame, __u16 vlan)
{
	__u8 macs[PT_MAC_BYTES];

	__builtin_memcpy(macs, frame + PT_VLAN_BYTES, sizeof(macs));
	__builtin_memcpy(frame, macs, sizeof(macs));
	pt_store_be16(frame + PT_MAC_BYTES, PT_ETHERTYPE_VLAN);
	pt_store_be16(frame + PT_MAC_BYTES + 2, vlan);
}

#endif
