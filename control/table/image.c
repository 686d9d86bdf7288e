/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"

#include <errno.h>
#include <string.h>

/* Where the sections begin, in lines. */
struct places {
	uint64_t arrays;
	uint64_t nodes;
	uint64_t children;
	uint64_t levels[PT_TABLE_LEVELS];
	uint64_t values;
	uint64_t end;
};

int image_init(struct image *image, uint32_t class_count)
{
	int error = 0;

	memset(image, 0, sizeof(*image));
	image->class_count = class_count;
	image->wide = class_count > PT_TABLE_NARROW_CLASSES;
	image->split = image->wide ? 0x80000000 : 0x8000;
	error |= vector_init(&image->nodes, sizeof(struct pt_node));
	error |= vector_init(&image->children, sizeof(struct pt_node));
	for (int i = 0; i < PT_TABLE_LEVELS; i++)
		error |= vector_init(&image->levels[i], PT_TABLE_LINE);
	error |= vector_init(&image->arrays, sizeof(uint32_t));
	error |= vector_init(&image->values, sizeof(uint32_t));
	return error ? -ENOMEM : 0;
}

void image_done(struct image *image)
{
	vector_done(&image->nodes);
	vector_done(&image->children);
	for (int i = 0; i < PT_TABLE_LEVELS; i++)
		vector_done(&image->levels[i]);
	vector_done(&image->arrays);
	vector_done(&image->values);
}

bool image_failed(const struct image *image)
{
	bool failed = image->nodes.failed | image->children.failed | image->arrays.failed |
		      image->values.failed;

	for (int i = 0; i < PT_TABLE_LEVELS; i++)
		failed |= image->levels[i].failed;
	return failed;
}

static uint32_t value_shift(const struct image *image)
{
	return image->wide ? 2 : 1;
}

static void value_store(const struct image *image, void *to, uint32_t index, uint32_t value)
{
	uint16_t narrow = value;

	if (image->wide)
		memcpy((char *)to + index * sizeof(value), &value, sizeof(value));
	else
		memcpy((char *)to + index * sizeof(narrow), &narrow, sizeof(narrow));
}

uint32_t image_put_values(struct image *image, uint8_t *own, const uint32_t *values, uint32_t count)
{
	uint32_t first = image->values.count;

	if (count << value_shift(image) > PT_TABLE_OWN_BYTES) {
		memcpy(vector_add(&image->values, count), values, count * sizeof(*values));
		return first;
	}
	for (uint32_t i = 0; i < count; i++)
		value_store(image, own, i, values[i]);
	return IMAGE_OWN;
}

static uint64_t lines(uint64_t bytes)
{
	return (bytes + PT_TABLE_LINE - 1) / PT_TABLE_LINE;
}

static struct places image_places(const struct image *image)
{
	struct places places;
	uint64_t line = sizeof(struct pt_table) / PT_TABLE_LINE;

	line += lines(image->class_count * sizeof(struct pt_class));
	places.arrays = line;
	line += lines(image->arrays.count * sizeof(uint32_t));
	places.nodes = line;
	line += image->nodes.count;
	places.children = line;
	line += image->children.count;
	for (int i = 0; i < PT_TABLE_LEVELS; i++) {
		places.levels[i] = line;
		line += image->levels[i].count;
	}
	places.values = line;
	line += lines((uint64_t)image->values.count << value_shift(image));
	/* The last value is read as four bytes. */
	places.end = line + 1;
	return places;
}

uint64_t image_bytes(const struct image *image)
{
	return image_places(image).end * PT_TABLE_LINE;
}

static uint32_t ref_place(const struct places *places, uint32_t ref)
{
	return ref + (uint32_t)(places->levels[ref & PT_TABLE_DEPTH] << PT_TABLE_LINE_BITS);
}

/* What the field `values` is in the image, by what it was and where the node's own bytes are. */
static uint32_t values_place(const struct image *image, const struct places *places,
			     uint32_t values, uint64_t own)
{
	uint64_t place = values == IMAGE_OWN ? own : places->values * PT_TABLE_LINE;

	return (place >> value_shift(image)) + (values == IMAGE_OWN ? 0 : values);
}

