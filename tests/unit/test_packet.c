/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet parser as user space compiles it, in buffers that end where the packet ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/packet.h>

#include "oracle.h"
#include "packets.h"
#include "random_packet.h"

#define RANDOM_PACKETS 300000

/* Where the IP header lies, -1 if there is none; the buffer is exactly as long as the frame. */
struct found {
	enum pt_outcome outcome;
	int family;
	long ip_offset;
};

static struct found parse(const void *frame, size_t size)
{
	struct found found = {.ip_offset = -1};
	struct pt_packet packet = {0};
	uint8_t *exact = malloc(size);
	uint8_t *before = malloc(size);

	if (size) {
		memcpy(exact, frame, size);
		memcpy(before, frame, size);
	}
	found.outcome = pt_packet_parse(&packet, exact, exact + size);
	if (found.outcome == PT_OUTCOME_UNMATCHED) {
		found.family = packet.family;
		found.ip_offset = packet.ip - exact;
	}
	if (size)
		assert_memory_equal(exact, before, size);
	free(exact);
	free(before);
	return found;
}

static enum pt_outcome parsed_outcome(const struct packet_fixture *fixture)
{
	return fixture->family ? PT_OUTCOME_UNMATCHED : fixture->outcome;
}

static void packet_parse_finds_what_every_fixture_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];
		struct found found = parse(fixture->frame, fixture->size);

		if (found.outcome != parsed_outcome(fixture) || found.family != fixture->family ||
		    (fixture->family && found.ip_offset != (long)fixture->ip_offset))
			fail_msg("%s: %s, family %d at %ld", fixture->name,
				 pt_outcome_name(found.outcome), found.family, found.ip_offset);
	}
}

static void packet_parse_of_a_cut_frame_is_malformed_until_its_fate_is_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];

		for (size_t size = 0; size <= fixture->size; size++) {
			bool decided = fixture->decided && size >= fixture->decided;
			enum pt_outcome expected =
				decided ? parsed_outcome(fixture) : PT_OUTCOME_MALFORMED;
			struct found found = parse(fixture->frame, size);

			if (found.outcome != expected)
				fail_msg("%s, cut to %zu bytes: %s", fixture->name, size,
					 pt_outcome_name(found.outcome));
		}
	}
}

static void fixtures_agree_with_the_oracle(void **state)
{
	struct rule_set set;
	struct oracle_table *table;

	(void)state;
	rule_set_of_fixtures(&set, false);
	table = rule_set_oracle(&set);
	for (size_t i = 0; i < packet_fixture_count; i++) {
		const struct packet_fixture *fixture = &packet_fixtures[i];
		struct oracle_verdict verdict;

		oracle_classify(table, (const uint8_t *)fixture->frame, fixture->size, &verdict);
		if (strcmp(oracle_outcome_name(verdict.outcome),
			   pt_outcome_name(fixture->outcome)) ||
		    verdict.source != fixture->source ||
		    verdict.destination != fixture->destination)
			fail_msg("%s: %s from %u to %u", fixture->name,
				 oracle_outcome_name(verdict.outcome), verdict.source,
				 verdict.destination);
	}
	oracle_table_free(table);
	rule_set_done(&set);
}

static void compare_with_oracle(const uint8_t *frame, size_t size)
{
	static struct oracle_table *empty;
	struct oracle_verdict verdict;
	struct found found = parse(frame, size);

	if (!empty)
		empty = oracle_table_new();
	oracle_classify(empty, frame, size, &verdict);
	if (strcmp(pt_outcome_name(found.outcome), oracle_outcome_name(verdict.outcome)) ||
	    found.family != verdict.family ||
	    (verdict.family && found.ip_offset != (long)verdict.ip_offset)) {
		for (size_t i = 0; i < size; i++)
			print_error("%02x", frame[i]);
		fail_msg(": %s, the oracle says %s", pt_outcome_name(found.outcome),
			 oracle_outcome_name(verdict.outcome));
	}
}

static void packet_parse_agrees_with_the_oracle_on_random_packets(void **state)
{
	size_t seen[PT_OUTCOMES] = {0};
	uint8_t frame[RANDOM_PACKET_MAX];
	struct packet_ends ends;
	struct random random;
	struct rule_set set;

	(void)state;
	random_init(&random);
	rule_set_of_fixtures(&set, false);
	packet_ends_init(&ends, &set);
	for (int i = 0; i < RANDOM_PACKETS; i++) {
		size_t size = random_packet(&random, &ends, frame);

		compare_with_oracle(frame, size);
		seen[parse(frame, size).outcome]++;
	}
	/* The generator is worth something only while it reaches every outcome of the parser. */
	for (int outcome = PT_OUTCOME_UNMATCHED; outcome < PT_OUTCOMES; outcome++)
		assert_in_range(seen[outcome], RANDOM_PACKETS / 100, RANDOM_PACKETS);
	packet_ends_done(&ends);
	rule_set_done(&set);
}

static void packet_parse_needs_no_more_than_the_window(void **state)
{
	uint8_t frame[RANDOM_PACKET_MAX];
	struct packet_ends ends;
	struct random random;
	struct rule_set set;

	(void)state;
	random_init(&random);
	rule_set_of_fixtures(&set, false);
	packet_ends_init(&ends, &set);
	for (int i = 0; i < RANDOM_PACKETS / 10; i++) {
		size_t size = random_packet(&random, &ends, frame);
		struct found whole = parse(frame, size);
		struct found window = parse(frame, size < PT_HEADERS_MAX ? size : PT_HEADERS_MAX);

		assert_int_equal(whole.outcome, window.outcome);
		assert_int_equal(whole.ip_offset, window.ip_offset);
	}
	packet_ends_done(&ends);
	rule_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packet_parse_finds_what_every_fixture_says),
		cmocka_unit_test(
			packet_parse_of_a_cut_frame_is_malformed_until_its_fate_is_decided),
		cmocka_unit_test(fixtures_agree_with_the_oracle),
		cmocka_unit_test(packet_parse_agrees_with_the_oracle_on_random_packets),
		cmocka_unit_test(packet_parse_needs_no_more_than_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
