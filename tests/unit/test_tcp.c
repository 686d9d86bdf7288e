/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is read of TCP, behind the packet parser and in buffers that end where the frame ends: by
 * tables of segments, each cut at every byte, and by random ones against the oracle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/packet.h>
#include <peertag/tcp.h>

#include "oracle_tcp.h"
#include "segments.h"

#define RANDOM_SEGMENTS 200000
/* As an engine does it, on a copy that ends where the frame ends. */
static bool parse(const uint8_t *frame, size_t size, struct pt_tcp *ret_tcp)
{
	uint8_t *exact = malloc(size);
	struct pt_packet packet;
	bool found;

	if (size)
		memcpy(exact, frame, size);
	found = pt_packet_parse(&packet, exact, exact + size) == PT_OUTCOME_UNMATCHED &&
		pt_tcp_parse(ret_tcp, &packet, exact + size);
	assert_true(!size || !memcmp(exact, frame, size));
	free(exact);
	return found;
}

static bool same(const struct pt_tcp *ours, const struct oracle_tcp *theirs)
{
	return ours->source_port == theirs->source_port &&
	       ours->destination_port == theirs->destination_port && ours->seq == theirs->seq &&
	       ours->ack == theirs->ack && ours->flags == theirs->flags &&
	       ours->is_acknowledged == theirs->occupies &&
	       ours->has_timestamps == theirs->has_timestamps && ours->tsval == theirs->tsval &&
	       ours->tsecr == theirs->tsecr;
}

/* Returns whether there is a segment. */
static bool agree(const char *name, const uint8_t *frame, size_t size)
{
	static struct oracle_table *empty;
	struct oracle_verdict verdict;
	struct oracle_tcp theirs;
	struct pt_tcp ours;
	bool found = parse(frame, size, &ours);

	if (!empty)
		empty = oracle_table_new();
	oracle_classify(empty, frame, size, &verdict);
	if (found == oracle_tcp_read(frame, size, &verdict, &theirs) &&
	    (!found || same(&ours, &theirs)))
		return found;
	for (size_t i = 0; i < size && i < 200; i++)
		print_error("%02x", frame[i]);
	fail_msg(": %s, %zu bytes: the oracle does not agree", name, size);
	return false;
}

/* Cut at every byte; at most one size below the whole begins to have a segment. */
static void agree_at_every_size(const char *name, const struct draft *draft)
{
	bool before = false;

	for (size_t size = 0; size <= draft->size; size++) {
		bool found = agree(name, draft->bytes, size);

		if (before && !found)
			fail_msg("%s: the segment goes away at %zu bytes", name, size);
		before = found;
	}
}