/* The rank counts from 1 in IPv4. */
static void node_write(const struct image *image, const struct places *places, struct pt_node *node,
		       uint64_t line)
{
	uint64_t own = line * PT_TABLE_LINE + offsetof(struct pt_node, own);

	node->values = values_place(image, places, node->values, own) - 1;
}

static void leaf_write(const struct image *image, const struct places *places, struct pt_leaf *leaf,
		       uint64_t line)
{
	uint64_t own = line * PT_TABLE_LINE + offsetof(struct pt_leaf, own);

	leaf->values = values_place(image, places, leaf->values, own);
	leaf->children = ref_place(places, leaf->children);
}

static void write_nodes4(const struct image *image, const struct places *places,
			 struct pt_table *table)
{
	struct pt_node *nodes = (struct pt_node *)table + places->nodes;
	struct pt_node *children = (struct pt_node *)table + places->children;

	memcpy(nodes, image->nodes.items, image->nodes.count * sizeof(*nodes));
	memcpy(children, image->children.items, image->children.count * sizeof(*children));
	for (uint32_t i = 0; i < image->nodes.count; i++) {
		node_write(image, places, &nodes[i], places->nodes + i);
		nodes[i].children = (places->children + nodes[i].children) << PT_TABLE_LINE_BITS;
	}
	for (uint32_t i = 0; i < image->children.count; i++)
		node_write(image, places, &children[i], places->children + i);
	for (uint32_t i = 0; i < PT_TABLE_ROOT4; i++)
		table->root4[i] = (places->nodes + image->root4[i]) << PT_TABLE_LINE_BITS;
}

static void write_nodes6(const struct image *image, const struct places *places,
			 struct pt_table *table)
{
	struct pt_leaf *leaves = (struct pt_leaf *)table + places->levels[0];

	memcpy(leaves, image->levels[0].items, image->levels[0].count * sizeof(*leaves));
	for (uint32_t i = 0; i < image->levels[0].count; i++)
		leaf_write(image, places, &leaves[i], places->levels[0] + i);
	for (int level = 1; level < PT_TABLE_LEVELS; level++) {
		struct pt_branch *branches = (struct pt_branch *)table + places->levels[level];
		uint32_t count = image->levels[level].count;

		memcpy(branches, image->levels[level].items, count * sizeof(*branches));
		for (uint32_t i = 0; i < count; i++)
			branches[i].children = ref_place(places, branches[i].children);
	}
}

static void write_roots6(const struct image *image, const struct places *places,
			 struct pt_table *table)
{
	const uint32_t *refs = image->arrays.items;
	uint32_t *arrays = (uint32_t *)((char *)table + places->arrays * PT_TABLE_LINE);

	for (uint32_t i = 0; i < image->arrays.count; i++)
		arrays[i] = ref_place(places, refs[i]);
	for (uint32_t i = 0; i < PT_TABLE_ROOT6; i++) {
		table->root6[i] = image->root6[i];
		table->root6[i].array =
			places->arrays * PT_TABLE_LINE + image->root6[i].array * sizeof(*refs);
	}
}

static void write_values(const struct image *image, const struct places *places,
			 struct pt_table *table)
{
	const uint32_t *values = image->values.items;
	void *to = (char *)table + places->values * PT_TABLE_LINE;

	for (uint32_t i = 0; i < image->values.count; i++)
		value_store(image, to, i, values[i]);
}

void image_write(const struct image *image, struct pt_table *table)
{
	struct places places = image_places(image);

	table->value_shift = value_shift(image);
	table->value_mask = image->wide ? 0xffffffff : 0xffff;
	table->split = image->split;
	table->class_count = image->class_count;
	table->array_lines = places.nodes - places.arrays;
	table->node_count = image->nodes.count;
	table->child_count = image->children.count;
	for (int level = 0; level < PT_TABLE_LEVELS; level++)
		table->level_count[level] = image->levels[level].count;
	table->bytes = places.end * PT_TABLE_LINE;
	table->value_count = image->values.count;
	write_nodes4(image, &places, table);
	write_nodes6(image, &places, table);
	write_roots6(image, &places, table);
	write_values(image, &places, table);
}
