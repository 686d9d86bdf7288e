/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What round-trip times need of a TCP segment, from its IP header on: ports, numbers, timestamps.
 *
 * Only of first fragments, and behind at most PT_EXTENSIONS_MAX IPv6 extension headers that may
 * come before TCP. Reads, like the packet parser, and never past the end; where the headers are not
 * all there, but for options, there is no segment.
 *
 * Sources: RFC 9293 (TCP), RFC 7323 (timestamps), RFC 8200 and RFC 4302 (extension headers).
 */
#ifndef PEERTAG_TCP_H
#define PEERTAG_TCP_H

#include <peertag/bytes.h>
#include <peertag/packet.h>
#include <peertag/types.h>

enum {
	PT_TCP_BYTES = 20, /* without options */
	PT_TCP_PROTOCOL = 6,
	PT_TCP_OPTIONS_MAX = 16,  /* looked at, the timestamps among them */
	PT_TCP_OPTIONS_MASK = 63, /* of a position in them: there are 40 bytes at most */
	PT_TCP_TIMESTAMPS_BYTES = 10,
	PT_EXTENSIONS_MAX = 8,
	PT_TCP_OFFSET_MASK = 0x7fff, /* of where it begins: eight extensions have 16 KiB at most */
};

enum pt_tcp_flag {
	PT_TCP_FIN = 0x01,
	PT_TCP_SYN = 0x02,
	PT_TCP_RST = 0x04,
	PT_TCP_ACK = 0x10,
};

enum pt_tcp_option {
	PT_TCP_OPTION_END = 0,
	PT_TCP_OPTION_NOP = 1,
	PT_TCP_OPTION_TIMESTAMPS = 8,
};

enum pt_extension {
	PT_EXTENSION_HOP_BY_HOP = 0,
	PT_EXTENSION_ROUTING = 43,
	PT_EXTENSION_FRAGMENT = 44,
	PT_EXTENSION_AH = 51,
	PT_EXTENSION_DESTINATION = 60,
};

/* In host byte order. */
struct pt_tcp {
	__u16 source_port;
	__u16 destination_port;
	__u32 seq;
	__u32 ack;
	__u32 tsval; /* where has_timestamps */
	__u32 tsecr;
	__u8 flags;
	_Bool has_timestamps;
	_Bool is_acknowledged; /* it has data, SYN or FIN: the peer answers it at once */
};

PT_INLINE __u32 pt_load_net32(const __u8 *from)
{
	return __builtin_bswap32(pt_load_u32(from));
}

PT_INLINE void pt_tcp_take_timestamps(struct pt_tcp *tcp, const __u8 *option)
{
	tcp->has_timestamps = 1;
	tcp->tsval = pt_load_net32(option + 2);
	tcp->tsecr = pt_load_net32(option + 6);
}

/*
 * `offset`, but BPF's verifier knows no more of it than that it is in `mask`: else it would follow
 * each of the many orders of options and headers. `unknown` is any number that came in the packet.
 */
PT_INLINE __u32 pt_tcp_forget(__u32 offset, __u32 unknown, __u32 mask)
{
	offset ^= unknown;
	PT_OPAQUE(offset);
	return (offset ^ unknown) & mask;
}

/* Bytes of the option, of which two can be read; 0: there is none, or it is malformed. */
PT_INLINE __u32 pt_tcp_option_bytes(const __u8 *option)
{
	if (option[0] == PT_TCP_OPTION_NOP)
		return 1;
	return option[0] == PT_TCP_OPTION_END || option[1] < 2 ? 0 : option[1];
}

/* Any order of options. */
PT_INLINE void pt_tcp_search_timestamps(struct pt_tcp *tcp, const __u8 *options, __u32 bytes,
					const __u8 *end)
{
	__u32 pos = 0, step;

	for (int i = 0; i < PT_TCP_OPTIONS_MAX; i++) {
		const __u8 *option = options + pos;

		if (pos + 2 > bytes || option + 2 > end)
			return;
		step = pt_tcp_option_bytes(option);
		if (step == 0 || pos + step > bytes)
			return;
		if (option[0] == PT_TCP_OPTION_TIMESTAMPS) {
			if (step == PT_TCP_TIMESTAMPS_BYTES &&
			    option + PT_TCP_TIMESTAMPS_BYTES <= end)
				pt_tcp_take_timestamps(tcp, option);
			return;
		}
		pos = pt_tcp_forget(pos + step, tcp->seq, PT_TCP_OPTIONS_MASK);
	}
}

/* Two of no operation and then the timestamps: what every stack sends but in a SYN. */
PT_INLINE void pt_tcp_find_timestamps(struct pt_tcp *tcp, const __u8 *options, __u32 bytes,
				      const __u8 *end)
{
	const __u32 usual = PT_TCP_OPTION_NOP | PT_TCP_OPTION_NOP << 8 |
			    PT_TCP_OPTION_TIMESTAMPS << 16 | PT_TCP_TIMESTAMPS_BYTES << 24;

	if (bytes < 2 + PT_TCP_TIMESTAMPS_BYTES)
		return;
	if (options + 2 + PT_TCP_TIMESTAMPS_BYTES <= end && pt_load_u32(options) == usual)
		pt_tcp_take_timestamps(tcp, options + 2);
	else
		pt_tcp_search_timestamps(tcp, options, bytes, end);
}

