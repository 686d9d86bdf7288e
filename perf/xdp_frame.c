/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_frame.h"

#include <peertag/packet.h>

#include "xdp_setup.h"

#define UDP 17

static void frame_ipv4(__u8 *ip)
{
	ip[0] = 0x45;
	pt_store_be16(ip + 2, PACKET_BYTES4 - PT_ETHERNET_BYTES);
	ip[8] = 64;
	ip[9] = UDP;
	pt_store_be16(ip + PT_IPV4_BYTES + 4, PACKET_BYTES4 - PT_ETHERNET_BYTES - PT_IPV4_BYTES);
}

static void frame_ipv6(__u8 *ip)
{
	__u16 payload = PACKET_BYTES6 - PT_ETHERNET_BYTES - PT_IPV6_BYTES;

	ip[0] = 0x60;
	pt_store_be16(ip + 4, payload);
	ip[6] = UDP;
	ip[7] = 64;
	pt_store_be16(ip + PT_IPV6_BYTES + 4, payload);
}

void frame_make(struct frame_bytes *frame, enum pt_family family)
{
	__u8 *ip = frame->bytes + PT_ETHERNET_BYTES;

	*frame = (struct frame_bytes){.size = family == PT_IPV4 ? PACKET_BYTES4 : PACKET_BYTES6};
	frame->bytes[0] = frame->bytes[6] = 2; /* locally administered */
	frame->bytes[5] = 1;
	frame->bytes[11] = 2;
	pt_store_be16(frame->bytes + PT_MAC_BYTES,
		      family == PT_IPV4 ? PT_ETHERTYPE_IPV4 : PT_ETHERTYPE_IPV6);
	if (family == PT_IPV4)
		frame_ipv4(ip);
	else
		frame_ipv6(ip);
}

void frame_stream_put(int map, const struct stream *stream)
{
	struct packet_addrs *addrs = bench_map(map, sizeof(*addrs));
	__u32 count = stream->family == PT_IPV4 ? PACKET_STREAM_MAX * 2 : PACKET_STREAM_MAX;

	for (__u32 i = 0; i < count; i++)
		stream_bytes(stream, i % stream->count,
			     stream->family == PT_IPV4 ? (void *)&addrs->ipv4[i / 2][i % 2]
						       : (void *)&addrs->ipv6[i / 2][i % 2 * 4]);
	bench_unmap(addrs, sizeof(*addrs));
}
