/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verifier of tables: whatever would lead a lookup out of the image, break by break; and with
 * bytes changed at random, that what it lets through is safe to look up in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/snapshot.h>

#include "table_sets.h"

#define RANDOM_PATCHES 6000
#define LOOKUPS	       200

/* An image in memory of exactly its size, and where its sections begin. */
struct subject {
	struct pt_table *table;
	size_t bytes;
	uint32_t class_count;
	uint64_t arrays, nodes, children, levels[PT_TABLE_LEVELS], values;
};

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + PT_TABLE_LINE - 1) / PT_TABLE_LINE * PT_TABLE_LINE;
}

static void find_sections(struct subject *subject)
{
	const struct pt_table *table = subject->table;
	uint64_t at = sizeof(*table) + round_up(table->class_count * sizeof(struct pt_class));

	subject->arrays = at;
	subject->nodes = at += (uint64_t)table->array_lines * PT_TABLE_LINE;
	subject->children = at += (uint64_t)table->node_count * PT_TABLE_LINE;
	at += (uint64_t)table->child_count * PT_TABLE_LINE;
	for (int level = 0; level < PT_TABLE_LEVELS; level++) {
		subject->levels[level] = at;
		at += (uint64_t)table->level_count[level] * PT_TABLE_LINE;
	}
	subject->values = at;
	at += round_up((uint64_t)table->value_count << table->value_shift) + PT_TABLE_LINE;
	assert_int_equal(at, table->bytes);
}

static void subject_init(struct subject *subject, const struct rule_set *set)
{
	struct pt_snapshot *snapshot = rule_set_snapshot(set, 1);

	subject->bytes = pt_snapshot_table(snapshot)->bytes;
	subject->class_count = set->class_count;
	subject->table = malloc(subject->bytes);
	memcpy(subject->table, pt_snapshot_table(snapshot), subject->bytes);
	free(snapshot);
	find_sections(subject);
}

/* One with nodes of all kinds: children, three levels, values that are elsewhere. */
static void subject_rich(struct subject *subject, uint32_t class_count)
{
	struct random random = {.state = 1};
	struct rule_set set = {0};

	table_set_find("nodes of every size, IPv4")->fill(&set, &random);
	table_set_find("uneven subtrees")->fill(&set, &random);
	rule_set_sort(&set);
	rule_set_describe(&set, class_count);
	subject_init(subject, &set);
	assert_true(subject->table->child_count > 1 && subject->table->level_count[2] > 0);
	rule_set_done(&set);
}

static const char *verify(const struct subject *subject)
{
	return pt_table_verify(subject->table, subject->bytes, subject->class_count);
}

enum place {
	HEAD,
	ARRAY,	     /* the last entry of all */
	NODE,	     /* without children, its values its own */
	NODE_PARENT, /* with children */
	CHILD,
	LEAF, /* likewise */
	LEAF_PARENT,
	BRANCH_1,
	BRANCH_2,
};

static bool is_own(const struct subject *subject, uint64_t node, uint32_t values, size_t own)
{
	return (uint64_t)values << subject->table->value_shift == node + own;
}

static uint32_t value_at(const struct subject *subject, uint32_t index)
{
	return pt_table_value(subject->table, index, ~(__u64)0);
}

static bool node_is(const struct subject *subject, uint64_t at, bool parent)
{
	const struct pt_node *node = (const void *)((char *)subject->table + at);
	bool own = is_own(subject, at, node->values + 1, offsetof(struct pt_node, own));

	return own && !(value_at(subject, node->values + 2) & subject->table->split) == !parent;
}

static bool leaf_is(const struct subject *subject, uint64_t at, bool parent)
{
	const struct pt_leaf *leaf = (const void *)((char *)subject->table + at);
	bool own = is_own(subject, at, leaf->values, offsetof(struct pt_leaf, own));

	return own && leaf->last[0] != PT_TABLE_KEY_MAX &&
	       !(value_at(subject, leaf->values + 1) & subject->table->split) == !parent;
}