static const struct {
	const char *name, *options;
	size_t bytes;
	bool has_timestamps;
} option_cases[] = {
	{"none", BYTES(""), false},
	{"as usual", BYTES(NOP NOP TIMESTAMPS), true},
	{"Linux, SYN", BYTES(MSS SACK_OK TIMESTAMPS NOP SCALE), true},
	{"macOS, SYN", BYTES(MSS NOP SCALE NOP NOP TIMESTAMPS SACK_OK END END), true},
	{"Windows, SYN, timestamps on", BYTES(MSS NOP SCALE SACK_OK TIMESTAMPS), true},
	{"Windows, SYN", BYTES(MSS NOP SCALE NOP NOP SACK_OK), false},
	{"FreeBSD, SYN", BYTES(MSS NOP SCALE SACK_OK TIMESTAMPS), true},
	{"OpenBSD, SYN", BYTES(MSS NOP NOP SACK_OK NOP SCALE NOP NOP TIMESTAMPS), true},
	{"without padding", BYTES(TIMESTAMPS), true},
	{"one of no operation", BYTES(NOP TIMESTAMPS NOP), true},
	{"SACK behind", BYTES(NOP NOP TIMESTAMPS NOP NOP "\x05\x0a" SACK_BLOCK), true},
	{"SACK in front", BYTES(NOP NOP "\x05\x0a" SACK_BLOCK NOP NOP TIMESTAMPS), true},
	{"three SACK blocks behind",
	 BYTES(NOP NOP TIMESTAMPS NOP NOP "\x05\x1a" SACK_BLOCK SACK_BLOCK SACK_BLOCK), true},
	{"three SACK blocks in front",
	 BYTES(NOP NOP "\x05\x1a" SACK_BLOCK SACK_BLOCK SACK_BLOCK NOP NOP TIMESTAMPS), true},
	{"MPTCP in front", BYTES("\x1e\x0c\x00\x81" SACK_BLOCK TIMESTAMPS), true},
	{"a TCP MD5 signature in front", BYTES("\x13\x12" SACK_BLOCK SACK_BLOCK NOP NOP TIMESTAMPS),
	 true},
	{"unknown options in front", BYTES("\xfd\x03\x08\xfe\x05\x08\x0a\x01" TIMESTAMPS), true},
	{"an empty option in front", BYTES("\xfd\x02" TIMESTAMPS), true},
	{"two times, the first counts",
	 BYTES(TIMESTAMPS "\x08\x0a\x99\x99\x99\x99\x99\x99\x99\x99"), true},
	{"15 options in front", BYTES("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" TIMESTAMPS), true},
	{"16 options in front", BYTES("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" TIMESTAMPS), false},
	{"30 options in front", BYTES(NOP_4 NOP_4 NOP_4 NOP_4 NOP_4 NOP_4 NOP_4 NOP NOP TIMESTAMPS),
	 false},
	{"behind the end of options", BYTES(END NOP TIMESTAMPS), false},
	{"a length of 0 in front", BYTES("\xfd\x00" TIMESTAMPS), false},
	{"a length of 1 in front", BYTES("\xfd\x01" TIMESTAMPS), false},
	{"a length beyond the header", BYTES("\xfd\x28\x00\x00" NOP NOP TIMESTAMPS), false},
	{"a length of 255", BYTES("\xfd\xff\x00\x00" NOP NOP TIMESTAMPS), false},
	{"timestamps of 9 bytes", BYTES("\x08\x09\x0a\x0b\x0c\x0d\xf1\xf2\xf3\xf4"), false},
	{"timestamps of 11 bytes", BYTES("\x08\x0b\x0a\x0b\x0c\x0d\xf1\xf2\xf3\xf4\x00"), false},
	{"as usual, of 12 bytes", BYTES(NOP NOP "\x08\x0c\x0a\x0b\x0c\x0d\xf1\xf2\xf3\xf4"), false},
	{"as usual but of 0 bytes", BYTES(NOP NOP "\x08\x00\x0a\x0b\x0c\x0d\xf1\xf2\xf3\xf4"),
	 false},
	{"only the kind", BYTES(NOP NOP NOP "\x08"), false},
};

static void options_are_read_in_any_order(void **state)
{
	static struct draft draft;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(option_cases) / sizeof(option_cases[0]); i++) {
		const char *name = option_cases[i / 2].name;
		struct pt_tcp tcp;

		if (i % 2)
			draft_begin_ipv6(&draft, 6);
		else
			draft_begin_ipv4(&draft);
		draft_put_tcp(&draft, 0x12, option_cases[i / 2].options, option_cases[i / 2].bytes);
		draft_put(&draft, BYTES("payload that is none"));
		draft_close(&draft);
		agree_at_every_size(name, &draft);
		if (!parse(draft.bytes, draft.size, &tcp) ||
		    tcp.has_timestamps != option_cases[i / 2].has_timestamps)
			fail_msg("%s: %s timestamps", name, tcp.has_timestamps ? "has" : "lacks");
		assert_int_equal(tcp.tsval, tcp.has_timestamps ? TSVAL : 0);
		assert_int_equal(tcp.tsecr, tcp.has_timestamps ? TSECR : 0);
		assert_int_equal(tcp.source_port, 0x1234);
		assert_int_equal(tcp.destination_port, 0x5678);
		assert_int_equal(tcp.seq, 0x9abcdef0);
		assert_int_equal(tcp.ack, 0x0fedcba9);
		assert_int_equal(tcp.flags, 0x12);
	}
}

