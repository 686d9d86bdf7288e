/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine that this is linked with, held against the oracle: XDP's programs as a port gets them,
 * loaded into this kernel; DPDK's worker as it polls a port.
 *
 *     test_classify [flat|lpm]
 *
 * The table that comes with the platform is asked less: all but its lookups is the same code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/packet.h>

#include "judge.h"
#include "packets.h"
#include "random_packet.h"

#define RANDOM_PACKETS 100000 /* for each way */
#define RANDOM_RULES   1500   /* of each family */
#define RANDOM_CLASSES 400
#define SPLIT_FIRST    14 /* where a frame is cut once only */
#define LPM_SHARE      8  /* of random packets: one in so many */

static enum pt_config_table table = PT_TABLE_FLAT;

static const struct tagging {
	bool mark, dscp, vlan;
	__u32 mark_mask;
	enum pt_config_forward forward;
} taggings[] = {
	{.mark = true, .mark_mask = 0xffffffff, .forward = PT_FORWARD_PASS},
	{.mark = true, .dscp = true, .mark_mask = 0x0000ffff, .forward = PT_FORWARD_PASS},
	{.dscp = true, .mark_mask = 0xffffffff, .forward = PT_FORWARD_DROP},
	{.mark = true,
	 .dscp = true,
	 .vlan = true,
	 .mark_mask = 0xffffffff,
	 .forward = PT_FORWARD_PORT},
	{.vlan = true, .mark_mask = 0xffffffff, .forward = PT_FORWARD_PORT},
	{.forward = PT_FORWARD_PASS},
};
#define TAGGINGS (sizeof(taggings) / sizeof(*taggings))

/*
 * False if the engine has no such way. Where it has no host to pass to, packets go out of a port
 * instead. Ports with an egress program pass to the host, and there no VLAN is pushed.
 */
static bool options_for(enum pt_offline_way way, const struct tagging *tagging,
			struct pt_offline_options *ret_options)
{
	enum pt_config_forward forward = tagging->forward;

	if (forward == PT_FORWARD_PASS && !pt_offline_engine.passes)
		forward = PT_FORWARD_PORT;
	if (!pt_offline_engine.ways[way] || (way == PT_OFFLINE_SENT && forward != PT_FORWARD_PASS))
		return false;
	*ret_options =
		(struct pt_offline_options){.way = way,
					    .table = table,
					    .tag = {.carrier = {[PT_CARRIER_MARK] = tagging->mark,
								[PT_CARRIER_DSCP] = tagging->dscp,
								[PT_CARRIER_VLAN] = tagging->vlan},
						    .mark_mask = tagging->mark_mask},
					    .forward = forward};
	return true;
}

static void run_fixtures(const struct pt_offline_options *options, bool defaults,
			 struct random *random)
{
	struct rule_set set;
	struct judge judge;

	rule_set_of_fixtures(&set, defaults);
	judge_open(&judge, &set, options);
	judge_in_bursts(&judge, random);
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];

		for (size_t size = 0; size <= fixture->size; size++)
			judge_frame(&judge, fixture->name, fixture->frame, size);
	}
	judge_counters(&judge);
	judge_close(&judge);
}

static void every_fixture_at_every_length_is_classified_tagged_and_counted(void **state)
{
	struct pt_offline_options options;
	struct random random;

	(void)state;
	random_init(&random);
	for (enum pt_offline_way way = 0; way < PT_OFFLINE_WAYS; way++)
		for (size_t i = 0; i < TAGGINGS; i++)
			if (options_for(way, &taggings[i], &options))
				run_fixtures(&options, false, i % 2 ? &random : NULL);
}

/* Whether this kernel's test run cuts a frame where it is told to. */
static bool can_cut(void)
{
	static const uint8_t frame[PT_HEADERS_MAX];
	const struct pt_offline_frame run = {frame, sizeof(frame)};
	struct pt_offline_options options;
	struct pt_offline_result result;
	struct rule_set set;
	struct judge judge;

	options_for(PT_OFFLINE_SEGMENTS, &taggings[0], &options);
	options.first_bytes = SPLIT_FIRST;
	rule_set_of_fixtures(&set, false);
	judge_open(&judge, &set, &options);
	assert_int_equal(pt_offline_run(judge.offline, &run, 1, &result), 0);
	judge_close(&judge);
	return !result.native;
}