/* The first of its section that is such a node. */
static uint64_t search(const struct subject *subject, uint64_t at, uint64_t end,
		       bool (*is)(const struct subject *subject, uint64_t at, bool parent),
		       bool parent)
{
	for (; at < end; at += PT_TABLE_LINE)
		if (is(subject, at, parent))
			return at;
	fail();
	return 0;
}

static uint64_t place_of(const struct subject *subject, enum place place)
{
	switch (place) {
	case HEAD:
		break;
	case ARRAY:
		return subject->nodes - sizeof(uint32_t);
	case NODE:
		return search(subject, subject->nodes, subject->children, node_is, false);
	case NODE_PARENT:
		return search(subject, subject->nodes, subject->children, node_is, true);
	case CHILD:
		return search(subject, subject->children, subject->levels[0], node_is, false);
	case LEAF:
		return search(subject, subject->levels[0], subject->levels[1], leaf_is, false);
	case LEAF_PARENT:
		return search(subject, subject->levels[0], subject->levels[1], leaf_is, true);
	case BRANCH_1:
		return subject->levels[1];
	case BRANCH_2:
		return subject->levels[2];
	}
	return 0;
}

/* A field, and what is put there: a number, or where something begins and so many bytes further. */
struct breakage {
	const char *what;
	enum place place;
	size_t offset, bytes;
	enum {
		NUMBER,
		FURTHER, /* than it was */
		TO_ARRAYS,
		TO_NODES,
		TO_CHILDREN,
		TO_LEAVES,
		TO_BRANCHES,
		TO_VALUES,
		TO_END,
	} to;
	int64_t number;
};

#define BREAK(place, type, member, to, number)                                                     \
	{                                                                                          \
#place "." #member " " #to " " #number, place, offsetof(type, member),             \
			sizeof(((type *)0)->member), to, number                                    \
	}
#define HEAD_BREAK(member, to, number)		BREAK(HEAD, struct pt_table, member, to, number)
#define NODE_BREAK(place, member, to, number)	BREAK(place, struct pt_node, member, to, number)
#define LEAF_BREAK(place, member, to, number)	BREAK(place, struct pt_leaf, member, to, number)
#define BRANCH_BREAK(place, member, to, number) BREAK(place, struct pt_branch, member, to, number)
#define ARRAY_BREAK(to, number)                                                                    \
	{                                                                                          \
		"ARRAY " #to " " #number, ARRAY, 0, sizeof(uint32_t), to, number                   \
	}
#define VALUE_BREAK(place, type, index, number)                                                    \
	{                                                                                          \
#place ".own[" #index "] " #number, place, offsetof(type, own) + 2 * (index), 2,   \
			NUMBER, number                                                             \
	}
#define LAST_16 (PT_TABLE_ROOT4 - 1)
#define LAST_12 (PT_TABLE_ROOT6 - 1)

