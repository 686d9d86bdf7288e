/* SPDX-License-Identifier: BSD-3-Clause */
/* The verifier of snapshots: every promise of the header, broken one by one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/snapshot.h>

#include "table/snapshot_build.h"

#define CAPACITY      8
#define LATENCY_SLOTS 2

/* Three classes of two connections, three rules a family. */
static struct pt_snapshot *good_snapshot(void)
{
	static const struct pt_class classes[] = {
		{.counter = 0, .mark = 1, .dscp = PT_DSCP_NONE},
		{.counter = 1, .mark = 2, .vlan = 4094, .dscp = 63},
		{.counter = 0, .mark = 1, .latency_slot = 1},
	};
	static const __u32 connections[] = {7, 9, 7};
	static const struct pt_rule4 rules4[] = {
		{0x0a000000, 1, 8, {}}, {0x0a000000, 3, 16, {}}, {0xcb007101, 2, 32, {}}};
	static const struct pt_rule6 rules6[] = {{{0x20, 0x01}, 1, 16, {}},
						 {{0x20, 0x01}, 3, 32, {}},
						 {{0x20, 0x02, [15] = 1}, 2, 128, {}}};
	static const struct snapshot_parts parts = {.generation = 1,
						    .counters = 2,
						    .class_count = 3,
						    .classes = classes,
						    .connections = connections,
						    .default_class = {0, 3},
						    .rule_count = {3, 3},
						    .rules4 = rules4,
						    .rules6 = rules6};
	struct pt_snapshot *snapshot;

	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	return snapshot;
}

static int verify_of(const struct pt_snapshot *snapshot, size_t bytes)
{
	static const struct pt_snapshot_limits limits = {CAPACITY, LATENCY_SLOTS};
	const char *why = NULL;
	int error = pt_snapshot_verify(snapshot, bytes, &limits, &why);

	if (error)
		assert_non_null(why);
	return error;
}

static void a_good_snapshot_is_accepted(void **state)
{
	struct pt_snapshot *snapshot = good_snapshot();

	(void)state;
	assert_int_equal((uintptr_t)snapshot % PT_TABLE_LINE, 0);
	assert_int_equal(verify_of(snapshot, snapshot->bytes), 0);
	free(snapshot);
}

static void an_empty_snapshot_is_accepted(void **state)
{
	const struct snapshot_parts parts = {.generation = 1};
	struct pt_snapshot *snapshot;
	const struct pt_snapshot_limits none = {};
	const char *why;

	(void)state;
	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	assert_int_equal(pt_snapshot_verify(snapshot, snapshot->bytes, &none, &why), 0);
	free(snapshot);
}

enum part {
	HEADER,
	TABLE,
	CLASSES,
	CONNECTIONS,
	RULES4,
	RULES6,
};

static void *part_of(struct pt_snapshot *snapshot, enum part part)
{
	switch (part) {
	case HEADER:
		break;
	case TABLE:
		return (void *)pt_snapshot_table(snapshot);
	case CLASSES:
		return (void *)pt_snapshot_classes(snapshot);
	case CONNECTIONS:
		return (void *)pt_snapshot_connections(snapshot);
	case RULES4:
		return (void *)pt_snapshot_rules4(snapshot);
	case RULES6:
		return (void *)pt_snapshot_rules6(snapshot);
	}
	return snapshot;
}

/* A word of the snapshot, and a value that makes it wrong though the checksum fits. */
struct breakage {
	const char *what;
	enum part part;
	size_t offset;
	size_t bytes;
	__u64 value;
	int error;
};

#define BREAK(part, index, type, member, value, error)                                             \
	{                                                                                          \
#part "[" #index "]." #member, part,                                               \
			(index) * sizeof(type) + offsetof(type, member),                           \
			sizeof(((type *)0)->member), value, error                                  \
	}
#define HEADER_BREAK(member, value, error)                                                         \
	BREAK(HEADER, 0, struct pt_snapshot, member, value, error)
#define TABLE_BREAK(member, value) BREAK(TABLE, 0, struct pt_table, member, value, -EBADMSG)
#define CLASS_BREAK(index, member, value)                                                          \
	BREAK(CLASSES, index, struct pt_class, member, value, -EBADMSG)
#define RULE4_BREAK(index, member, value)                                                          \
	BREAK(RULES4, index, struct pt_rule4, member, value, -EBADMSG)
#define RULE6_BREAK(index, member, value)                                                          \
	BREAK(RULES6, index, struct pt_rule6, member, value, -EBADMSG)
#define CONNECTION_BREAK(index, value)                                                             \
	{                                                                                          \
		"CONNECTIONS[" #index "]", CONNECTIONS, (index) * sizeof(__u32), sizeof(__u32),    \
			value, -EBADMSG                                                            \
	}

