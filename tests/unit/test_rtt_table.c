/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of flows: who has a place, who loses it, whom a packet belongs to, and floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/rtt.h>

#include "random.h"

#define SECRET	 0x0123456789abcdef
#define SLOTS	 4
#define MS	 1000000ull
#define START_NS (5000 * MS)

/* What packets are measured with; the clock is what the test says. */
struct bench {
	struct pt_rtt rtt;
	uint64_t now_ns;
	uint64_t clock_reads;
};

static int bench_init(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->now_ns = START_NS;
	bench->rtt = (struct pt_rtt){
		.table = aligned_alloc(64, sizeof(struct pt_rtt_table)),
		.lane = aligned_alloc(64, pt_latency_lane_bytes(SLOTS)),
		.slots = SLOTS,
		.window_ms = 1000,
		.secret = SECRET,
	};
	memset(bench->rtt.table, 0, sizeof(*bench->rtt.table));
	memset(bench->rtt.lane, 0, pt_latency_lane_bytes(SLOTS));
	*state = bench;
	return 0;
}

static int bench_done(void **state)
{
	struct bench *bench = *state;

	free(bench->rtt.table);
	free(bench->rtt.lane);
	free(bench);
	return 0;
}

static __u64 bench_clock(void *clock)
{
	struct bench *bench = clock;

	bench->clock_reads++;
	return bench->now_ns;
}

/* A SYN, or what answers one, of the flow with this hash. Returns whether it began a sample. */
static bool goes(struct bench *bench, uint64_t hash, uint32_t seq)
{
	struct pt_tcp tcp = {.flags = PT_TCP_SYN, .seq = seq, .is_acknowledged = 1};
	struct pt_rtt_flow *flow;
	__u32 answer, kind;

	if (!pt_rtt_goes(bench->rtt.table, hash, &tcp, &bench->rtt.lane->lost, &flow, &answer,
			 &kind))
		return false;
	pt_rtt_begin(flow, answer, kind, bench->now_ns);
	return true;
}

static bool comes(struct bench *bench, uint64_t hash, uint32_t seq)
{
	struct pt_tcp tcp = {.flags = PT_TCP_SYN | PT_TCP_ACK, .ack = seq + 1};
	struct pt_rtt_flow *flow;
	__u64 sample, ns;

	return pt_rtt_comes(bench->rtt.table, hash, &tcp, &bench->rtt.lane->lost, &flow, &sample) &&
	       pt_rtt_end(flow, sample, bench->now_ns, &bench->rtt.lane->lost, &ns);
}

/* Flow n of those that share a line. */
static uint64_t in_line(uint64_t n)
{
	return 0x155 | (n + 1) << 33;
}

static bool has_place(const struct bench *bench, uint64_t hash)
{
	const struct pt_rtt_line *line = pt_rtt_line(bench->rtt.table, hash);

	for (int way = 0; way < PT_RTT_WAYS; way++)
		if (((line->ways[way].seen ^ hash) & PT_RTT_TAG_MASK) == 0 && line->ways[way].seen)
			return true;
	return false;
}

static void as_many_flows_as_a_line_has_places_are_measured(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(goes(bench, in_line(n), 100 * n));
	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(comes(bench, in_line(n), 100 * n));
	assert_int_equal(bench->rtt.lane->lost, 0);
}

static void a_full_line_refuses_one_flow_and_then_gives_a_place(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(goes(bench, in_line(n), n));
	assert_false(goes(bench, in_line(4), 4));
	assert_int_equal(bench->rtt.lane->lost, 1);
	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(has_place(bench, in_line(n)));
	/* Now it takes the first place, where a sample was under way. */
	assert_true(goes(bench, in_line(4), 4));
	assert_int_equal(bench->rtt.lane->lost, 2);
	assert_false(has_place(bench, in_line(0)));
	assert_false(comes(bench, in_line(0), 0));
	assert_true(comes(bench, in_line(4), 4));
	assert_true(comes(bench, in_line(1), 1));
	assert_int_equal(bench->rtt.lane->lost, 2);
}