static const struct breakage breakages[] = {
	HEAD_BREAK(value_shift, NUMBER, 0),
	HEAD_BREAK(value_shift, NUMBER, 2),
	HEAD_BREAK(value_mask, NUMBER, 0xffffffff),
	HEAD_BREAK(split, NUMBER, 0),
	HEAD_BREAK(split, NUMBER, 0x4000),
	HEAD_BREAK(counted, NUMBER, 0xffffffff),
	HEAD_BREAK(unmeasured, NUMBER, 0xffffffff),
	HEAD_BREAK(class_count, FURTHER, -1),
	HEAD_BREAK(class_count, FURTHER, 1),
	HEAD_BREAK(class_count, NUMBER, 0xffffffff),
	HEAD_BREAK(array_lines, FURTHER, -1),
	HEAD_BREAK(array_lines, FURTHER, 1),
	HEAD_BREAK(node_count, FURTHER, -1),
	HEAD_BREAK(node_count, FURTHER, 1),
	HEAD_BREAK(child_count, FURTHER, -1),
	HEAD_BREAK(child_count, FURTHER, 1),
	HEAD_BREAK(child_count, NUMBER, 0xffffffff),
	HEAD_BREAK(level_count[0], FURTHER, -1),
	HEAD_BREAK(level_count[0], FURTHER, 1),
	HEAD_BREAK(level_count[1], FURTHER, 1),
	HEAD_BREAK(level_count[2], FURTHER, -1),
	HEAD_BREAK(level_count[7], NUMBER, 1),
	HEAD_BREAK(level_count[7], NUMBER, 0xffffffff),
	HEAD_BREAK(value_count, FURTHER, -32),
	HEAD_BREAK(value_count, FURTHER, 32),
	HEAD_BREAK(value_count, NUMBER, 0xffffffff),
	HEAD_BREAK(bytes, FURTHER, -64),
	HEAD_BREAK(bytes, FURTHER, 64),
	HEAD_BREAK(bytes, NUMBER, -1),
	HEAD_BREAK(padding[0], NUMBER, 1),
	HEAD_BREAK(root4[0], NUMBER, 0),
	HEAD_BREAK(root4[0], NUMBER, -1),
	HEAD_BREAK(root4[LAST_16], FURTHER, 1),
	HEAD_BREAK(root4[LAST_16], FURTHER, 32),
	HEAD_BREAK(root4[7], TO_NODES, -64),
	HEAD_BREAK(root4[7], TO_CHILDREN, 0),
	HEAD_BREAK(root4[7], TO_LEAVES, 0),
	HEAD_BREAK(root4[7], TO_END, 0),
	HEAD_BREAK(root6[0].array, NUMBER, 0),
	HEAD_BREAK(root6[0].array, NUMBER, -1),
	HEAD_BREAK(root6[LAST_12].array, FURTHER, 4),
	HEAD_BREAK(root6[LAST_12].array, TO_ARRAYS, -64),
	HEAD_BREAK(root6[LAST_12].array, TO_NODES, 0),
	HEAD_BREAK(root6[LAST_12].array, TO_END, 0),
	HEAD_BREAK(root6[LAST_12].shift, NUMBER, PT_TABLE_SHIFT_MIN - 1),
	HEAD_BREAK(root6[LAST_12].shift, NUMBER, PT_TABLE_SHIFT_MAX + 1),
	HEAD_BREAK(root6[LAST_12].shift, NUMBER, 0),
	HEAD_BREAK(root6[LAST_12].shift, NUMBER, 32 + PT_TABLE_SHIFT_MAX),
	HEAD_BREAK(root6[LAST_12].shift, NUMBER, -1),
	ARRAY_BREAK(NUMBER, 0),
	ARRAY_BREAK(NUMBER, -1),
	ARRAY_BREAK(TO_LEAVES, 1), /* a leaf, said to be a branch */
	ARRAY_BREAK(TO_LEAVES, 8),
	ARRAY_BREAK(TO_LEAVES, -64),
	ARRAY_BREAK(TO_BRANCHES, 0), /* a branch, said to be a leaf */
	ARRAY_BREAK(TO_BRANCHES, 2),
	ARRAY_BREAK(TO_BRANCHES, 7),
	ARRAY_BREAK(TO_NODES, 0),
	ARRAY_BREAK(TO_VALUES, 0),
	ARRAY_BREAK(TO_END, 0),
	NODE_BREAK(NODE, starts[0], FURTHER, -1),
	NODE_BREAK(NODE, before[0], NUMBER, 1),
	NODE_BREAK(NODE, before[1], FURTHER, 1),
	NODE_BREAK(NODE, before[3], NUMBER, 255),
	NODE_BREAK(NODE, values, NUMBER, -2),
	NODE_BREAK(NODE, values, NUMBER, 0x7fffffff),
	NODE_BREAK(NODE, values, TO_END, -64), /* the first value is just outside */
	VALUE_BREAK(NODE, struct pt_node, 0, 201),
	VALUE_BREAK(NODE, struct pt_node, 0, 0x7fff),
	VALUE_BREAK(NODE, struct pt_node, 0, 0xffff),
	NODE_BREAK(NODE_PARENT, children, NUMBER, 0),
	NODE_BREAK(NODE_PARENT, children, NUMBER, -64),
	NODE_BREAK(NODE_PARENT, children, FURTHER, 1),
	NODE_BREAK(NODE_PARENT, children, TO_CHILDREN, -64),
	NODE_BREAK(NODE_PARENT, children, TO_LEAVES, 0),
	VALUE_BREAK(NODE_PARENT, struct pt_node, 0, 0xfff0),
	NODE_BREAK(CHILD, starts[0], FURTHER, -1),
	NODE_BREAK(CHILD, before[2], FURTHER, 1),
	NODE_BREAK(CHILD, values, NUMBER, -2),
	VALUE_BREAK(CHILD, struct pt_node, 0, 201),
	VALUE_BREAK(CHILD, struct pt_node, 0, 0x8000), /* a child has none of its own */
	LEAF_BREAK(LEAF, values, NUMBER, -1),
	LEAF_BREAK(LEAF, values, TO_END, -64),
	VALUE_BREAK(LEAF, struct pt_leaf, 0, 201),
	VALUE_BREAK(LEAF, struct pt_leaf, 1, 0xffff),
	LEAF_BREAK(LEAF_PARENT, children, NUMBER, 0),
	LEAF_BREAK(LEAF_PARENT, children, NUMBER, -64),
	LEAF_BREAK(LEAF_PARENT, children, FURTHER, 1),
	LEAF_BREAK(LEAF_PARENT, children, FURTHER, 8),
	LEAF_BREAK(LEAF_PARENT, children, TO_CHILDREN, 0),
	LEAF_BREAK(LEAF_PARENT, children, TO_BRANCHES, 0),
	LEAF_BREAK(LEAF_PARENT, children, TO_VALUES, 0),
	VALUE_BREAK(LEAF_PARENT, struct pt_leaf, 1, 0xfff0),
	BRANCH_BREAK(BRANCH_1, children, NUMBER, 0),
	BRANCH_BREAK(BRANCH_1, children, NUMBER, -64),
	BRANCH_BREAK(BRANCH_1, children, FURTHER, 1),
	BRANCH_BREAK(BRANCH_1, children, TO_BRANCHES, 1), /* a branch of its own level: a circle */
	BRANCH_BREAK(BRANCH_1, children, TO_BRANCHES, -64), /* the last leaf, and those behind it */
	BRANCH_BREAK(BRANCH_2, children, FURTHER, -1),	    /* leaves, one level too low */
	BRANCH_BREAK(BRANCH_2, children, FURTHER, 8),
	BRANCH_BREAK(BRANCH_2, children, TO_LEAVES, 1),
	BRANCH_BREAK(BRANCH_2, children, TO_VALUES, 1),
};