static const struct breakage breakages[] = {
	HEADER_BREAK(magic, 0x3267617472656570ull, -EBADMSG),
	HEADER_BREAK(abi, PT_SNAPSHOT_ABI - 1, -EPROTONOSUPPORT),
	HEADER_BREAK(abi, PT_SNAPSHOT_ABI + 1, -EPROTONOSUPPORT),
	HEADER_BREAK(reserved, 1, -EBADMSG),
	HEADER_BREAK(generation, 0, -EBADMSG),
	HEADER_BREAK(default_class[PT_IPV4], 4, -EBADMSG),
	HEADER_BREAK(default_class[PT_IPV6], ~0u, -EBADMSG),
	HEADER_BREAK(class_count, 2, -EBADMSG),
	HEADER_BREAK(class_count, 4, -EBADMSG),
	HEADER_BREAK(class_count, 1u << 30, -EBADMSG),
	HEADER_BREAK(class_count, ~0u, -EBADMSG),
	HEADER_BREAK(counters, 1, -EBADMSG),
	HEADER_BREAK(counters, CAPACITY + 1, -ENOSPC),
	HEADER_BREAK(latency_slots, 0, -EBADMSG),
	HEADER_BREAK(latency_slots, LATENCY_SLOTS + 1, -ENOSPC),
	HEADER_BREAK(reserved_too, 1, -EBADMSG),
	HEADER_BREAK(rule_count[PT_IPV4], 2, -EBADMSG),
	HEADER_BREAK(rule_count[PT_IPV4], ~0u, -EBADMSG),
	HEADER_BREAK(rule_count[PT_IPV6], 4, -EBADMSG),
	HEADER_BREAK(rule_count[PT_IPV6], ~0u, -EBADMSG),
	HEADER_BREAK(table_offset, 0, -EBADMSG),
	HEADER_BREAK(table_offset, sizeof(struct pt_snapshot), -EBADMSG),
	HEADER_BREAK(table_offset, ~0ull, -EBADMSG),
	HEADER_BREAK(connections_offset, 0, -EBADMSG),
	HEADER_BREAK(connections_offset, 128 + sizeof(struct pt_table), -EBADMSG),
	HEADER_BREAK(connections_offset, ~63ull, -EBADMSG),
	HEADER_BREAK(rules_offset[PT_IPV4], 96, -EBADMSG),
	HEADER_BREAK(rules_offset[PT_IPV6], ~0ull, -EBADMSG),
	TABLE_BREAK(value_shift, 0),
	TABLE_BREAK(value_shift, 2),
	TABLE_BREAK(value_shift, 64),
	TABLE_BREAK(value_mask, 0xffffffff),
	TABLE_BREAK(value_mask, 0),
	TABLE_BREAK(split, 0),
	TABLE_BREAK(split, 0x80000000),
	TABLE_BREAK(counted, 4),
	TABLE_BREAK(counted, 3), /* class 3 has counter 0 */
	TABLE_BREAK(unmeasured, 4),
	TABLE_BREAK(unmeasured, 3), /* class 3 has a latency slot */
	TABLE_BREAK(class_count, 2),
	TABLE_BREAK(class_count, 4),
	TABLE_BREAK(class_count, 0x8000),
	TABLE_BREAK(class_count, ~0u),
	TABLE_BREAK(array_lines, 0),
	TABLE_BREAK(array_lines, ~0u),
	TABLE_BREAK(node_count, 0),
	TABLE_BREAK(node_count, ~0u),
	TABLE_BREAK(child_count, 0),
	TABLE_BREAK(child_count, ~0u),
	TABLE_BREAK(level_count[0], 0),
	TABLE_BREAK(level_count[0], ~0u),
	TABLE_BREAK(level_count[1], 1),
	TABLE_BREAK(level_count[7], ~0u),
	TABLE_BREAK(bytes, 0),
	TABLE_BREAK(bytes, ~0ull),
	TABLE_BREAK(value_count, 33),
	TABLE_BREAK(value_count, ~0u),
	TABLE_BREAK(padding[0], 1),
	TABLE_BREAK(padding[11], 1),
	TABLE_BREAK(root4[0], 0),
	TABLE_BREAK(root4[PT_TABLE_ROOT4 - 1], ~0u),
	TABLE_BREAK(root6[0].array, 0),
	TABLE_BREAK(root6[PT_TABLE_ROOT6 - 1].array, ~0u),
	TABLE_BREAK(root6[PT_TABLE_ROOT6 - 1].shift, PT_TABLE_SHIFT_MIN - 1),
	TABLE_BREAK(root6[PT_TABLE_ROOT6 - 1].shift, PT_TABLE_SHIFT_MAX + 1),
	CONNECTION_BREAK(0, 0),
	CONNECTION_BREAK(0, 8), /* shares its counter with class 3, of 7 */
	CLASS_BREAK(1, counter, 2),
	CLASS_BREAK(1, counter, 0), /* the counter of another connection */
	CLASS_BREAK(1, counter, ~0u),
	CLASS_BREAK(1, mark, 0),
	CLASS_BREAK(1, vlan, 4095),
	CLASS_BREAK(1, dscp, 64),
	CLASS_BREAK(2, reserved, 1),
	RULE4_BREAK(0, class, 0),
	RULE4_BREAK(0, class, 4),
	RULE4_BREAK(0, len, 0),
	RULE4_BREAK(0, len, 6), /* 10.0.0.0/6 has a bit below */
	RULE4_BREAK(2, len, 33),
	RULE4_BREAK(1, len, 8), /* there twice */
	RULE4_BREAK(2, addr, 0x09000000),
	RULE4_BREAK(1, reserved[2], 1),
	RULE6_BREAK(0, class, 4),
	RULE6_BREAK(0, len, 0),
	RULE6_BREAK(0, len, 15),
	RULE6_BREAK(1, len, 129),
	RULE6_BREAK(1, len, 16),
	RULE6_BREAK(2, len, 127),
	RULE6_BREAK(0, addr[15], 1),
	RULE6_BREAK(2, addr[0], 0x1f),
	RULE6_BREAK(1, reserved[0], 1),
};

