/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verifier of tables: what it accepts is looked up in, in memory of exactly its size, one
 * address at a time and in bulk. Nothing may be read outside, and no class be above the highest.
 *
 * Input: a byte that chooses, by its two lowest bits
 *  0  an image without its roots (roots.h);
 *  1  likewise, and its length and the width of its values are mended, so that what lies behind
 *     them is reached;
 *  2  a list of patches of a good image, four bytes each: where (three bytes, of which the highest
 *     bit says that it is behind the roots) and what;
 *  3  a list of words behind the roots of a good image, which are given a number near something
 *     that counts: which (two bytes), what it is near to, and how far from it. Roots are made anew.
 * and the next three choose the good image.
 */
#include <stdbool.h>
#include <string.h>

#include <peertag/snapshot.h>

#include "../../dataplane/dpdk/batch.h"
#include "roots.h"
#include "table_sets.h"
#include "target.h"

#define GOOD_IMAGES 8
#define NODES_MAX   64 /* that are looked up in one by one */
#define ANYWHERE    64 /* further addresses */

struct image {
	struct pt_table *table;
	size_t bytes;
};

static const struct image *good_image(unsigned int number)
{
	static struct image images[GOOD_IMAGES];
	struct image *image = &images[number];
	struct random random = {.state = number};
	struct pt_snapshot *snapshot;
	struct rule_set set;

	if (image->table)
		return image;
	if (number == 7)
		table_set_make(table_set_find("chains of every length"), &random, &set);
	else if (number == 5)
		table_set_make(table_set_find("nodes of every size, IPv6"), &random, &set);
	else
		rule_set_random(&set, &random, number * number * 10, 20);
	if (number == 6)
		rule_set_describe(&set, 40000);
	snapshot = rule_set_snapshot(&set, 1);
	image->bytes = pt_snapshot_table(snapshot)->bytes;
	image->table = malloc(image->bytes);
	memcpy(image->table, pt_snapshot_table(snapshot), image->bytes);
	free(snapshot);
	rule_set_done(&set);
	return image;
}

static struct image good_copy(unsigned int number)
{
	const struct image *good = good_image(number);
	struct image image = {malloc(good->bytes), good->bytes};

	memcpy(image.table, good->table, image.bytes);
	return image;
}

static struct image patched_image(unsigned int number, const uint8_t *patches, size_t size)
{
	struct image image = good_copy(number);
	size_t behind = roots_arrays(image.table);

	for (; size >= 4; patches += 4, size -= 4) {
		size_t where = patches[0] | patches[1] << 8 | (patches[2] & 0x7f) << 16;

		where = patches[2] & 0x80 ? behind + where % (image.bytes - behind)
					  : where % image.bytes;
		((uint8_t *)image.table)[where] = patches[3];
	}
	return image;
}

/* What a word may be near to: where a section or the image ends, as an offset and as an index. */
static uint64_t landmark(const struct image *image, uint8_t which, uint32_t word)
{
	const struct pt_table *table = image->table;
	uint64_t at = roots_arrays(table), sections[PT_TABLE_LEVELS + 5];
	int count = 0;

	sections[count++] = at;
	sections[count++] = at += (uint64_t)table->array_lines * PT_TABLE_LINE;
	sections[count++] = at += (uint64_t)table->node_count * PT_TABLE_LINE;
	sections[count++] = at += (uint64_t)table->child_count * PT_TABLE_LINE;
	for (int level = 0; level < PT_TABLE_LEVELS; level++)
		sections[count++] = at += (uint64_t)table->level_count[level] * PT_TABLE_LINE;
	sections[count++] = image->bytes;
	which &= 0x1f;
	if (which < count)
		return sections[which];
	if (which - count < 8)
		return sections[count - 1 - (which - count) % 2] >> table->value_shift;
	return which % 2 ? word : table->split;
}

static struct image moved_image(unsigned int number, const uint8_t *moves, size_t size)
{
	struct image image = good_copy(number);
	size_t behind = roots_arrays(image.table);
	uint32_t *words = (uint32_t *)((char *)image.table + behind);

	for (; size >= 4; moves += 4, size -= 4) {
		uint64_t place = (moves[0] | moves[1] << 8) % ((image.bytes - behind) / 4);
		int64_t step = (int8_t)moves[3];

		/* The last word of a line is where a branch's children are. */
		place |= moves[2] & 0x80 ? PT_TABLE_LINE / 4 - 1 : 0;
		step = moves[2] & 0x40 ? step % 8 : step;
		step *= moves[2] & 0x20 ? PT_TABLE_LINE : 1;
		words[place] = landmark(&image, moves[2], words[place]) + step;
	}
	roots_make(image.table);
	return image;
}

static void mend(struct image *image)
{
	bool narrow = image->table->class_count <= PT_TABLE_NARROW_CLASSES;

	image->table->bytes = image->bytes;
	image->table->value_shift = narrow ? 1 : 2;
	image->table->value_mask = narrow ? 0xffff : 0xffffffff;
	image->table->split = narrow ? 0x8000 : 0x80000000;
	image->table->counted %= (uint64_t)image->table->class_count + 1;
	memset(image->table->padding, 0, sizeof(image->table->padding));
}

static struct image written_image(bool mended, const uint8_t *bytes, size_t size)
{
	struct image image = {0};

