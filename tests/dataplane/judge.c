/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/packet.h>
#include <peertag/tag.h>

/* Beyond, a frame may be too long for the kernel's test run; below, it must not go around it. */
#define SURELY_RUN 3000

static const enum pt_outcome outcome_of_oracle[] = {
	[ORACLE_MATCHED] = PT_OUTCOME_MATCHED,	   [ORACLE_UNMATCHED] = PT_OUTCOME_UNMATCHED,
	[ORACLE_NOT_IP] = PT_OUTCOME_NOT_IP,	   [ORACLE_UNSUPPORTED] = PT_OUTCOME_UNSUPPORTED,
	[ORACLE_MALFORMED] = PT_OUTCOME_MALFORMED,
};

/* What must come out of one frame. */
struct expected {
	struct oracle_verdict verdict;
	enum pt_outcome outcome;
	const struct pt_class *tag; /* NULL: none */
	bool tagged[PT_CARRIERS];
	__u32 mark;
	uint8_t *frame;
	size_t size;
};

static struct pt_snapshot *judge_take(struct judge *judge, const struct rule_set *set)
{
	static uint64_t generation;

	oracle_table_free(judge->oracle);
	rule_set_done(&judge->set);
	judge->set = *set;
	judge->oracle = rule_set_oracle(set);
	return rule_set_snapshot(set, ++generation);
}

void judge_open(struct judge *judge, const struct rule_set *set,
		const struct pt_offline_options *options)
{
	char message[512] = "";
	struct pt_snapshot *snapshot;
	int error;

	memset(judge, 0, sizeof(*judge));
	judge->options = *options;
	snapshot = judge_take(judge, set);
	judge->connection_count = snapshot->counters;
	judge->connections = calloc(snapshot->counters + 1, sizeof(*judge->connections));
	error = pt_offline_open(snapshot, snapshot->bytes, options, &judge->offline, message,
				sizeof(message));
	free(snapshot);
	if (error)
		fail_msg("pt_offline_open: %d: %s", error, message);
}

void judge_close(struct judge *judge)
{
	pt_offline_close(judge->offline);
	oracle_table_free(judge->oracle);
	rule_set_done(&judge->set);
	free(judge->connections);
}

void judge_publish(struct judge *judge, const struct rule_set *set)
{
	char message[512] = "";
	struct pt_snapshot *snapshot = judge_take(judge, set);
	int error = pt_offline_publish(judge->offline, snapshot, snapshot->bytes, message,
				       sizeof(message));

	assert_in_range(snapshot->counters, 0, judge->connection_count);
	free(snapshot);
	if (error)
		fail_msg("pt_offline_publish: %d: %s", error, message);
}

/* The tag that is due, into the copy of the frame that `expected` holds. */
static void expect_tag(const struct judge *judge, struct expected *expected)
{
	const bool *carrier = judge->options.tag.carrier;
	const struct pt_class *tag = expected->tag;

	expected->tagged[PT_CARRIER_MARK] = carrier[PT_CARRIER_MARK];
	expected->tagged[PT_CARRIER_DSCP] = carrier[PT_CARRIER_DSCP] && tag->dscp != PT_DSCP_NONE;
	expected->tagged[PT_CARRIER_VLAN] = carrier[PT_CARRIER_VLAN] && tag->vlan != PT_VLAN_NONE;
	if (expected->tagged[PT_CARRIER_MARK])
		expected->mark = judge->options.way == PT_OFFLINE_SENT
					 ? tag->mark & judge->options.tag.mark_mask
					 : tag->mark;
	if (expected->tagged[PT_CARRIER_DSCP])
		oracle_write_dscp(expected->frame, &expected->verdict, tag->dscp);
	if (expected->tagged[PT_CARRIER_VLAN]) {
		uint8_t *pushed = malloc(expected->size + PT_VLAN_BYTES);

		oracle_push_vlan(expected->frame, expected->size, tag->vlan, pushed);
		free(expected->frame);
		expected->frame = pushed;
		expected->size += PT_VLAN_BYTES;
	}
}

static void expect(const struct judge *judge, const void *frame, size_t size,
		   struct expected *ret_expected)
{
	struct expected expected = {.size = size};
	uint32_t class;

	oracle_classify(judge->oracle, frame, size, &expected.verdict);
	expected.outcome = outcome_of_oracle[expected.verdict.outcome];
	expected.frame = malloc(size + 1);
	if (size)
		memcpy(expected.frame, frame, size);
	class = expected.verdict.source ? expected.verdict.source : expected.verdict.destination;
	if (class) {
		expected.tag = &judge->set.classes[class - 1];
		expect_tag(judge, &expected);
	}
	*ret_expected = expected;
}