/*
 * bytes: of the segment with its header, by the IP header; 0: not told, as behind offloads. What is
 * behind them is not TCP's: the frame's padding. Options that are cut off are as if not there. The
 * first 16 bytes of the header are read as two words, low byte first: that is the cheapest.
 */
PT_INLINE _Bool pt_tcp_read(struct pt_tcp *tcp, const __u8 *pos, __u32 bytes, const __u8 *end)
{
	__u32 header_bytes;
	__u64 first, second;

	if (pos + PT_TCP_BYTES > end)
		return 0;
	first = pt_load_u64(pos);
	second = pt_load_u64(pos + 8);
	header_bytes = second >> 34 & 0x3c;
	if (header_bytes < PT_TCP_BYTES || (bytes && bytes < header_bytes))
		return 0;
	tcp->source_port = __builtin_bswap16(first);
	tcp->destination_port = __builtin_bswap16(first >> 16);
	tcp->seq = __builtin_bswap32(first >> 32);
	tcp->ack = __builtin_bswap32(second);
	tcp->flags = second >> 40;
	tcp->is_acknowledged =
		tcp->flags & (PT_TCP_SYN | PT_TCP_FIN) || !bytes || bytes > header_bytes;
	tcp->has_timestamps = 0;
	tcp->tsval = tcp->tsecr = 0;
	pt_tcp_find_timestamps(tcp, pos + PT_TCP_BYTES, header_bytes - PT_TCP_BYTES, end);
	return 1;
}

/* Where TCP is behind an IPv4 header, or 0. */
PT_INLINE __u32 pt_tcp_offset_ipv4(const __u8 *ip)
{
	_Bool is_later_fragment = pt_load_be16(ip + 6) & 0x1fff;

	return ip[9] != PT_TCP_PROTOCOL || is_later_fragment ? 0 : (ip[0] & 0x0f) * 4;
}

/*
 * Bytes of the extension header at `pos`, of which eight can be read, or 0: TCP is not behind it,
 * or not behind this one.
 */
PT_INLINE __u32 pt_extension_bytes(__u8 kind, const __u8 *pos)
{
	switch (kind) {
	case PT_EXTENSION_HOP_BY_HOP:
	case PT_EXTENSION_ROUTING:
	case PT_EXTENSION_DESTINATION:
		return (pos[1] + 1) * 8;
	case PT_EXTENSION_AH:
		return (pos[1] + 2) * 4;
	case PT_EXTENSION_FRAGMENT:
		return pt_load_be16(pos + 2) & 0xfff8 ? 0 : 8;
	default:
		return 0;
	}
}

/* Where TCP is behind an IPv6 header, or 0. */
PT_INLINE __u32 pt_tcp_offset_ipv6(const __u8 *ip, const __u8 *end)
{
	__u32 offset = PT_IPV6_BYTES, unknown = pt_load_u32(ip + 8), bytes;
	__u8 kind = ip[6];

	for (int i = 0; i < PT_EXTENSIONS_MAX && kind != PT_TCP_PROTOCOL; i++) {
		const __u8 *pos = ip + offset;

		if (pos + 8 > end)
			return 0;
		bytes = pt_extension_bytes(kind, pos);
		if (!bytes)
			return 0;
		kind = pos[0];
		offset = pt_tcp_forget(offset + bytes, unknown, PT_TCP_OFFSET_MASK);
	}
	return kind == PT_TCP_PROTOCOL ? offset : 0;
}

/*
 * Reads the TCP header of a parsed packet whose bytes end at `end`. Returns whether there is one;
 * *tcp is whole then, and else not to be read.
 */
PT_INLINE _Bool pt_tcp_parse(struct pt_tcp *tcp, const struct pt_packet *packet, const __u8 *end)
{
	const __u8 *ip = packet->ip;
	__u32 offset, bytes, unknown = pt_load_u32(ip + 12);

	if (packet->family == 4) {
		offset = pt_tcp_offset_ipv4(ip);
		bytes = pt_load_be16(ip + 2);
	} else {
		offset = pt_tcp_offset_ipv6(ip, end);
		bytes = pt_load_be16(ip + 4);
		bytes += bytes ? PT_IPV6_BYTES : 0;
	}
	offset = pt_tcp_forget(offset, unknown, PT_TCP_OFFSET_MASK);
	if (!offset || (bytes && bytes < offset + PT_TCP_BYTES))
		return 0;
	return pt_tcp_read(tcp, ip + offset, bytes ? bytes - offset : 0, end);
}

#endif