/* Every fixture in buffers of these sizes, with all carriers but the one that passing forbids. */
static void run_cut(const struct tagging *tagging, __u32 first_bytes, __u32 next_bytes)
{
	struct pt_offline_options options;
	struct rule_set set;
	struct judge judge;

	options_for(PT_OFFLINE_SEGMENTS, tagging, &options);
	options.first_bytes = first_bytes;
	options.next_bytes = next_bytes;
	rule_set_of_fixtures(&set, false);
	judge_open(&judge, &set, &options);
	for (size_t i = 0; i < packet_fixture_count; i++)
		if (packet_fixtures[i].size >= SPLIT_FIRST || !pt_offline_engine.one_cut)
			judge_frame(&judge, packet_fixtures[i].name, packet_fixtures[i].frame,
				    packet_fixtures[i].size);
	judge_counters(&judge);
	assert_int_equal(judge.native_frames, 0);
	judge_close(&judge);
}

/* Every length of the first buffer that cuts the headers of some fixture. */
static void headers_in_later_buffers_are_found_and_tagged(void **state)
{
	__u32 first = pt_offline_engine.one_cut ? SPLIT_FIRST : 1;

	(void)state;
	if (!pt_offline_engine.ways[PT_OFFLINE_SEGMENTS] || !can_cut())
		skip();
	for (; first < PT_HEADERS_MAX; first++)
		run_cut(&taggings[1 + 2 * (first % 2)], first, 0);
}

/* Headers over many buffers, each of which may hold but one byte of them. */
static void headers_in_chains_are_found_and_tagged(void **state)
{
	static const __u32 firsts[] = {1, 13, 14, 15, 34};

	(void)state;
	if (!pt_offline_engine.ways[PT_OFFLINE_SEGMENTS] || pt_offline_engine.one_cut)
		skip();
	for (__u32 first = 1; first < PT_HEADERS_MAX; first++)
		run_cut(&taggings[1 + 2 * (first % 2)], first, 1);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++)
		for (__u32 next = 2; next < PT_HEADERS_MAX; next += 1 + next / 8)
			run_cut(&taggings[1 + 2 * (next % 2)], firsts[i], next);
}

static void default_classes_take_what_no_rule_holds(void **state)
{
	struct pt_offline_options options;

	(void)state;
	for (enum pt_offline_way way = 0; way < PT_OFFLINE_WAYS; way++)
		if (options_for(way, &taggings[1], &options))
			run_fixtures(&options, true, NULL);
}

/* What the table of fixtures says of each whole packet, without asking the oracle. */
static void every_fixture_has_the_fate_that_its_table_says(void **state)
{
	struct pt_offline_options options;
	struct rule_set set;
	struct judge judge;

	(void)state;
	options_for(PT_OFFLINE_ARRIVING, &taggings[0], &options);
	rule_set_of_fixtures(&set, false);
	judge_open(&judge, &set, &options);
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];
		const struct pt_offline_frame run = {fixture->frame, fixture->size};
		struct pt_offline_result result;

		assert_int_equal(pt_offline_run(judge.offline, &run, 1, &result), 0);
		if (result.outcome != fixture->outcome || result.source_class != fixture->source ||
		    result.destination_class != fixture->destination)
			fail_msg("%s: %s, %u to %u", fixture->name, pt_outcome_name(result.outcome),
				 result.source_class, result.destination_class);
	}
	judge_close(&judge);
}