/* A header that says it is shorter than the options that are there. */
static void options_end_where_the_header_ends(void **state)
{
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	for (unsigned int words = 0; words < 16; words++) {
		draft_begin_ipv4(&draft);
		draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
		draft_put(&draft, BYTES(NOP_40));
		draft.bytes[34 + 12] = words << 4;
		draft_close(&draft);
		agree_at_every_size("words", &draft);
		assert_int_equal(parse(draft.bytes, draft.size, &tcp), words >= 5);
		if (words >= 5)
			assert_int_equal(tcp.has_timestamps, words >= 8);
	}
}

/* By the IP header's length: 0 is not told, and data may be there. */
static void a_segment_is_what_the_ip_header_says(void **state)
{
	static const struct {
		const char *name;
		size_t total; /* of the IPv4 packet */
		uint8_t flags;
		bool found, is_acknowledged;
	} cases[] = {
		{"a pure acknowledgement", 20 + 32, 0x10, true, false},
		{"a byte of data", 20 + 33, 0x18, true, true},
		{"SYN", 20 + 32, 0x02, true, true},
		{"FIN", 20 + 32, 0x11, true, true},
		{"RST", 20 + 32, 0x04, true, false},
		{"not told", 0, 0x10, true, true},
		{"more than is there", 1500, 0x10, true, true},
		{"without the last option byte", 20 + 31, 0x10, false, false},
		{"without options", 20 + 20, 0x10, false, false},
		{"19 bytes", 20 + 19, 0x10, false, false},
		{"no byte", 20, 0x10, false, false},
	};
	static struct draft draft;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t total = cases[i / 2].total;
		struct pt_tcp tcp;
		bool found;

		if (i % 2)
			draft_begin_ipv6(&draft, 6);
		else
			draft_begin_ipv4(&draft);
		draft_put_tcp(&draft, cases[i / 2].flags, BYTES(NOP NOP TIMESTAMPS));
		draft_put(&draft, BYTES("padding of the frame"));
		draft_put_word(&draft, i % 2 ? 18 : 16, total && i % 2 ? total - 20 : total);
		/* In IPv6 a payload of 0 bytes is how "not told" looks. */
		if (i % 2 && total == 20)
			continue;
		agree_at_every_size(cases[i / 2].name, &draft);
		found = parse(draft.bytes, draft.size, &tcp);
		if (found != cases[i / 2].found)
			fail_msg("%s: found %d", cases[i / 2].name, found);
		if (found && tcp.is_acknowledged != cases[i / 2].is_acknowledged)
			fail_msg("%s: acknowledged %d", cases[i / 2].name, tcp.is_acknowledged);
	}
}

static void ipv4_headers_of_any_length_lead_to_tcp(void **state)
{
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	for (unsigned int words = 5; words < 16; words++) {
		draft_begin_ipv4(&draft);
		draft.bytes[14] = 0x40 | words;
		draft_put(&draft, BYTES(NOP_40));
		draft.size -= 40 - (words - 5) * 4;
		draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
		draft_close(&draft);
		agree_at_every_size("header", &draft);
		assert_true(parse(draft.bytes, draft.size, &tcp));
		assert_int_equal(tcp.seq, 0x9abcdef0);
		assert_int_equal(tcp.tsval, TSVAL);
	}
}

static void only_first_fragments_of_tcp_are_read(void **state)
{
	static const struct {
		const char *name;
		unsigned int fragment;
		uint8_t protocol;
		bool found;
	} cases[] = {
		{"whole", 0x0000, 6, true},	   {"whole, not to be cut", 0x4000, 6, true},
		{"first", 0x2000, 6, true},	   {"second", 0x2001, 6, false},
		{"last", 0x0001, 6, false},	   {"far", 0x1000, 6, false},
		{"evil bit", 0x8000, 6, true},	   {"UDP", 0x0000, 17, false},
		{"SCTP", 0x0000, 132, false},	   {"TCP in IPv4", 0x0000, 4, false},
		{"AH in IPv4", 0x0000, 51, false},
	};
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		draft_begin_ipv4(&draft);
		draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
		draft_put(&draft, BYTES("data"));
		draft_put_word(&draft, 14 + 6, cases[i].fragment);
		draft.bytes[14 + 9] = cases[i].protocol;
		draft_close(&draft);
		agree_at_every_size(cases[i].name, &draft);
		if (parse(draft.bytes, draft.size, &tcp) != cases[i].found)
			fail_msg("%s: found %d", cases[i].name, !cases[i].found);
	}
}