static void a_flow_that_is_used_keeps_its_place(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(goes(bench, in_line(n), n));
	for (uint64_t n = 4; n < 1000; n++) {
		/* One flow is used by what comes, another by what goes. */
		comes(bench, in_line(2), n % 2 ? 2 : 77);
		goes(bench, in_line(1), n);
		goes(bench, in_line(n), n);
		assert_true(has_place(bench, in_line(1)));
		assert_true(has_place(bench, in_line(2)));
	}
	assert_false(has_place(bench, in_line(0)));
	assert_false(has_place(bench, in_line(3)));
}

static void a_flow_without_a_sample_is_put_out_without_a_loss(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < PT_RTT_WAYS; n++) {
		assert_true(goes(bench, in_line(n), n));
		assert_true(comes(bench, in_line(n), n));
	}
	assert_false(goes(bench, in_line(4), 4));
	assert_true(goes(bench, in_line(4), 4));
	assert_int_equal(bench->rtt.lane->lost, 1);
}

static void a_new_flow_inherits_no_sample(void **state)
{
	struct bench *bench = *state;
	struct pt_tcp data = {
		.flags = PT_TCP_ACK, .has_timestamps = 1, .is_acknowledged = 1, .tsval = 7};
	struct pt_rtt_flow *flow;
	__u32 answer, kind;

	for (uint64_t n = 0; n < PT_RTT_WAYS; n++)
		assert_true(goes(bench, in_line(n), 500));
	assert_false(goes(bench, in_line(4), 1));
	assert_false(pt_rtt_goes(bench->rtt.table, in_line(5), &data, &bench->rtt.lane->lost, &flow,
				 &answer, &kind));
	assert_true(has_place(bench, in_line(5)));
	assert_false(comes(bench, in_line(5), 500));
}

/* All bits of whose hash are 0, as they are in a free place. */
static void a_free_place_is_no_flow(void **state)
{
	struct bench *bench = *state;
	struct pt_tcp data = {
		.flags = PT_TCP_ACK, .has_timestamps = 1, .is_acknowledged = 1, .tsval = 7};
	struct pt_rtt_flow *flow;
	__u32 answer, kind;

	assert_false(pt_rtt_goes(bench->rtt.table, 0, &data, &bench->rtt.lane->lost, &flow, &answer,
				 &kind));
	data.tsval++;
	assert_true(pt_rtt_goes(bench->rtt.table, 0, &data, &bench->rtt.lane->lost, &flow, &answer,
				&kind));
}

/* Of the hash, bits 14 to 32 are in no place. */
static void every_bit_of_the_tag_and_the_line_tells_flows_apart(void **state)
{
	struct bench *bench = *state;

	for (int bit = 0; bit < 64; bit++) {
		bool counts = bit < PT_RTT_LINE_BITS || bit > 32;

		assert_true(goes(bench, 0, 10 + bit));
		assert_int_equal(comes(bench, 1ull << bit, 10 + bit), !counts);
		assert_int_equal(comes(bench, 0, 10 + bit), counts);
	}
}

/* Addresses at the end of the headers, as packets have them. */
struct ends {
	uint8_t family;
	const char *source, *destination;
	uint16_t source_port, destination_port;
};

static const struct pt_packet *packet_of(const struct ends *ends)
{
	static uint8_t header[PT_IPV6_BYTES];
	static struct pt_packet packet;
	size_t size = ends->family == 4 ? 4 : 16, at = ends->family == 4 ? 12 : 8;

	memset(header, 0xee, sizeof(header));
	memcpy(header + at, ends->source, size);
	memcpy(header + at + size, ends->destination, size);
	packet = (struct pt_packet){.ip = header, .family = ends->family};
	return &packet;
}

static void transmit(struct bench *bench, struct ends ends, uint32_t seq)
{
	struct pt_tcp tcp = {.source_port = ends.source_port,
			     .destination_port = ends.destination_port,
			     .flags = PT_TCP_SYN | PT_TCP_ACK,
			     .seq = seq,
			     .is_acknowledged = 1};

	pt_rtt_transmit(&bench->rtt, pt_rtt_hash_transmit(&bench->rtt, packet_of(&ends), &tcp),
			&tcp, bench_clock, bench);
}