/* A random set, published, for frames in bursts; `random` goes on. */
static void open_random(struct judge *judge, struct random *random,
			const struct pt_offline_options *options, bool defaults)
{
	struct rule_set set;

	rule_set_random(&set, random, RANDOM_RULES, RANDOM_CLASSES);
	if (defaults) {
		set.default_class[PT_IPV4] = 1 + random_below(random, RANDOM_CLASSES);
		set.default_class[PT_IPV6] = 1 + random_below(random, RANDOM_CLASSES);
	}
	judge_open(judge, &set, options);
	judge_in_bursts(judge, random);
}

/* Buffers of which an engine has enough for a burst of random packets. */
static void cut_at_random(struct random *random, struct pt_offline_options *options)
{
	if (options->way != PT_OFFLINE_SEGMENTS || pt_offline_engine.one_cut)
		return;
	options->first_bytes = 1 + random_below(random, PT_HEADERS_MAX);
	options->next_bytes = 8 + random_below(random, PT_HEADERS_MAX);
}

static void run_random(struct random *random, enum pt_offline_way way,
		       const struct tagging *tagging, size_t packets)
{
	struct pt_offline_options options;
	uint8_t frame[RANDOM_PACKET_MAX];
	struct packet_ends ends;
	struct judge judge;

	if (!options_for(way, tagging, &options))
		return;
	cut_at_random(random, &options);
	open_random(&judge, random, &options, random_chance(random, 30));
	packet_ends_init(&ends, &judge.set);
	for (size_t i = 0; i < packets; i++)
		judge_frame(&judge, "a random packet", frame, random_packet(random, &ends, frame));
	judge_counters(&judge);
	print_message("# way %d, tagging %td, buffers %u %u: %zu packets, %llu of them native\n",
		      way, tagging - taggings, options.first_bytes, options.next_bytes, packets,
		      (unsigned long long)judge.native_frames);
	packet_ends_done(&ends);
	judge_close(&judge);
}

static void random_packets_agree_with_the_oracle(void **state)
{
	size_t packets = RANDOM_PACKETS / 4 / (table == PT_TABLE_LPM ? LPM_SHARE : 1);
	struct random random;

	(void)state;
	random_init(&random);
	for (size_t i = 0; i < 4; i++) {
		run_random(&random, PT_OFFLINE_ARRIVING, &taggings[i], packets);
		run_random(&random, PT_OFFLINE_SEGMENTS, &taggings[i], packets);
		run_random(&random, PT_OFFLINE_SENT, &taggings[i % 2], packets);
	}
}

static void run_long(struct random *random, const struct pt_offline_options *options)
{
	static uint8_t frame[262144];
	static const size_t sizes[] = {1514, 3000,  3500,  3584,   4096,  4097,
				       9014, 65549, 73000, 100000, 262144};
	struct packet_ends ends;
	struct judge judge;

	open_random(&judge, random, options, false);
	packet_ends_init(&ends, &judge.set);
	random_fill(random, frame, sizeof(frame));
	for (size_t n = 0; n < 40 * sizeof(sizes) / sizeof(*sizes); n++) {
		random_packet(random, &ends, frame);
		judge_frame(&judge, "a long frame", frame, sizes[n / 40]);
	}
	judge_counters(&judge);
	packet_ends_done(&ends);
	judge_close(&judge);
}

static void long_frames_agree_with_the_oracle(void **state)
{
	struct pt_offline_options options;
	struct random random;

	(void)state;
	random_init(&random);
	for (size_t i = 0; i < 2; i++)
		for (enum pt_offline_way way = 0; way < PT_OFFLINE_WAYS; way++)
			if (options_for(way, &taggings[i], &options))
				run_long(&random, &options);
}

/* Every address once as source and once as destination. */
static void run_boundaries(struct judge *judge, struct random *random, int family)
{
	uint8_t frame[RANDOM_PACKET_MAX];
	struct boundaries boundaries;
	size_t shift;

	boundaries_init(&boundaries, &judge->set, family);
	shift = random_below(random, boundaries.count);
	for (size_t i = 0; i < boundaries.count; i++) {
		const uint8_t *to = boundaries.addrs[(i + shift) % boundaries.count];
		size_t size = plain_packet(family, boundaries.addrs[i], to, frame);

		judge_frame(judge, "a boundary", frame, size);
	}
	boundaries_done(&boundaries);
}

