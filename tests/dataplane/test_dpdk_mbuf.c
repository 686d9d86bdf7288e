/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that are no plain buffers: every fixture cut into segments at every byte, and with the
 * VLAN tags that a device took off, must be parsed, tagged and restored like the whole frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <peertag/tag.h>

#include "burst.h"
#include "eal.h"
#include "frame.h"
#include "mbuf.h"
#include "packets.h"

#define FRAME_MAX 512
#define CUT_MAX	  160 /* behind all headers of all fixtures */

static struct rte_mempool *pool;

static struct rte_mbuf *make(const void *bytes, size_t size, __u32 first, __u32 next)
{
	struct rte_mbuf *mbuf = frame_new(pool, bytes, size, first, next);

	assert_non_null(mbuf);
	return mbuf;
}

static void assert_bytes(const char *name, const struct rte_mbuf *mbuf, const void *bytes,
			 size_t size)
{
	static __u8 copy[FRAME_MAX];

	if (mbuf->pkt_len != size ||
	    (size && memcmp(rte_pktmbuf_read(mbuf, 0, size, copy), bytes, size)))
		fail_msg("%s: %u bytes in %u segments are not the %zu that they should be", name,
			 mbuf->pkt_len, mbuf->nb_segs, size);
	rte_mbuf_sanity_check(mbuf, 1);
}

static void check_parse(const struct packet_fixture *fixture, __u32 first, __u32 next)
{
	struct rte_mbuf *mbuf = make(fixture->frame, fixture->size, first, next);
	enum pt_outcome outcome, expected;
	struct pt_packet packet = {}, whole = {};
	struct mbuf_window window;
	__u8 frame[FRAME_MAX];

	memcpy(frame, fixture->frame, fixture->size);
	expected = pt_packet_parse(&whole, frame, frame + fixture->size);
	outcome = mbuf_parse(mbuf, &window, &packet);
	if (outcome != expected)
		fail_msg("%s, cut at %u and every %u: %s", fixture->name, first, next,
			 pt_outcome_name(outcome));
	if (outcome == PT_OUTCOME_UNMATCHED) {
		assert_int_equal(packet.family, whole.family);
		pt_tag_dscp(&packet, 46);
		mbuf_store_dscp(mbuf, &window, &packet);
		pt_tag_dscp(&whole, 46);
	}
	assert_bytes(fixture->name, mbuf, frame, fixture->size);
	rte_pktmbuf_free(mbuf);
}

static void headers_are_found_and_written_wherever_the_segments_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < packet_fixture_count; i++)
		for (__u32 first = 0; first < CUT_MAX; first++)
			for (__u32 next = 1; next < 24; next += 5)
				check_parse(&packet_fixtures[i], first, next);
}

static void a_vlan_tag_is_pushed_wherever_the_segments_end(void **state)
{
	__u8 frame[FRAME_MAX];
	struct rte_mbuf *mbuf;

	(void)state;
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];

		if (fixture->size < PT_ETHERNET_BYTES)
			continue;
		memcpy(frame + PT_VLAN_BYTES, fixture->frame, fixture->size);
		pt_tag_vlan(frame, 4094);
		for (__u32 first = 0; first < 32; first++) {
			mbuf = make(fixture->frame, fixture->size, first, 1 + first % 3);
			assert_true(mbuf_push_vlan(mbuf, 4094));
			assert_bytes(fixture->name, mbuf, frame, fixture->size + PT_VLAN_BYTES);
			rte_pktmbuf_free(mbuf);
		}
	}
}

static void without_room_in_front_no_tag_is_pushed_and_the_packet_stays(void **state)
{
	static const __u8 frame[60];
	struct rte_mbuf *mbuf = make(frame, sizeof(frame), FRAME_MAX, FRAME_MAX);

	(void)state;
	for (int i = 0; i < RTE_PKTMBUF_HEADROOM / PT_VLAN_BYTES; i++)
		assert_true(mbuf_push_vlan(mbuf, 1));
	assert_int_equal(rte_pktmbuf_headroom(mbuf), 0);
	assert_false(mbuf_push_vlan(mbuf, 1));
	assert_int_equal(mbuf->pkt_len, sizeof(frame) + RTE_PKTMBUF_HEADROOM);
	rte_pktmbuf_free(mbuf);
}

/* Takes the outermost VLAN tag off, as a device does. */
static void strip(__u8 *frame, size_t *size, __u16 *ret_tci)
{
	*ret_tci = pt_load_be16(frame + PT_MAC_BYTES + 2);
	*size -= PT_VLAN_BYTES;
	memmove(frame + PT_MAC_BYTES, frame + PT_MAC_BYTES + PT_VLAN_BYTES, *size - PT_MAC_BYTES);
}