	size -= mended ? size % PT_TABLE_LINE : 0;
	if (size < ROOTS_FIRST)
		return image;
	image.bytes = roots_whole(size);
	image.table = malloc(image.bytes);
	roots_insert(image.table, bytes, size);
	if (mended)
		mend(&image);
	return image;
}

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ *state >> 29;
}

/* The descriptor is read; that its counter is one, the verifier of snapshots says. */
static void require_class(const struct pt_table *table, uint32_t class)
{
	static volatile uint32_t sink;

	require(class <= table->class_count);
	if (class)
		sink = pt_table_counter(table, class, &table->classes[class - 1]);
	(void)sink;
}

static void look_up4(const struct pt_table *table, uint32_t addr)
{
	require_class(table, pt_table_lookup4(table, addr));
}

static void look_up6(const struct pt_table *table, uint64_t high, uint64_t low)
{
	require_class(table, pt_table_lookup6(table, high, low));
}

/* The parts of the nodes that the first entries of the root lead to, and of their children. */
static void look_up_nodes(const struct pt_table *table, uint64_t *state)
{
	for (uint32_t i = 0; i < NODES_MAX; i++)
		for (uint32_t byte = i % 3; byte < 256; byte += 3) {
			look_up4(table, i << 16 | byte << 8 | (next(state) & 0xff));
			look_up4(table, i << 16 | byte << 8 | 0xff);
		}
}

/* An address as one number, whose first `bits` lead to a node. */
struct place {
	unsigned __int128 addr;
	int bits;
};

static unsigned __int128 place_window(const struct place *place, uint32_t window)
{
	unsigned __int128 bits = (unsigned __int128)window << 96;

	return place->addr | bits >> place->bits;
}

static uint32_t node_rank(const uint32_t *last, int count, uint32_t window)
{
	uint32_t rank = 0;

	for (int i = 0; i < count; i++)
		rank += last[i] < window;
	return rank;
}

/* On both sides of each key of a node; and then of one of those that it leads to, and so on. */
static void look_up_below(const struct pt_table *table, struct place place, uint32_t ref,
			  uint64_t *state)
{
	for (int steps = 0; steps < 12 && place.bits < 128; steps++) {
		const struct pt_branch *branch = pt_table_line(table, ref, ~0ull);
		const struct pt_leaf *leaf = (const void *)branch;
		int count =
			ref & PT_TABLE_DEPTH ? PT_TABLE_BRANCH_SIZE - 1 : PT_TABLE_LEAF_RUNS - 1;
		uint32_t window = branch->last[next(state) % count] + next(state) % 2;
		uint32_t rank = node_rank(branch->last, count, window), value;

		for (int key = 0; key < 2 * count; key++) {
			unsigned __int128 addr =
				place_window(&place, branch->last[key / 2] + key % 2);

			look_up6(table, addr >> 64, addr);
		}
		if (ref & PT_TABLE_DEPTH) {
			ref = branch->children + (rank << PT_TABLE_LINE_BITS);
			continue;
		}
		value = pt_table_value(table, leaf->values + rank, ~0ull);
		if (!(value & table->split))
			return;
		ref = leaf->children + ((value ^ table->split) << PT_TABLE_LINE_BITS);
		place = (struct place){place_window(&place, window), place.bits + 32};
	}
}

static void look_up_trees(const struct pt_table *table, uint64_t *state)
{
	for (int i = 0; i < NODES_MAX; i++) {
		uint64_t high = next(state) >> (i % 2 ? 0 : 6);
		const struct pt_root6 *root = pt_table_root6(table, high);
		uint32_t ref = pt_load_u32(pt_root6_array(table, root, high, ~0ull));
		int bits = 32 - (int)root->shift;

		high = high >> (64 - bits) << (64 - bits);
		look_up_below(table, (struct place){(unsigned __int128)high << 64, bits}, ref,
			      state);
	}
}

static void look_up_anywhere(const struct pt_table *table, uint64_t *state)
{
	uint32_t addrs4[ANYWHERE], classes[ANYWHERE];
	uint8_t addrs6[ANYWHERE][16];

	for (int i = 0; i < ANYWHERE; i++) {
		uint64_t high = next(state) >> (i % 2 ? 0 : 6), low = next(state);

		addrs4[i] = low;
		memcpy(addrs6[i], &high, 8);
		memcpy(addrs6[i] + 8, &low, 8);
		look_up4(table, low);
		look_up6(table, high, low);
	}
	batch_scalar.lookup4(table, addrs4, classes, ANYWHERE);
	for (int i = 0; i < ANYWHERE; i++)
		require(classes[i] == pt_table_lookup4(table, addrs4[i]));
	batch_scalar.lookup6(table, (const void *)addrs6, classes, ANYWHERE);
	for (int i = 0; i < ANYWHERE; i++)
		require(classes[i] <= table->class_count);
}

static struct image make_image(uint8_t choice, const uint8_t *input, size_t size)
{
	unsigned int number = choice >> 2 & (GOOD_IMAGES - 1);

	switch (choice & 3) {
	case 2:
		return patched_image(number, input, size);
	case 3:
		return moved_image(number, input, size);
	default:
		return written_image(choice & 1, input, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct image image = {0};
	uint64_t state = size;

	if (size)
		image = make_image(input[0], input + 1, size - 1);
	if (!image.table)
		return 0;
	if (!pt_table_verify(image.table, image.bytes, image.table->class_count)) {
		look_up_nodes(image.table, &state);
		look_up_trees(image.table, &state);
		look_up_anywhere(image.table, &state);
	}
	free(image.table);
	return 0;
}