static void receive(struct bench *bench, struct ends ends, uint32_t seq, uint32_t slot)
{
	struct pt_tcp tcp = {.source_port = ends.source_port,
			     .destination_port = ends.destination_port,
			     .flags = PT_TCP_ACK,
			     .ack = seq + 1};

	pt_rtt_receive(&bench->rtt, pt_rtt_hash_receive(&bench->rtt, packet_of(&ends), &tcp),
		       packet_of(&ends), &tcp, slot, bench_clock, bench);
}

static struct ends reversed(struct ends ends)
{
	return (struct ends){ends.family, ends.destination, ends.source, ends.destination_port,
			     ends.source_port};
}

/* Samples of a slot in the window of the time that it is. */
static uint32_t samples(const struct bench *bench, uint32_t slot)
{
	uint32_t number = pt_latency_number(bench->now_ns, bench->rtt.window_ms), count = 0;
	const struct pt_latency_window *window =
		&bench->rtt.lane->slots[slot - 1].windows[number % 2];

	for (int bin = 0; window->number == number && bin < PT_HISTOGRAM_BINS; bin++)
		count += window->bins[bin].count;
	return count;
}

static int hosts(const struct bench *bench, uint32_t slot)
{
	uint32_t number = pt_latency_number(bench->now_ns, bench->rtt.window_ms);
	int count = 0;

	for (int word = 0; word < PT_LATENCY_HOST_WORDS; word++)
		count += __builtin_popcountll(
			bench->rtt.lane->slots[slot - 1].windows[number % 2].hosts[word]);
	return count;
}

#define SERVER	 "\xc6\x12\x00\x01"
#define CUSTOMER "\xcb\x00\x71\x01"
#define SERVER6	 "\x20\x01\x0d\xb8\x00\xff\0\0\0\0\0\0\0\0\0\1"
#define CUSTOMER6                                                                                  \
	"\x20\x01\x0d\xb8\x01\x00\0\0"                                                             \
	"\0\0\0\0\0\0\0\1"

static const struct ends to_customer = {4, SERVER, CUSTOMER, 443, 50000};
static const struct ends to_customer6 = {6, SERVER6, CUSTOMER6, 443, 50000};

static void an_answer_finds_its_flow_in_both_families(void **state)
{
	struct bench *bench = *state;

	transmit(bench, to_customer, 7);
	transmit(bench, to_customer6, 7);
	bench->now_ns += 5 * MS;
	receive(bench, reversed(to_customer), 7, 1);
	receive(bench, reversed(to_customer6), 7, 2);
	assert_int_equal(samples(bench, 1), 1);
	assert_int_equal(samples(bench, 2), 1);
	assert_int_equal(hosts(bench, 1), 1);
	assert_int_equal(bench->rtt.lane->lost, 0);
	assert_int_equal(bench->clock_reads, 4);
}

static void no_other_flow_is_taken_for_it(void **state)
{
	struct bench *bench = *state;

	for (int family = 4; family <= 6; family += 2) {
		struct ends answer = reversed(family == 4 ? to_customer : to_customer6);
		int size = family == 4 ? 4 : 16;
		char addrs[2][16];

		transmit(bench, reversed(answer), 7);
		for (int bit = 0; bit < 2 * size * 8; bit++) {
			struct ends other = answer;

			memcpy(addrs[0], answer.source, size);
			memcpy(addrs[1], answer.destination, size);
			addrs[bit / 8 / size][bit / 8 % size] ^= 1 << bit % 8;
			other.source = addrs[0];
			other.destination = addrs[1];
			receive(bench, other, 7, 1);
		}
		for (int bit = 0; bit < 16; bit++) {
			struct ends other = answer;

			other.source_port ^= 1 << bit;
			receive(bench, other, 7, 1);
			other = answer;
			other.destination_port ^= 1 << bit;
			receive(bench, other, 7, 1);
		}
		/* Nor is the flow that goes the other way. */
		receive(bench, reversed(answer), 7, 1);
		assert_int_equal(samples(bench, 1), 0);
		receive(bench, answer, 7, 2);
		assert_int_equal(samples(bench, 2), family / 2 - 1);
	}
}

