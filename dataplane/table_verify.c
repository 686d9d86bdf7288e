/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verification of a table: the sections are where their counts put them, and everything that one
 * section names in another is there. A node names its children and values by their first, so what
 * is checked is the highest that its ranks reach. A B-tree ends because a branch's children are one
 * level below it; a child of IPv4 and the last layer of IPv6 have no values that split.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peertag/snapshot.h>
#include <peertag/table.h>

#define LOW_BITS (PT_TABLE_LINE - 1)

/* Of a section: its first line, and how many. */
struct section {
	__u64 first;
	__u64 count;
};

struct sections {
	const struct pt_table *table;
	struct section arrays;
	struct section nodes;
	struct section children;
	struct section levels[PT_TABLE_LEVELS];
	__u64 bytes; /* in which values are */
};

static __u64 lines(__u64 bytes)
{
	return (bytes + PT_TABLE_LINE - 1) / PT_TABLE_LINE;
}

static struct section section_behind(__u64 *line, __u64 count)
{
	struct section section = {*line, count};

	*line += count;
	return section;
}

static const char *verify_head(const struct pt_table *table, __u32 class_count)
{
	bool narrow = class_count <= PT_TABLE_NARROW_CLASSES;

	if (table->class_count != class_count)
		return "the table has another number of classes";
	if (table->value_shift != (narrow ? 1 : 2) ||
	    table->value_mask != (narrow ? 0xffff : 0xffffffff) ||
	    table->split != (narrow ? 0x8000 : 0x80000000))
		return "the width of the table's values is not that of its classes";
	if (table->counted > class_count || table->unmeasured > class_count)
		return "the table tells of more classes than there are";
	for (size_t i = 0; i < sizeof(table->padding) / sizeof(*table->padding); i++)
		if (table->padding[i])
			return "the table's head has a reserved field set";
	return NULL;
}

/* All in 64 bits, from counts of 32: nothing overflows. */
static const char *verify_layout(struct sections *sections, size_t bytes)
{
	const struct pt_table *table = sections->table;
	__u64 line = sizeof(*table) / PT_TABLE_LINE;

	line += lines((__u64)table->class_count * sizeof(struct pt_class));
	sections->arrays = section_behind(&line, table->array_lines);
	sections->nodes = section_behind(&line, table->node_count);
	sections->children = section_behind(&line, table->child_count);
	for (int level = 0; level < PT_TABLE_LEVELS; level++)
		sections->levels[level] = section_behind(&line, table->level_count[level]);
	line += lines((__u64)table->value_count << table->value_shift);
	sections->bytes = line * PT_TABLE_LINE;
	/* Behind the last value there is a line, since a value is read as four bytes. */
	if (table->bytes != (line + 1) * PT_TABLE_LINE || table->bytes != bytes)
		return "the table's length is not the sum of its sections";
	if (table->bytes > UINT32_MAX)
		return "the table is longer than a reference can name";
	return NULL;
}

static const void *line_at(const struct sections *sections, __u64 line)
{
	return (const char *)sections->table + line * PT_TABLE_LINE;
}

/* Whether the lines from `line` on, `count` of them, are all in the section. */
static bool section_has(const struct section *section, __u64 line, __u64 count)
{
	return line >= section->first && line + count <= section->first + section->count;
}

/* Likewise of a reference, whose depth says which level of IPv6 it leads to. */
static bool level_has(const struct sections *sections, __u32 ref, __u64 count)
{
	return (ref & LOW_BITS) < PT_TABLE_LEVELS &&
	       section_has(&sections->levels[ref & LOW_BITS], ref >> PT_TABLE_LINE_BITS, count);
}

/*
 * `count` values from `first` on. Returns 0 and in *ret_children how many children they name (one
 * more than the highest); or -1 where one lies outside, or is neither a class nor a child.
 */
static int verify_values(const struct sections *sections, __u32 first, __u32 count,
			 __u32 *ret_children)
{
	const struct pt_table *table = sections->table;
	__u32 children = 0;

	if ((((__u64)first + count) << table->value_shift) > sections->bytes)
		return -1;
	for (__u32 i = 0; i < count; i++) {
		__u32 value = pt_table_value(table, first + i, ~(__u64)0);
		__u32 child = (value ^ table->split) + 1;

		if (!(value & table->split) && value > table->class_count)
			return -1;
		if (value & table->split && child > children)
			children = child;
	}
	*ret_children = children;
	return 0;
}

/* Returns how many runs the node has, or 0 where its parts do not fit together. */
static __u32 node_runs(const struct pt_node *node)
{
	__u32 runs = 0;

	if (!(node->starts[0] & 1))
		return 0;
	for (int word = 0; word < 4; word++) {
		if (node->before[word] != runs)
			return 0;
		runs += pt_table_popcount(node->starts[word]);
	}
	return runs;
}