static void prefixes_end_where_they_end(void **state)
{
	struct pt_offline_options options;
	struct random random;
	struct judge judge;

	(void)state;
	random_init(&random);
	for (enum pt_offline_way way = 0; way < PT_OFFLINE_WAYS; way++) {
		if (!options_for(way, &taggings[0], &options))
			continue;
		open_random(&judge, &random, &options, way == PT_OFFLINE_SEGMENTS);
		run_boundaries(&judge, &random, 4);
		run_boundaries(&judge, &random, 6);
		judge_counters(&judge);
		judge_close(&judge);
	}
}

static void a_publish_replaces_every_rule_and_keeps_the_counters(void **state)
{
	struct pt_offline_options options;
	struct random random;
	struct judge judge;

	(void)state;
	random_init(&random);
	options_for(PT_OFFLINE_ARRIVING, &taggings[1], &options);
	open_random(&judge, &random, &options, false);
	for (int i = 0; i < 6; i++) {
		struct rule_set next;

		run_boundaries(&judge, &random, 4);
		run_boundaries(&judge, &random, 6);
		judge_counters(&judge);
		rule_set_random(&next, &random, 1 + random_below(&random, 300), RANDOM_CLASSES);
		judge_publish(&judge, &next);
	}
	judge_close(&judge);
}

static void a_snapshot_with_one_wrong_bit_is_refused_and_the_old_set_stands(void **state)
{
	struct pt_offline_options options;
	struct pt_snapshot *snapshot;
	struct random random;
	struct rule_set next;
	struct judge judge;

	(void)state;
	random_init(&random);
	options_for(PT_OFFLINE_ARRIVING, &taggings[0], &options);
	open_random(&judge, &random, &options, false);
	rule_set_random(&next, &random, 20, RANDOM_CLASSES);
	snapshot = rule_set_snapshot(&next, 1000);
	for (int i = 0; i < 200; i++) {
		uint8_t *byte = (uint8_t *)snapshot + random_below(&random, snapshot->bytes);
		size_t bytes = snapshot->bytes;
		uint8_t bit = 1 << random_below(&random, 8);
		char message[512] = "";

		*byte ^= bit;
		assert_int_not_equal(pt_offline_publish(judge.offline, snapshot, bytes, message,
							sizeof(message)),
				     0);
		assert_string_not_equal(message, "");
		*byte ^= bit;
	}
	run_boundaries(&judge, &random, 4);
	run_boundaries(&judge, &random, 6);
	judge_counters(&judge);
	free(snapshot);
	rule_set_done(&next);
	judge_close(&judge);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest of_tables[] = {
		cmocka_unit_test(every_fixture_has_the_fate_that_its_table_says),
		cmocka_unit_test(every_fixture_at_every_length_is_classified_tagged_and_counted),
		cmocka_unit_test(default_classes_take_what_no_rule_holds),
		cmocka_unit_test(random_packets_agree_with_the_oracle),
		cmocka_unit_test(prefixes_end_where_they_end),
		cmocka_unit_test(a_publish_replaces_every_rule_and_keeps_the_counters),
		cmocka_unit_test(a_snapshot_with_one_wrong_bit_is_refused_and_the_old_set_stands),
	};
	const struct CMUnitTest of_buffers[] = {
		cmocka_unit_test(headers_in_later_buffers_are_found_and_tagged),
		cmocka_unit_test(headers_in_chains_are_found_and_tagged),
		cmocka_unit_test(long_frames_agree_with_the_oracle),
	};

	if (!judge_is_permitted())
		return 77;
	if (argc > 1 && !strcmp(argv[1], "lpm"))
		table = PT_TABLE_LPM;
	return cmocka_run_group_tests(of_tables, NULL, NULL) +
	       (table == PT_TABLE_FLAT ? cmocka_run_group_tests(of_buffers, NULL, NULL) : 0);
}
