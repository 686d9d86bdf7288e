/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	judge->burst = 1;
	snapshot = judge_take(judge, set);
	judge->connection_count = snapshot->counters;
	judge->connections = calloc(snapshot->counters + 1, sizeof(*judge->connections));
	error = pt_offline_open(snapshot, snapshot->bytes, options, &judge->offline, message,
				sizeof(message));
	free(snapshot);
	if (error)
		fail_msg("pt_offline_open: %d: %s", error, message);
}

bool judge_is_permitted(void)
{
	const struct pt_offline_options options = {.way = PT_OFFLINE_ARRIVING};
	struct pt_offline *offline = NULL;
	struct pt_snapshot *snapshot;
	char message[512] = "";
	struct rule_set set;
	int error;

	rule_set_of_fixtures(&set, false);
	snapshot = rule_set_snapshot(&set, 1);
	error = pt_offline_open(snapshot, snapshot->bytes, &options, &offline, message,
				sizeof(message));
	pt_offline_close(error ? NULL : offline);
	free(snapshot);
	rule_set_done(&set);
	if (geteuid() == 0 || (error != -EPERM && error != -EACCES))
		return true;
	print_message("skipped: %s\n", message);
	return false;
}

void judge_close(struct judge *judge)
{
	judge_flush(judge);
	pt_offline_close(judge->offline);
	oracle_table_free(judge->oracle);
	rule_set_done(&judge->set);
	free(judge->connections);
}

void judge_publish(struct judge *judge, const struct rule_set *set)
{
	char message[512] = "";
	struct pt_snapshot *snapshot;
	int error;

	judge_flush(judge);
	snapshot = judge_take(judge, set);
	error = pt_offline_publish(judge->offline, snapshot, snapshot->bytes, message,
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

/* Whether a frame of this size may have gone around the engine, or must have. */
static bool native_is_right(bool native, size_t size)
{
	if (!pt_offline_engine.native)
		return !native;
	return native ? size < PT_ETHERNET_BYTES + 1 || size > SURELY_RUN
		      : size >= PT_ETHERNET_BYTES;
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
	if (!native_is_right(result->native, size))
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

static void judge_difference(const struct judge *judge, const struct judged *judged,
			     const struct expected *expected,
			     const struct pt_offline_result *result, const char *difference)
{
	print_bytes("frame", judged->frame, judged->size);
	print_bytes("should be", expected->frame, expected->size);
	print_bytes("is", result->frame, result->bytes);
	fail_msg(
		"%s: way %d, buffers %u %u, %s; should be %s, classes %u %u, mark %#x, forward %d; "
		"is %s, classes %u %u, mark %#x, forward %d%s",
		judged->name, judge->options.way, judge->options.first_bytes,
		judge->options.next_bytes, difference, pt_outcome_name(expected->outcome),
		expected->verdict.source, expected->verdict.destination, expected->mark,
		judge->options.forward, pt_outcome_name(result->outcome), result->source_class,
		result->destination_class, result->mark, result->forward,
		result->native ? ", native" : "");
}

static void judge_result(struct judge *judge, const struct judged *judged,
			 const struct pt_offline_result *result)
{
	struct expected expected;
	const char *difference;

	expect(judge, judged->frame, judged->size, &expected);
	difference = first_difference(judge, &expected, result, judged->size);
	if (difference)
		judge_difference(judge, judged, &expected, result, difference);
	judge_count(judge, &expected, judged->size);
	judge->frames++;
	judge->native_frames += result->native;
	free(expected.frame);
}

/* The results are judged when all are there: none may have overwritten another. */
void judge_flush(struct judge *judge)
{
	struct pt_offline_frame frames[PT_OFFLINE_BURST_MAX];
	struct pt_offline_result results[PT_OFFLINE_BURST_MAX];
	const struct judged *queue = judge->queue;
	size_t count = judge->queued;
	int error = 0;

	for (size_t i = 0; i < count; i++)
		frames[i] = (struct pt_offline_frame){queue[i].frame, queue[i].size};
	if (count)
		error = pt_offline_run(judge->offline, frames, count, results);
	if (error && (error != -EINVAL || judge_must_run(judge, queue[0].size)))
		fail_msg("%s: pt_offline_run of %zu frames, the first of %zu bytes: %d",
			 queue[0].name, count, queue[0].size, error);
	for (size_t i = 0; i < count; i++) {
		if (!error)
			judge_result(judge, &queue[i], &results[i]);
		free(queue[i].frame);
	}
	judge->queued = 0;
	judge->burst = judge->random ? 1 + random_below(judge->random, PT_OFFLINE_BURST_MAX) : 1;
}

void judge_in_bursts(struct judge *judge, struct random *random)
{
	judge->random = random;
	judge_flush(judge);
}

/* A copy of its own size each, so that a read past the end is one past its memory. */
static void judge_queue(struct judge *judge, const char *name, const void *frame, size_t size)
{
	struct judged *judged = &judge->queue[judge->queued++];

	*judged = (struct judged){name, malloc(size ? size : 1), size};
	assert_non_null(judged->frame);
	if (size)
		memcpy(judged->frame, frame, size);
}

/* A frame that may be refused is run alone, since a burst is run whole or not at all. */
void judge_frame(struct judge *judge, const char *name, const void *frame, size_t size)
{
	bool alone = !judge_must_run(judge, size);

	if (alone)
		judge_flush(judge);
	judge_queue(judge, name, frame, size);
	if (alone || judge->queued >= judge->burst)
		judge_flush(judge);
}

void judge_counters(struct judge *judge)
{
	const struct pt_counters *counters = pt_offline_counters(judge->offline);
	struct pt_port_counters port = {0};

	judge_flush(judge);
	pt_counters_port(counters, 0, &port);
	assert_memory_equal(&port, &judge->port, sizeof(port));
	assert_in_range(counters->capacity, judge->connection_count, UINT32_MAX);
	for (uint32_t i = 0; i < judge->connection_count; i++) {
		struct pt_connection_counters sum = {0};

		pt_counters_connection(counters, i, &sum);
		assert_memory_equal(&sum, &judge->connections[i], sizeof(sum));
	}
}