static uint64_t broken_value(const struct subject *subject, const struct breakage *breakage,
			     uint64_t good)
{
	/* An index of a value, where the field is one. */
	uint64_t end = strstr(breakage->what, ".values") ? subject->bytes >> 1 : subject->bytes;

	switch (breakage->to) {
	case NUMBER:
		break;
	case FURTHER:
		return good + breakage->number;
	case TO_ARRAYS:
		return subject->arrays + breakage->number;
	case TO_NODES:
		return subject->nodes + breakage->number;
	case TO_CHILDREN:
		return subject->children + breakage->number;
	case TO_LEAVES:
		return subject->levels[0] + breakage->number;
	case TO_BRANCHES:
		return subject->levels[1] + breakage->number;
	case TO_VALUES:
		return subject->values + breakage->number;
	case TO_END:
		return end + breakage->number / (end == subject->bytes ? 1 : 2);
	}
	return breakage->number;
}

static void every_way_out_of_the_image_is_refused(void **state)
{
	struct subject subject;

	(void)state;
	subject_rich(&subject, 200);
	assert_null(verify(&subject));
	for (size_t i = 0; i < sizeof(breakages) / sizeof(*breakages); i++) {
		const struct breakage *breakage = &breakages[i];
		char *field = (char *)subject.table + place_of(&subject, breakage->place) +
			      breakage->offset;
		uint64_t good = 0, bad;

		memcpy(&good, field, breakage->bytes);
		bad = broken_value(&subject, breakage, good);
		assert_memory_not_equal(&good, &bad, breakage->bytes);
		memcpy(field, &bad, breakage->bytes);
		if (!verify(&subject))
			fail_msg("%s is accepted", breakage->what);
		memcpy(field, &good, breakage->bytes);
	}
	assert_null(verify(&subject));
	free(subject.table);
}

