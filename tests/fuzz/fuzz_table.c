/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verifier of tables: what it accepts is looked up in, in memory of exactly its size, one
 * address at a time and in bulk. Nothing may be read outside, and no class be above the highest.
 *
 * Input: a byte that chooses, and by its lowest bit
 *  0  an image without its roots (roots.h); bit 1 asks for its length and the width of its values
 *     to be mended, so that what lies behind them is reached;
 *  1  a list of patches of a good image, four bytes each: where (three bytes, of which the highest
 *     bit says that it is behind the roots) and what. Bits 1 to 3 choose the image.
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
		table_set_make(&table_sets[8], &random, &set); /* chains of every length */
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

static struct image patched_image(unsigned int number, const uint8_t *patches, size_t size)
{
	const struct image *good = good_image(number);
	struct image image = {malloc(good->bytes), good->bytes};
	size_t behind = roots_arrays(good->table);

	memcpy(image.table, good->table, image.bytes);
	for (; size >= 4; patches += 4, size -= 4) {
		size_t where = patches[0] | patches[1] << 8 | (patches[2] & 0x7f) << 16;

		where = patches[2] & 0x80 ? behind + where % (image.bytes - behind)
					  : where % image.bytes;
		((uint8_t *)image.table)[where] = patches[3];
	}
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

/* Every run of the nodes that the first entries of the root lead to, and of their children. */
static void look_up_nodes(const struct pt_table *table, uint64_t *state)
{
	for (uint32_t i = 0; i < NODES_MAX; i++)
		for (uint32_t byte = 0; byte < 256; byte += 3)
			look_up4(table, i << 16 | byte << 8 | (next(state) & 0xff));
}

/* On both sides of each key of the first leaves and branches. */
static void look_up_keys(const struct pt_table *table, uint64_t *state)
{
	const uint32_t *words = (const void *)((const char *)table + roots_arrays(table));
	const uint32_t *end = (const void *)((const char *)table + table->bytes);

	for (uint64_t i = 0; words + i < end && i < NODES_MAX * 16; i++) {
		uint64_t slash12 = (i / 16 % NODES_MAX) << 52;
		uint32_t shift = table->root6[i / 16 % NODES_MAX].shift;

		look_up6(table, slash12 | (uint64_t)words[i] << shift, (uint64_t)words[i] << 32);
		look_up6(table, slash12 | ((uint64_t)words[i] + 1) << shift, next(state));
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

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct image image;
	uint64_t state = size;

	if (size < 1)
		return 0;
	image = input[0] & 1 ? patched_image(input[0] >> 1 & 7, input + 1, size - 1)
			     : written_image(input[0] & 2, input + 1, size - 1);
	if (!image.table)
		return 0;
	if (!pt_table_verify(image.table, image.bytes, image.table->class_count)) {
		look_up_nodes(image.table, &state);
		look_up_keys(image.table, &state);
		look_up_anywhere(image.table, &state);
	}
	free(image.table);
	return 0;
}