static void tcp_is_found_behind_at_most_eight_extension_headers(void **state)
{
	static const struct {
		const char *name, *kinds;
		uint8_t last;
		bool found;
	} cases[] = {
		{"none", "", 6, true},
		{"hop by hop", "h", 6, true},
		{"routing", "\x2b", 6, true},
		{"fragment", "\x2c", 6, true},
		{"authentication", "\x33", 6, true},
		{"destination", "\x3c", 6, true},
		{"all", "h\x3c\x2b\x2c\x33\x3c", 6, true},
		{"8", "\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c", 6, true},
		{"8 of all kinds", "h\x3c\x2b\x2c\x33\x3c\x33\x2b", 6, true},
		{"9", "\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c", 6, false},
		{"encryption", "h", 50, false},
		{"nothing follows", "h\x3c", 59, false},
		{"mobility", "", 135, false},
		{"shim6", "\x3c", 140, false},
		{"UDP", "h\x3c", 17, false},
	};
	static const size_t sizes[] = {8, 16, 24, 1024};
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t bytes = sizes[i % 4];

		draft_begin_ipv6(&draft, 6);
		draft_put_chain(&draft, cases[i / 4].kinds, bytes, cases[i / 4].last);
		draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
		draft_put(&draft, "d", 1);
		draft_close(&draft);
		if (bytes < 1024)
			agree_at_every_size(cases[i / 4].name, &draft);
		agree(cases[i / 4].name, draft.bytes, draft.size);
		if (parse(draft.bytes, draft.size, &tcp) != cases[i / 4].found)
			fail_msg("%s: found %d", cases[i / 4].name, !cases[i / 4].found);
		if (cases[i / 4].found)
			assert_int_equal(tcp.tsecr, TSECR);
	}
}

static void extension_headers_of_the_greatest_length_are_passed(void **state)
{
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	draft_begin_ipv6(&draft, 6);
	draft_put_chain(&draft, "\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c", 2048, 6);
	draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
	draft_close(&draft);
	assert_true(agree("longest", draft.bytes, draft.size));
	assert_true(parse(draft.bytes, draft.size, &tcp));
	assert_int_equal(tcp.tsval, TSVAL);
	for (size_t size = draft.size - 40; size < draft.size; size++)
		agree("longest, cut", draft.bytes, size);
}

static void only_the_first_fragment_leads_on(void **state)
{
	static struct draft draft;
	struct pt_tcp tcp;

	(void)state;
	for (unsigned int bit = 0; bit < 16; bit++) {
		draft_begin_ipv6(&draft, 6);
		draft_put_chain(&draft, "\x2c", 8, 6);
		draft_put_word(&draft, 14 + 40 + 2, 1u << bit);
		draft_put_tcp(&draft, 0x10, BYTES(NOP NOP TIMESTAMPS));
		draft_close(&draft);
		agree_at_every_size("fragment", &draft);
		assert_int_equal(parse(draft.bytes, draft.size, &tcp), bit < 3);
	}
}

static void random_segments_are_read_as_the_oracle_reads_them(void **state)
{
	static struct draft draft;
	struct random random;
	size_t found = 0;

	(void)state;
	random_init(&random);
	for (int i = 0; i < RANDOM_SEGMENTS; i++) {
		draft_random(&random, &draft);
		found += agree("random", draft.bytes, draft.size);
	}
	assert_in_range(found, RANDOM_SEGMENTS / 3, RANDOM_SEGMENTS * 95 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_in_any_order),
		cmocka_unit_test(options_end_where_the_header_ends),
		cmocka_unit_test(a_segment_is_what_the_ip_header_says),
		cmocka_unit_test(ipv4_headers_of_any_length_lead_to_tcp),
		cmocka_unit_test(only_first_fragments_of_tcp_are_read),
		cmocka_unit_test(tcp_is_found_behind_at_most_eight_extension_headers),
		cmocka_unit_test(extension_headers_of_the_greatest_length_are_passed),
		cmocka_unit_test(only_the_first_fragment_leads_on),
		cmocka_unit_test(random_segments_are_read_as_the_oracle_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