static void two_customers_are_measured_each_for_himself(void **state)
{
	struct bench *bench = *state;
	/* The first calls the second: SYN, SYN and ACK, ACK. */
	struct ends call = {4, CUSTOMER, "\xc0\x00\x02\x09", 50000, 443};

	transmit(bench, call, 100);
	receive(bench, call, 0, 1);
	bench->now_ns += 20 * MS;
	receive(bench, reversed(call), 100, 2);
	transmit(bench, reversed(call), 900);
	assert_int_equal(samples(bench, 2), 1);
	bench->now_ns += 5 * MS;
	transmit(bench, call, 101);
	receive(bench, call, 900, 1);
	assert_int_equal(samples(bench, 1), 1);
	assert_int_equal(samples(bench, 2), 1);
}

static void a_host_is_an_ipv4_address_or_an_ipv6_half(void **state)
{
	struct bench *bench = *state;
	char addr[16];

	for (int host = 0; host < 256; host++) {
		struct ends ends = to_customer6;

		memcpy(addr, ends.destination, 16);
		addr[15] = host;
		ends.destination = addr;
		transmit(bench, ends, 7);
		receive(bench, reversed(ends), 7, 1);
		addr[7] = host;
		transmit(bench, ends, 7);
		receive(bench, reversed(ends), 7, 2);
		ends = to_customer;
		memcpy(addr, ends.destination, 4);
		addr[3] = host;
		ends.destination = addr;
		transmit(bench, ends, 7);
		receive(bench, reversed(ends), 7, 3);
	}
	assert_int_equal(samples(bench, 1), 256);
	assert_int_equal(hosts(bench, 1), 1);
	/* 256 at random are in 162 different ones of 256, give or take 7. */
	assert_in_range(hosts(bench, 2), 132, 192);
	assert_in_range(hosts(bench, 3), 132, 192);
}

/* Flows under way in the table. */
static uint64_t under_way(const struct bench *bench)
{
	uint64_t count = 0;

	for (int line = 0; line < PT_RTT_LINES; line++)
		for (int way = 0; way < PT_RTT_WAYS; way++)
			count +=
				pt_rtt_is_under_way(bench->rtt.table->lines[line].ways[way].sample);
	return count;
}

static void a_flood_costs_samples_that_are_counted_and_nothing_else(void **state)
{
	const uint64_t flood = 400000, every = 200;
	struct bench *bench = *state;
	uint64_t ended = 0, mine = 0;
	struct random random;

	random_init(&random);
	for (uint64_t n = 0; n < flood; n++) {
		uint64_t hash = random_next(&random);

		goes(bench, hash, n);
		if (n % 10 == 0)
			ended += comes(bench, hash, n);
		if (n % every == 0)
			goes(bench, 12345, n);
		if (n % every == every / 2)
			mine += comes(bench, 12345, n - every / 2);
	}
	/* Whose packets come again and again is measured on. */
	assert_in_range(mine, flood / every * 9 / 10, flood / every);
	assert_in_range(ended, flood / 10 * 7 / 10, flood / 10);
	assert_int_equal(flood + flood / every,
			 ended + mine + under_way(bench) + bench->rtt.lane->lost);
	assert_true(under_way(bench) > PT_RTT_LINES * PT_RTT_WAYS * 7 / 10);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_init, bench_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(as_many_flows_as_a_line_has_places_are_measured),
		WITH_BENCH(a_full_line_refuses_one_flow_and_then_gives_a_place),
		WITH_BENCH(a_flow_that_is_used_keeps_its_place),
		WITH_BENCH(a_flow_without_a_sample_is_put_out_without_a_loss),
		WITH_BENCH(a_new_flow_inherits_no_sample),
		WITH_BENCH(a_free_place_is_no_flow),
		WITH_BENCH(every_bit_of_the_tag_and_the_line_tells_flows_apart),
		WITH_BENCH(an_answer_finds_its_flow_in_both_families),
		WITH_BENCH(no_other_flow_is_taken_for_it),
		WITH_BENCH(two_customers_are_measured_each_for_himself),
		WITH_BENCH(a_host_is_an_ipv4_address_or_an_ipv6_half),
		WITH_BENCH(a_flood_costs_samples_that_are_counted_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
