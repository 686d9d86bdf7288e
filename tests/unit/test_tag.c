/* SPDX-License-Identifier: BSD-3-Clause */
/* The tag writer as user space compiles it, in buffers that end where the header ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/tag.h>

#include "oracle.h"
#include "random_packet.h"

/* An IP header of `bytes` bytes, tagged both ways, must come out the same. */
static void compare_dscp(const uint8_t *header, size_t bytes, int family, unsigned int dscp)
{
	struct oracle_verdict verdict = {.family = family};
	struct pt_packet packet = {.family = family};
	uint8_t *ours = malloc(bytes);
	uint8_t theirs[64];

	memcpy(ours, header, bytes);
	memcpy(theirs, header, bytes);
	packet.ip = ours;
	pt_tag_dscp(&packet, dscp);
	oracle_write_dscp(theirs, &verdict, dscp);
	assert_memory_equal(ours, theirs, bytes);
	free(ours);
}

static void tag_dscp_keeps_a_known_header_right(void **state)
{
	/* 198.18.0.1 to 192.0.2.1, ECN 1, checksum worked out by hand; DSCP 10 makes 0x01 to 0x29.
	 */
	uint8_t header[20] = "\x45\x01\x00\x32\x12\x34\x00\x00\x40\x11\x00\x00\xc6\x12\x00\x01"
			     "\xc0\x00\x02\x01";
	struct pt_packet packet = {.ip = header, .family = 4};

	(void)state;
	assert_int_equal(ipv4_checksum_error(header), 0x1f8e);
	header[10] = 0xe0;
	header[11] = 0x71;
	assert_int_equal(ipv4_checksum_error(header), 0);
	pt_tag_dscp(&packet, 10);
	assert_int_equal(header[1], 0x29);
	assert_int_equal(header[10] << 8 | header[11], 0xe049);
	assert_int_equal(ipv4_checksum_error(header), 0);
}

static void tag_dscp_agrees_with_the_oracle_on_every_class_and_dscp(void **state)
{
	struct random random;
	uint8_t header[40];

	(void)state;
	random_init(&random);
	for (unsigned int class = 0; class < 256; class ++) {
		for (unsigned int dscp = 0; dscp < 64; dscp++) {
			random_fill(&random, header, sizeof(header));
			header[0] = 0x45;
			header[1] = class;
			compare_dscp(header, 20, 4, dscp);
			header[0] = 0x60 | class >> 4;
			header[1] = (header[1] & 15) | class << 4;
			compare_dscp(header, 40, 6, dscp);
		}
	}
}

static void tag_dscp_agrees_with_the_oracle_on_every_checksum(void **state)
{
	uint8_t header[20] = "\x45\x00\x00\x32\x12\x34\x00\x00\x40\x11\x00\x00\xc6\x12\x00\x01"
			     "\xc0\x00\x02\x01";

	(void)state;
	for (unsigned int checksum = 0; checksum < 65536; checksum++) {
		header[10] = checksum >> 8;
		header[11] = checksum;
		header[1] = checksum % 251;
		compare_dscp(header, 20, 4, checksum % 64);
	}
}

static void tag_dscp_leaves_a_wrong_checksum_as_wrong_as_it_was(void **state)
{
	struct random random;
	uint8_t header[20];

	(void)state;
	random_init(&random);
	for (int i = 0; i < 100000; i++) {
		struct pt_packet packet = {.ip = header, .family = 4};
		unsigned int error;

		random_fill(&random, header, sizeof(header));
		header[0] = 0x45;
		error = ipv4_checksum_error(header);
		pt_tag_dscp(&packet, random_below(&random, 64));
		assert_int_equal(ipv4_checksum_error(header), error);
	}
}

static void tag_dscp_of_ipv6_touches_the_traffic_class_alone(void **state)
{
	uint8_t header[40] = "\x6f\xff\xff\xff\x12\x34";
	struct pt_packet packet = {.ip = header, .family = 6};

	(void)state;
	pt_tag_dscp(&packet, 0);
	assert_memory_equal(header, "\x60\x3f\xff\xff\x12\x34", 6);
	pt_tag_dscp(&packet, 46);
	assert_memory_equal(header, "\x6b\xbf\xff\xff\x12\x34", 6);
}

static void tag_vlan_is_pushed_behind_the_addresses(void **state)
{
	uint8_t bare[60], theirs[64];
	uint8_t *ours = malloc(18);

	(void)state;
	for (size_t i = 0; i < sizeof(bare); i++)
		bare[i] = i;
	oracle_push_vlan(bare, sizeof(bare), 4094, theirs);
	memcpy(ours + PT_VLAN_BYTES, bare, 14);
	pt_tag_vlan(ours, 4094);
	assert_memory_equal(ours, theirs, 18);
	assert_memory_equal(ours + 12, "\x81\x00\x0f\xfe\x0c\x0d", 6);
	free(ours);
}

static void tag_mark_changes_the_masked_bits_alone(void **state)
{
	(void)state;
	assert_int_equal(pt_tag_mark(0, 0x1001, 0xffffffff), 0x1001);
	assert_int_equal(pt_tag_mark(0xdeadbeef, 0x1001, 0xffffffff), 0x1001);
	assert_int_equal(pt_tag_mark(0xdeadbeef, 0x12345678, 0x0000ffff), 0xdead5678);
	assert_int_equal(pt_tag_mark(0xdeadbeef, 0x12345678, 0), 0xdeadbeef);
}

static void tag_class_is_the_source_if_it_matched(void **state)
{
	const struct pt_class source = {.mark = 1}, destination = {.mark = 2};

	(void)state;
	assert_ptr_equal(pt_tag_class(&source, &destination), &source);
	assert_ptr_equal(pt_tag_class(&source, NULL), &source);
	assert_ptr_equal(pt_tag_class(NULL, &destination), &destination);
	assert_null(pt_tag_class(NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tag_dscp_keeps_a_known_header_right),
		cmocka_unit_test(tag_dscp_agrees_with_the_oracle_on_every_class_and_dscp),
		cmocka_unit_test(tag_dscp_agrees_with_the_oracle_on_every_checksum),
		cmocka_unit_test(tag_dscp_leaves_a_wrong_checksum_as_wrong_as_it_was),
		cmocka_unit_test(tag_dscp_of_ipv6_touches_the_traffic_class_alone),
		cmocka_unit_test(tag_vlan_is_pushed_behind_the_addresses),
		cmocka_unit_test(tag_mark_changes_the_masked_bits_alone),
		cmocka_unit_test(tag_class_is_the_source_if_it_matched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
