/* SPDX-License-Identifier: BSD-3-Clause */
#include "oracle_tcp.h"

#include <string.h>

#define TCP	   6
#define EXTENSIONS 8
#define OPTIONS	   16

/* A frame and how far in it the packet goes: by the IP header, which may say more than is there. */
struct view {
	const uint8_t *bytes;
	size_t size;
	bool is_told;
	size_t packet_end; /* where is_told */
};

static unsigned int word(const uint8_t *from)
{
	return from[0] * 256u + from[1];
}

static uint32_t long_word(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | from[1] << 16 | from[2] << 8 | from[3];
}

/* Returns where TCP begins in the frame, or 0. */
static size_t behind_ipv4(struct view *view, size_t ip)
{
	const uint8_t *header = view->bytes + ip;

	view->is_told = word(header + 2) != 0;
	view->packet_end = ip + word(header + 2);
	if (header[9] != TCP || word(header + 6) % 0x2000 != 0)
		return 0;
	return ip + header[0] % 16 * 4;
}

/* Returns the length of an extension header, or 0 where nothing behind it is to be read. */
static size_t extension_length(unsigned int kind, const uint8_t *header)
{
	if (kind == 0 || kind == 43 || kind == 60)
		return header[1] * 8u + 8;
	if (kind == 51)
		return header[1] * 4u + 8;
	if (kind == 44 && word(header + 2) / 8 == 0)
		return 8;
	return 0;
}

static size_t behind_ipv6(struct view *view, size_t ip)
{
	unsigned int kind = view->bytes[ip + 6], passed = 0;
	size_t at = ip + 40;

	view->is_told = word(view->bytes + ip + 4) != 0;
	view->packet_end = ip + 40 + word(view->bytes + ip + 4);
	while (kind != TCP) {
		size_t length;

		if (passed++ == EXTENSIONS || at + 8 > view->size)
			return 0;
		length = extension_length(kind, view->bytes + at);
		if (length == 0)
			return 0;
		kind = view->bytes[at];
		at += length;
	}
	return at;
}

/* Options from `at`, of which the header has `left` bytes. */
static void read_options(const struct view *view, size_t at, size_t left, struct oracle_tcp *tcp)
{
	for (int i = 0; i < OPTIONS && left >= 2 && at + 2 <= view->size; i++) {
		unsigned int kind = view->bytes[at], length = kind == 1 ? 1 : view->bytes[at + 1];

		if (kind == 0 || length == 0 || length > left || (kind != 1 && length < 2))
			return;
		if (kind == 8) {
			if (length != 10 || at + 10 > view->size)
				return;
			tcp->has_timestamps = true;
			tcp->tsval = long_word(view->bytes + at + 2);
			tcp->tsecr = long_word(view->bytes + at + 6);
			return;
		}
		at += length;
		left -= length;
	}
}

bool oracle_tcp_read(const uint8_t *frame, size_t size, const struct oracle_verdict *verdict,
		     struct oracle_tcp *ret_tcp)
{
	struct view view = {.bytes = frame, .size = size};
	struct oracle_tcp tcp = {.occupies = true};
	size_t at, length;

	if (verdict->family == 0)
		return false;
	at = verdict->family == 4 ? behind_ipv4(&view, verdict->ip_offset)
				  : behind_ipv6(&view, verdict->ip_offset);
	if (at == 0 || at + 20 > size)
		return false;
	length = frame[at + 12] / 16 * 4;
	if (length < 20 || (view.is_told && at + length > view.packet_end))
		return false;
	tcp.source_port = word(frame + at);
	tcp.destination_port = word(frame + at + 2);
	tcp.seq = long_word(frame + at + 4);
	tcp.ack = long_word(frame + at + 8);
	tcp.flags = frame[at + 13];
	if (view.is_told && at + length == view.packet_end && (tcp.flags & 3) == 0)
		tcp.occupies = false;
	read_options(&view, at + 20, length - 20, &tcp);
	*ret_tcp = tcp;
	return true;
}