static const char *first_difference(const struct judge *judge, const struct expected *expected,
				    const struct pt_offline_result *result, size_t size)
{
	static const bool none[PT_CARRIERS];

	if (result->outcome != expected->outcome)
		return pt_outcome_name(result->outcome);
	if (result->source_class != expected->verdict.source)
		return "source class";
	if (result->destination_class != expected->verdict.destination)
		return "destination class";
	if (memcmp(result->tagged, expected->tagged, sizeof(none)))
		return "tagged";
	if (memcmp(result->failed, none, sizeof(none)))
		return "failed tags";
	if (result->mark != expected->mark)
		return "mark";
	if (result->forward != judge->options.forward)
		return "forward";
	if (result->native ? size >= PT_ETHERNET_BYTES + 1 && size <= SURELY_RUN
			   : size < PT_ETHERNET_BYTES)
		return "native";
	if (result->bytes != expected->size)
		return "size";
	if (expected->size && memcmp(result->frame, expected->frame, expected->size))
		return "bytes";
	return NULL;
}

static void print_bytes(const char *what, const void *bytes, size_t size)
{
	print_error("%s (%zu bytes) ", what, size);
	for (size_t i = 0; i < size && i < 160; i++)
		print_error("%02x", ((const uint8_t *)bytes)[i]);
	print_error("\n");
}

static void judge_count(struct judge *judge, const struct expected *expected, size_t size)
{
	const struct pt_class *classes = judge->set.classes;
	uint32_t source = expected->verdict.source, destination = expected->verdict.destination;
	struct pt_count *outcomes =
		judge->options.way == PT_OFFLINE_SENT ? judge->port.sent : judge->port.received;

	outcomes[expected->outcome].packets++;
	outcomes[expected->outcome].bytes += size;
	for (int carrier = 0; carrier < PT_CARRIERS; carrier++)
		judge->port.tagged[carrier] += expected->tagged[carrier];
	if (source) {
		struct pt_count *count =
			&judge->connections[classes[source - 1].counter].direction[PT_RECEIVE];

		count->packets++;
		count->bytes += size;
	}
	if (destination) {
		struct pt_count *count = &judge->connections[classes[destination - 1].counter]
						  .direction[PT_TRANSMIT];

		count->packets++;
		count->bytes += size;
	}
}

/* No host sends what the test run of the egress program refuses, so nothing stands in for it. */
static bool judge_must_run(const struct judge *judge, size_t size)
{
	return judge->options.way != PT_OFFLINE_SENT ||
	       (size >= PT_ETHERNET_BYTES + PT_IPV6_BYTES && size <= SURELY_RUN);
}

void judge_frame(struct judge *judge, const char *name, const void *frame, size_t size)
{
	struct pt_offline_result result = {0};
	struct expected expected;
	const char *difference;
	int error =
		pt_offline_run(judge->offline, &(struct pt_offline_frame){frame, size}, 1, &result);

	if (error == -EINVAL && !judge_must_run(judge, size))
		return;
	if (error)
		fail_msg("%s: pt_offline_run of %zu bytes: %d", name, size, error);
	expect(judge, frame, size, &expected);
	difference = first_difference(judge, &expected, &result, size);
	if (difference) {
		print_bytes("frame", frame, size);
		print_bytes("should be", expected.frame, expected.size);
		print_bytes("is", result.frame, result.bytes);
		fail_msg(
			"%s: way %d, %s; should be %s, classes %u %u, mark %#x, forward %d; is %s, "
			"classes %u %u, mark %#x, forward %d%s",
			name, judge->options.way, difference, pt_outcome_name(expected.outcome),
			expected.verdict.source, expected.verdict.destination, expected.mark,
			judge->options.forward, pt_outcome_name(result.outcome),
			result.source_class, result.destination_class, result.mark, result.forward,
			result.native ? ", native" : "");
	}
	judge_count(judge, &expected, size);
	judge->frames++;
	judge->native_frames += result.native;
	free(expected.frame);
}

void judge_counters(struct judge *judge)
{
	const struct pt_counters *counters = pt_offline_counters(judge->offline);
	struct pt_port_counters port = {0};

	pt_counters_port(counters, 0, &port);
	assert_memory_equal(&port, &judge->port, sizeof(port));
	assert_in_range(counters->capacity, judge->connection_count, UINT32_MAX);
	for (uint32_t i = 0; i < judge->connection_count; i++) {
		struct pt_connection_counters sum = {0};

		pt_counters_connection(counters, i, &sum);
		assert_memory_equal(&sum, &judge->connections[i], sizeof(sum));
	}
}