static void every_broken_promise_is_refused(void **state)
{
	struct pt_snapshot *snapshot = good_snapshot();
	size_t bytes = snapshot->bytes;
	int error;

	(void)state;
	for (size_t i = 0; i < sizeof(breakages) / sizeof(*breakages); i++) {
		const struct breakage *breakage = &breakages[i];
		char *word = (char *)part_of(snapshot, breakage->part) + breakage->offset;
		__u64 good;

		memcpy(&good, word, breakage->bytes);
		assert_memory_not_equal(word, &breakage->value, breakage->bytes);
		memcpy(word, &breakage->value, breakage->bytes);
		snapshot->checksum = pt_snapshot_checksum(snapshot);
		error = verify_of(snapshot, bytes);
		if (error != breakage->error)
			fail_msg("%s = %llx: %d instead of %d", breakage->what,
				 (unsigned long long)breakage->value, error, breakage->error);
		memcpy(word, &good, breakage->bytes);
	}
	snapshot->checksum = pt_snapshot_checksum(snapshot);
	assert_int_equal(verify_of(snapshot, bytes), 0);
	free(snapshot);
}

static void flip(struct pt_snapshot *snapshot, size_t bit)
{
	__u8 *bytes = (__u8 *)snapshot;
	size_t size = snapshot->bytes;

	bytes[bit / 8] ^= 1 << bit % 8;
	if (verify_of(snapshot, size) == 0)
		fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
	bytes[bit / 8] ^= 1 << bit % 8;
}

/* Of the table's roots, which are nearly all of it, only some. */
static void every_flipped_bit_is_noticed(void **state)
{
	struct pt_snapshot *snapshot = good_snapshot();
	size_t roots = snapshot->table_offset + offsetof(struct pt_table, root4);
	size_t behind = snapshot->table_offset + sizeof(struct pt_table);

	(void)state;
	for (size_t bit = 0; bit < roots * 8; bit++)
		flip(snapshot, bit);
	for (size_t bit = roots * 8; bit < behind * 8; bit += 1009)
		flip(snapshot, bit);
	for (size_t bit = behind * 8; bit < snapshot->bytes * 8; bit++)
		flip(snapshot, bit);
	assert_int_equal(verify_of(snapshot, snapshot->bytes), 0);
	free(snapshot);
}

/* In memory of exactly that length, so that a read past the end is found by a sanitizer. */
static void truncate_to(const struct pt_snapshot *snapshot, size_t bytes)
{
	struct pt_snapshot *copy = malloc(bytes ? bytes : 1);

	assert_non_null(copy);
	memcpy(copy, snapshot, bytes);
	assert_int_equal(verify_of(copy, bytes), -EBADMSG);
	if (bytes >= sizeof(*copy)) {
		copy->bytes = bytes;
		copy->checksum = pt_snapshot_checksum(copy);
		assert_int_equal(verify_of(copy, bytes), -EBADMSG);
	}
	free(copy);
}

/* Whether the header still says how long it was, or says how long it is now. */
static void every_truncation_is_refused(void **state)
{
	struct pt_snapshot *snapshot = good_snapshot();
	size_t roots = snapshot->table_offset + offsetof(struct pt_table, root4);
	size_t behind = snapshot->table_offset + sizeof(struct pt_table);

	(void)state;
	for (size_t bytes = 0; bytes < roots; bytes++)
		truncate_to(snapshot, bytes);
	for (size_t bytes = roots; bytes < behind; bytes += PT_TABLE_LINE)
		truncate_to(snapshot, bytes);
	for (size_t bytes = behind; bytes < snapshot->bytes; bytes++)
		truncate_to(snapshot, bytes);
	free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_snapshot_is_accepted),
		cmocka_unit_test(an_empty_snapshot_is_accepted),
		cmocka_unit_test(every_broken_promise_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(every_truncation_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