/* The rank counts from 1. `below`: where children may be; NULL: there are none. */
static const char *verify_nodes(const struct sections *sections, const struct section *nodes,
				const struct section *below)
{
	const struct pt_node *node = line_at(sections, nodes->first);
	__u32 runs, children;

	for (__u64 i = 0; i < nodes->count; i++, node++) {
		runs = node_runs(node);
		if (!runs)
			return "an IPv4 node's runs are not what it counts";
		if (verify_values(sections, node->values + 1, runs, &children))
			return "an IPv4 node has a value that is no class, or lies outside";
		if (!children)
			continue;
		if (!below || node->children & LOW_BITS ||
		    !section_has(below, node->children >> PT_TABLE_LINE_BITS, children))
			return "an IPv4 node has a child that does not exist";
	}
	return NULL;
}

static __u32 keys_used(const __u32 *last, __u32 count)
{
	__u32 used = 0;

	for (__u32 i = 0; i < count; i++)
		used += last[i] != PT_TABLE_KEY_MAX;
	return used;
}

/*
 * Leaves may lead to B-trees below. Those follow no order that bounds how deep, but a lookup takes
 * no more steps than PT_TABLE_LAYERS full B-trees have, whatever it meets.
 */
static const char *verify_leaves(const struct sections *sections)
{
	const struct section *leaves = &sections->levels[0];
	const struct pt_leaf *leaf = line_at(sections, leaves->first);
	__u32 runs, children;

	for (__u64 i = 0; i < leaves->count; i++, leaf++) {
		runs = keys_used(leaf->last, PT_TABLE_LEAF_RUNS - 1) + 1;
		if (verify_values(sections, leaf->values, runs, &children))
			return "an IPv6 leaf has a value that is no class, or lies outside";
		if (children && !level_has(sections, leaf->children, children))
			return "an IPv6 leaf has a child that does not exist";
	}
	return NULL;
}

static const char *verify_branches(const struct sections *sections, int level)
{
	const struct section *branches = &sections->levels[level];
	const struct pt_branch *branch = line_at(sections, branches->first);

	for (__u64 i = 0; i < branches->count; i++, branch++)
		if ((branch->children & LOW_BITS) != (__u32)level - 1 ||
		    !level_has(sections, branch->children,
			       keys_used(branch->last, PT_TABLE_BRANCH_SIZE - 1) + 1))
			return "an IPv6 branch has a child that does not exist";
	return NULL;
}

static const char *verify_roots(const struct sections *sections)
{
	const struct pt_table *table = sections->table;
	const __u32 *refs = line_at(sections, sections->arrays.first);

	for (__u32 i = 0; i < PT_TABLE_ROOT4; i++)
		if (table->root4[i] & LOW_BITS ||
		    !section_has(&sections->nodes, table->root4[i] >> PT_TABLE_LINE_BITS, 1))
			return "an entry of the IPv4 root leads nowhere";
	for (__u32 i = 0; i < PT_TABLE_ROOT6; i++)
		if (table->root6[i].shift < PT_TABLE_SHIFT_MIN ||
		    table->root6[i].shift > PT_TABLE_SHIFT_MAX ||
		    table->root6[i].array % PT_TABLE_LINE ||
		    !section_has(
			    &sections->arrays, table->root6[i].array / PT_TABLE_LINE,
			    lines(sizeof(*refs) << (PT_TABLE_SHIFT_MAX - table->root6[i].shift))))
			return "an entry of the IPv6 root leads nowhere";
	for (__u64 i = 0; i < sections->arrays.count * (PT_TABLE_LINE / sizeof(*refs)); i++)
		if (!level_has(sections, refs[i], 1))
			return "an entry of an IPv6 array leads nowhere";
	return NULL;
}

const char *pt_table_verify(const struct pt_table *table, size_t bytes, __u32 class_count)
{
	struct sections sections = {.table = table};
	const char *why = bytes < sizeof(*table) ? "the table is shorter than its head" : NULL;

	if (!why)
		why = verify_head(table, class_count);
	if (!why)
		why = verify_layout(&sections, bytes);
	if (!why)
		why = verify_roots(&sections);
	if (!why)
		why = verify_nodes(&sections, &sections.nodes, &sections.children);
	if (!why)
		why = verify_nodes(&sections, &sections.children, NULL);
	if (!why)
		why = verify_leaves(&sections);
	for (int level = 1; !why && level < PT_TABLE_LEVELS; level++)
		why = verify_branches(&sections, level);
	return why;
}