static void check_stripped(const __u8 *frame, size_t size, __u64 flags, __u32 first)
{
	struct mbuf_window window;
	struct pt_packet packet = {}, whole = {};
	__u8 copy[FRAME_MAX], stripped[FRAME_MAX];
	size_t stripped_size = size;
	struct rte_mbuf *mbuf;
	__u16 outer = 0, tci;

	memcpy(copy, frame, size);
	memcpy(stripped, frame, size);
	if (flags & RTE_MBUF_F_RX_QINQ_STRIPPED)
		strip(stripped, &stripped_size, &outer);
	strip(stripped, &stripped_size, &tci);
	mbuf = make(stripped, stripped_size, first, FRAME_MAX);
	mbuf->vlan_tci = tci;
	mbuf->vlan_tci_outer = outer;
	mbuf->ol_flags |= flags;
	assert_true(mbuf_is_unusual(mbuf));
	assert_int_equal(mbuf_parse(mbuf, &window, &packet),
			 pt_packet_parse(&whole, copy, copy + size));
	assert_false(mbuf->nb_segs == 1 && mbuf_is_unusual(mbuf));
	assert_bytes("stripped", mbuf, frame, size);
	rte_pktmbuf_free(mbuf);
}

static void tags_that_a_device_took_off_are_back_before_the_packet_is_parsed(void **state)
{
	const __u64 one = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	const __u64 two = one | RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	__u8 frame[FRAME_MAX];
	unsigned int checked = 0;

	(void)state;
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];
		bool tagged, twice;

		if (fixture->size < PT_ETHERNET_BYTES + 2 * PT_VLAN_BYTES)
			continue;
		memcpy(frame, fixture->frame, fixture->size);
		tagged = pt_load_be16(frame + 12) == PT_ETHERTYPE_VLAN;
		twice = pt_load_be16(frame + 12) == PT_ETHERTYPE_QINQ &&
			pt_load_be16(frame + 16) == PT_ETHERTYPE_VLAN;
		for (__u32 first = 0; first < 40; first++) {
			if (tagged)
				check_stripped(frame, fixture->size, one, first);
			if (twice)
				check_stripped(frame, fixture->size, two, first);
		}
		checked += tagged + twice;
	}
	assert_true(checked >= 3);
}

/* What an output without segments gets: whole packets where the first segment has the room. */
static void packets_in_segments_are_joined_or_dropped_for_a_plain_output(void **state)
{
	static const __u8 bytes[200];
	struct burst burst = {.count = 3};
	struct rte_mbuf *roomy;

	(void)state;
	/* Segments of frame_new() have no room behind them; this one is given some. */
	roomy = make(bytes, sizeof(bytes), sizeof(bytes), 1);
	assert_int_equal(rte_pktmbuf_trim(roomy, 100), 0);
	assert_int_equal(rte_pktmbuf_chain(roomy, make(bytes, 60, 20, 20)), 0);
	burst.mbufs[0] = make(bytes, 60, 20, 20);
	burst.mbufs[1] = roomy;
	burst.mbufs[2] = make(bytes, 60, 60, 1);
	assert_int_equal(burst_join_segments(&burst), 2);
	assert_ptr_equal(burst.mbufs[0], roomy);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(burst.mbufs[i]->nb_segs, 1);
		assert_int_equal(burst.mbufs[i]->data_len, i == 0 ? 160 : 60);
		rte_pktmbuf_free(burst.mbufs[i]);
	}
}

static int open_eal(void **state)
{
	const struct eal_options options = {.program = "test_dpdk_mbuf",
					    .prefix = "test_dpdk_mbuf",
					    .quiet = true,
					    .offline = true};
	struct message message;

	(void)state;
	if (eal_start(&options, &message))
		fail_msg("%s", message.text);
	pool = rte_pktmbuf_pool_create("packets", 1023, 0, 0, 0, SOCKET_ID_ANY);
	return pool ? 0 : -1;
}

static int close_eal(void **state)
{
	(void)state;
	/* Every segment is back. */
	assert_int_equal(rte_mempool_avail_count(pool), 1023);
	rte_mempool_free(pool);
	eal_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_found_and_written_wherever_the_segments_end),
		cmocka_unit_test(a_vlan_tag_is_pushed_wherever_the_segments_end),
		cmocka_unit_test(without_room_in_front_no_tag_is_pushed_and_the_packet_stays),
		cmocka_unit_test(packets_in_segments_are_joined_or_dropped_for_a_plain_output),
		cmocka_unit_test(tags_that_a_device_took_off_are_back_before_the_packet_is_parsed),
	};

	return cmocka_run_group_tests(tests, open_eal, close_eal);
}