/* In memory of that size, whatever the head says of it. */
static void a_table_cut_at_any_line_is_refused(void **state)
{
	struct subject subject;

	(void)state;
	subject_rich(&subject, 200);
	for (size_t bytes = 0; bytes < subject.bytes; bytes += PT_TABLE_LINE) {
		struct pt_table *cut = malloc(bytes ? bytes : 1);

		memcpy(cut, subject.table, bytes);
		assert_non_null(pt_table_verify(cut, bytes, subject.class_count));
		if (bytes >= sizeof(*cut))
			cut->bytes = bytes;
		assert_non_null(pt_table_verify(cut, bytes, subject.class_count));
		free(cut);
	}
	assert_non_null(verify(&(struct subject){subject.table, subject.bytes - 1, 200}));
	assert_non_null(verify(&(struct subject){subject.table, subject.bytes, 199}));
	assert_non_null(verify(&(struct subject){subject.table, subject.bytes, 201}));
	assert_non_null(verify(&(struct subject){subject.table, subject.bytes, 0}));
	free(subject.table);
}

static void look_up(const struct subject *subject, struct random *random)
{
	const struct pt_table *table = subject->table;

	for (int i = 0; i < LOOKUPS; i++) {
		uint64_t high = random_next(random), low = random_next(random);

		assert_in_range(pt_table_lookup4(table, high), 0, subject->class_count);
		assert_in_range(pt_table_lookup6(table, high, low), 0, subject->class_count);
		/* Where the rules are. */
		high = 0x20010db800000000 | (high & 0x7ffff);
		assert_in_range(pt_table_lookup6(table, high, low), 0, subject->class_count);
		assert_in_range(pt_table_lookup4(table, high & 0x80ffffff), 0,
				subject->class_count);
	}
}

/* One patch of up to eight bytes; most of them where the nodes are, which are few beside the roots.
 */
static size_t patch(const struct subject *subject, struct random *random, uint8_t old[8],
		    size_t *ret_at)
{
	size_t first = random_chance(random, 90) ? subject->arrays : 0;
	size_t size = 1 << random_below(random, 4);
	size_t at = first + random_below(random, subject->bytes - first) / size * size;
	uint8_t new[8];

	if (at + size > subject->bytes)
		size = 1;
	memcpy(old, (char *)subject->table + at, size);
	random_fill(random, new, sizeof(new));
	if (random_chance(random, 60)) {
		memcpy(new, old, size);
		new[random_below(random, size)] ^= 1 << random_below(random, 8);
	}
	memcpy((char *)subject->table + at, new, size);
	*ret_at = at;
	return size;
}

static void what_is_accepted_is_safe_to_look_up_in(void **state)
{
	struct subject subject;
	struct random random;
	int accepted = 0;

	(void)state;
	random_init(&random);
	for (int wide = 0; wide <= 1; wide++) {
		subject_rich(&subject, wide ? 40000 : 200);
		for (int i = 0; i < RANDOM_PATCHES; i++) {
			uint8_t old[8];
			size_t at, size = patch(&subject, &random, old, &at);

			if (!verify(&subject)) {
				accepted++;
				look_up(&subject, &random);
			}
			memcpy((char *)subject.table + at, old, size);
		}
		assert_null(verify(&subject));
		free(subject.table);
	}
	print_message("# %d of %d changes accepted\n", accepted, 2 * RANDOM_PATCHES);
	assert_in_range(accepted, RANDOM_PATCHES / 20, 2 * RANDOM_PATCHES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_out_of_the_image_is_refused),
		cmocka_unit_test(a_table_cut_at_any_line_is_refused),
		cmocka_unit_test(what_is_accepted_is_safe_to_look_up_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
