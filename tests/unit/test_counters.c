/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: where a packet is counted, and that a reader's sum is what the writers wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/counters.h>

#define CAPACITY 5
#define LANES	 3

/* Lanes in one buffer that ends where the last lane ends. */
struct book {
	uint8_t *lanes;
	struct pt_counters counters;
};

static int book_init(void **state)
{
	struct book *book = calloc(1, sizeof(*book));

	book->lanes = aligned_alloc(PT_LANE_ALIGN, LANES * pt_lane_bytes(CAPACITY));
	memset(book->lanes, 0, LANES * pt_lane_bytes(CAPACITY));
	book->counters = (struct pt_counters){
		.lanes = book->lanes, .lane_count = LANES, .capacity = CAPACITY};
	*state = book;
	return 0;
}

static int book_done(void **state)
{
	struct book *book = *state;

	free(book->lanes);
	free(book);
	return 0;
}

static struct pt_lane *book_lane(struct book *book, uint32_t lane)
{
	return (struct pt_lane *)pt_counters_lane(&book->counters, lane);
}

static void assert_count(const struct pt_count *count, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(count->packets, packets);
	assert_int_equal(count->bytes, bytes);
}

static void lanes_hold_their_connections_in_whole_cache_lines(void **state)
{
	(void)state;
	for (uint32_t capacity = 0; capacity < 1000; capacity++) {
		uint64_t bytes = pt_lane_bytes(capacity);

		assert_int_equal(bytes % PT_LANE_ALIGN, 0);
		assert_in_range(bytes, sizeof(struct pt_lane) + capacity * 32,
				sizeof(struct pt_lane) + capacity * 32 + PT_LANE_ALIGN - 1);
	}
	/* No 32-bit product on the way: 2^28 connections are 8 GiB. */
	assert_true(pt_lane_bytes(1u << 28) > 8ull << 30);
}

static void a_packet_counts_receive_of_its_source_and_transmit_of_its_destination(void **state)
{
	struct book *book = *state;
	struct pt_lane *lane = book_lane(book, 1);
	const __u32 source = 0, destination = CAPACITY - 1;

	assert_int_equal(pt_count_classes(lane, CAPACITY, source, destination, 1, 100),
			 PT_OUTCOME_MATCHED);
	assert_int_equal(pt_count_classes(lane, CAPACITY, source, PT_COUNTER_NONE, 3, 4000),
			 PT_OUTCOME_MATCHED);
	assert_int_equal(pt_count_classes(lane, CAPACITY, PT_COUNTER_NONE, source, 1, 60),
			 PT_OUTCOME_MATCHED);
	assert_int_equal(pt_count_classes(lane, CAPACITY, PT_COUNTER_NONE, PT_COUNTER_NONE, 1, 60),
			 PT_OUTCOME_UNMATCHED);
	assert_count(&lane->connections[0].direction[PT_RECEIVE], 4, 4100);
	assert_count(&lane->connections[0].direction[PT_TRANSMIT], 1, 60);
	assert_count(&lane->connections[CAPACITY - 1].direction[PT_RECEIVE], 0, 0);
	assert_count(&lane->connections[CAPACITY - 1].direction[PT_TRANSMIT], 1, 100);
}

static void a_packet_within_one_connection_counts_both_ways(void **state)
{
	struct book *book = *state;
	struct pt_lane *lane = book_lane(book, 0);
	const __u32 counter = 2;

	pt_count_classes(lane, CAPACITY, counter, counter, 1, 64);
	assert_count(&lane->connections[2].direction[PT_RECEIVE], 1, 64);
	assert_count(&lane->connections[2].direction[PT_TRANSMIT], 1, 64);
}

static void a_counter_beyond_the_capacity_is_not_written(void **state)
{
	struct book *book = *state;
	struct pt_lane *last = book_lane(book, LANES - 1);
	const __u32 beyond = CAPACITY, far = PT_COUNTER_NONE - 1;

	assert_int_equal(pt_count_classes(last, CAPACITY, beyond, far, 1, 64), PT_OUTCOME_MATCHED);
	for (size_t i = 0; i < LANES * pt_lane_bytes(CAPACITY); i++)
		assert_int_equal(book->lanes[i], 0);
}

static void a_connection_is_the_sum_of_all_lanes(void **state)
{
	struct book *book = *state;
	struct pt_connection_counters sum = {0};
	const __u32 counter = CAPACITY - 1;

	for (uint32_t lane = 0; lane < LANES; lane++)
		pt_count_classes(book_lane(book, lane), CAPACITY, counter, PT_COUNTER_NONE,
				 1 + lane, 1ull << (40 + lane));
	pt_counters_connection(&book->counters, CAPACITY - 1, &sum);
	assert_count(&sum.direction[PT_RECEIVE], 6, 7ull << 40);
	assert_count(&sum.direction[PT_TRANSMIT], 0, 0);
}

static void a_port_is_the_sum_of_all_lanes_and_no_other_port(void **state)
{
	struct book *book = *state;
	struct pt_port_counters sum = {0}, other = {0};

	for (uint32_t lane = 0; lane < LANES; lane++) {
		struct pt_port_counters *port = &book_lane(book, lane)->ports[PT_PORTS_MAX - 1];

		pt_count_add(&port->received[PT_OUTCOME_MALFORMED], 1, 13);
		pt_count_add(&port->sent[PT_OUTCOME_MATCHED], 2, 200);
		port->tag_failures[PT_CARRIER_VLAN]++;
		port->forward_drops += 10;
	}
	pt_counters_port(&book->counters, PT_PORTS_MAX - 1, &sum);
	pt_counters_port(&book->counters, PT_PORTS_MAX - 2, &other);
	assert_count(&sum.received[PT_OUTCOME_MALFORMED], LANES, LANES * 13);
	assert_count(&sum.sent[PT_OUTCOME_MATCHED], LANES * 2, LANES * 200);
	assert_int_equal(sum.tag_failures[PT_CARRIER_VLAN], LANES);
	assert_int_equal(sum.forward_drops, LANES * 10);
	assert_memory_equal(&other, &(struct pt_port_counters){0}, sizeof(other));
}

static void a_total_is_the_sum_of_all_outcomes(void **state)
{
	struct pt_count outcomes[PT_OUTCOMES];
	struct pt_count total;

	(void)state;
	for (int i = 0; i < PT_OUTCOMES; i++)
		outcomes[i] = (struct pt_count){.packets = 1u << i, .bytes = 1u << (8 + i)};
	total = pt_count_total(outcomes);
	assert_count(&total, (1u << PT_OUTCOMES) - 1, ((1u << PT_OUTCOMES) - 1) << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_hold_their_connections_in_whole_cache_lines),
		cmocka_unit_test_setup_teardown(
			a_packet_counts_receive_of_its_source_and_transmit_of_its_destination,
			book_init, book_done),
		cmocka_unit_test_setup_teardown(a_packet_within_one_connection_counts_both_ways,
						book_init, book_done),
		cmocka_unit_test_setup_teardown(a_counter_beyond_the_capacity_is_not_written,
						book_init, book_done),
		cmocka_unit_test_setup_teardown(a_connection_is_the_sum_of_all_lanes, book_init,
						book_done),
		cmocka_unit_test_setup_teardown(a_port_is_the_sum_of_all_lanes_and_no_other_port,
						book_init, book_done),
		cmocka_unit_test(a_total_is_the_sum_of_all_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
