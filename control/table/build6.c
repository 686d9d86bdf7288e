/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6: for each /12 an array of B-trees, as many as it is worth; each over a window of 32 bits,
 * with further B-trees under the windows that are divided.
 */
#include "image.h"
#include "runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BITS 32
#define LINK	    (1ull << 32) /* in item.value: the number of a subtree follows */

/* What a leaf will say of the windows up to `last`: a class, or that a subtree is there. */
struct item {
	uint32_t last;
	uint64_t value;
};

/* A B-tree but for its root, which has no place yet: it must follow its siblings. */
struct subtree {
	uint32_t depth;
	union {
		struct pt_leaf leaf;
		struct pt_branch branch;
	};
};

/* What a B-tree is made from; one for each layer, since they are made one inside the other. */
struct layer {
	struct vector items;
	struct vector subtrees;
	struct vector leaves;
};

struct build6 {
	struct image *image;
	struct run6 *runs;
	uint32_t count;
	struct layer layers[PT_TABLE_LAYERS];
	uint32_t *uniform_leaf;	 /* by class: 1 + its number */
	uint32_t *uniform_array; /* by class: 1 + its first entry */
};

static struct pt_addr6 addr_shift(struct pt_addr6 addr, uint32_t bits)
{
	for (; bits > 32; bits -= 32)
		pt_addr6_shift(&addr, 32);
	if (bits)
		pt_addr6_shift(&addr, bits);
	return addr;
}

/* Gives a subtree its place in its level. Returns the reference. */
static uint32_t subtree_place(struct image *image, const struct subtree *subtree)
{
	struct vector *level = &image->levels[subtree->depth];
	uint32_t number = level->count;

	memcpy(vector_add(level, 1), &subtree->leaf, PT_TABLE_LINE);
	return number << PT_TABLE_LINE_BITS | subtree->depth;
}

/* Puts branches of one child on top, until the subtree is as deep as its siblings. */
static void subtree_deepen(struct image *image, struct subtree *subtree, uint32_t depth)
{
	while (subtree->depth < depth) {
		uint32_t child = subtree_place(image, subtree);

		subtree->depth++;
		memset(subtree->branch.last, 0xff, sizeof(subtree->branch.last));
		subtree->branch.children = child;
	}
}

/* A leaf of up to PT_TABLE_LEAF_RUNS items; their subtrees are placed one behind the other. */
static void leaf_make(struct build6 *build, const struct layer *layer, const struct item *items,
		      uint32_t count, struct pt_leaf *leaf)
{
	struct subtree *subtrees = layer->subtrees.items;
	uint32_t values[PT_TABLE_LEAF_RUNS], links = 0, depth = 0, ref;
	struct image *image = build->image;

	memset(leaf, 0, sizeof(*leaf));
	memset(leaf->last, 0xff, sizeof(leaf->last));
	for (uint32_t i = 0; i + 1 < count; i++)
		leaf->last[i] = items[i].last;
	for (uint32_t i = 0; i < count; i++)
		if (items[i].value & LINK && subtrees[(uint32_t)items[i].value].depth > depth)
			depth = subtrees[(uint32_t)items[i].value].depth;
	for (uint32_t i = 0; i < count; i++)
		if (items[i].value & LINK)
			subtree_deepen(image, &subtrees[(uint32_t)items[i].value], depth);
	for (uint32_t i = 0; i < count; i++) {
		values[i] = (uint32_t)items[i].value;
		if (!(items[i].value & LINK))
			continue;
		ref = subtree_place(image, &subtrees[(uint32_t)items[i].value]);
		leaf->children = links ? leaf->children : ref;
		values[i] = image->split | links++;
	}
	leaf->values = image_put_values(image, leaf->own, values, count);
}

/*
 * Makes leaves of the items, and places them when all are made, so that nothing that is placed on
 * the way comes between them. What is left in the items are the leaves; returns how many.
 */
static uint32_t leaves_place(struct build6 *build, struct layer *layer)
{
	struct item *items = layer->items.items;
	uint32_t count = layer->items.count;
	struct subtree leaf = {.depth = 0};

	layer->leaves.count = 0;
	for (uint32_t i = 0; i < count; i += PT_TABLE_LEAF_RUNS) {
		uint32_t runs = count - i < PT_TABLE_LEAF_RUNS ? count - i : PT_TABLE_LEAF_RUNS;

		leaf_make(build, layer, &items[i], runs, &leaf.leaf);
		items[layer->leaves.count].last = items[i + runs - 1].last;
		*(struct pt_leaf *)vector_add(&layer->leaves, 1) = leaf.leaf;
	}
	for (uint32_t i = 0; i < layer->leaves.count; i++) {
		leaf.leaf = *(struct pt_leaf *)vector_at(&layer->leaves, i);
		items[i].value = subtree_place(build->image, &leaf);
	}
	return layer->leaves.count;
}

static void branch_make(const struct item *items, uint32_t count, struct subtree *ret)
{
	memset(ret->branch.last, 0xff, sizeof(ret->branch.last));
	for (uint32_t i = 0; i + 1 < count; i++)
		ret->branch.last[i] = items[i].last;
	ret->branch.children = items[0].value;
	ret->depth = (items[0].value & PT_TABLE_DEPTH) + 1;
}

/* From the layer's items, level by level, until one node holds the rest. */
static struct subtree btree_make(struct build6 *build, struct layer *layer)
{
	struct item *items = layer->items.items;
	struct subtree top = {.depth = 0};
	uint32_t count = layer->items.count, made;

	if (count <= PT_TABLE_LEAF_RUNS) {
		leaf_make(build, layer, items, count, &top.leaf);
		return top;
	}
	for (count = leaves_place(build, layer); count > PT_TABLE_BRANCH_SIZE; count = made) {
		made = 0;
		for (uint32_t i = 0; i < count; i += PT_TABLE_BRANCH_SIZE) {
			uint32_t children =
				count - i < PT_TABLE_BRANCH_SIZE ? count - i : PT_TABLE_BRANCH_SIZE;

			branch_make(&items[i], children, &top);
			items[made].last = items[i + children - 1].last;
			items[made++].value = subtree_place(build->image, &top);
		}
	}
	branch_make(items, count, &top);
	return top;
}

static void layer_put(struct layer *layer, uint32_t last, uint64_t value)
{
	struct item *item =
		layer->items.count ? vector_at(&layer->items, layer->items.count - 1) : NULL;

	if (!item || item->value != value || value & LINK)
		item = vector_add(&layer->items, 1);
	*item = (struct item){last, value};
}

static uint32_t run_window(const struct build6 *build, uint32_t run, uint32_t bits)
{
	return addr_shift(build->runs[run].first, bits).high >> 32;
}

/* Whether a run begins inside a window, and not with it. */
static bool run_divides(const struct build6 *build, uint32_t run, uint32_t bits)
{
	struct pt_addr6 rest = addr_shift(build->runs[run].first, bits + WINDOW_BITS);

	return bits + WINDOW_BITS < 128 && (rest.high || rest.low);
}

/*
 * The B-tree of a region whose addresses agree in the first `bits` bits: of the runs from `first`,
 * which holds its first address, up to `end`.
 */
static struct subtree layer_make(struct build6 *build, int number, uint32_t bits, uint32_t first,
				 uint32_t end)
{
	struct layer *layer = &build->layers[number];
	uint64_t next = 0; /* the first window of which nothing was said */
	uint32_t at = first;

	layer->items.count = 0;
	layer->subtrees.count = 0;
	while (at + 1 < end) {
		uint32_t window = run_window(build, at + 1, bits), behind = at + 2;

		if (window > next)
			layer_put(layer, window - 1, build->runs[at].class);
		if (!run_divides(build, at + 1, bits) &&
		    (behind == end || run_window(build, behind, bits) != window)) {
			next = window;
			at++;
			continue;
		}
		while (behind < end && run_window(build, behind, bits) == window)
			behind++;
		at += run_divides(build, at + 1, bits) ? 0 : 1;
		struct subtree below =
			layer_make(build, number + 1, bits + WINDOW_BITS, at, behind);

		*(struct subtree *)vector_add(&layer->subtrees, 1) = below;
		layer_put(layer, window, LINK | (layer->subtrees.count - 1));
		next = (uint64_t)window + 1;
		at = behind - 1;
	}
	if (next <= UINT32_MAX)
		layer_put(layer, UINT32_MAX, build->runs[at].class);
	return btree_make(build, layer);
}

/* The reference of a leaf that has one class. */
static uint32_t uniform_leaf(struct build6 *build, uint32_t class)
{
	if (!build->uniform_leaf[class]) {
		struct item item = {UINT32_MAX, class};
		struct subtree leaf = {.depth = 0};

		leaf_make(build, &build->layers[0], &item, 1, &leaf.leaf);
		build->uniform_leaf[class] =
			1 + (subtree_place(build->image, &leaf) >> PT_TABLE_LINE_BITS);
	}
	return (build->uniform_leaf[class] - 1) << PT_TABLE_LINE_BITS;
}

/* Arrays begin with a line, so that is how much the smallest takes. */
static uint32_t array_add(struct build6 *build, uint32_t entries)
{
	uint32_t line = PT_TABLE_LINE / sizeof(uint32_t), added = entries < line ? line : entries;

	vector_add(&build->image->arrays, added);
	return build->image->arrays.count - added;
}

static void array_set(struct build6 *build, uint32_t entry, uint32_t ref)
{
	*(uint32_t *)vector_at(&build->image->arrays, entry) = ref;
}

static uint32_t uniform_array(struct build6 *build, uint32_t class)
{
	if (!build->uniform_array[class]) {
		uint32_t first = array_add(build, 1);

		array_set(build, first, uniform_leaf(build, class));
		build->uniform_array[class] = first + 1;
	}
	return build->uniform_array[class] - 1;
}

/*
 * How many bits of the address choose a B-tree: so many that most are a leaf, and so few that they
 * are fewer than the runs. With 5 or more the first window reaches a /48.
 */
static uint32_t array_bits(uint32_t runs)
{
	return runs < 4 ? 0 : runs < 24 ? 5 : runs < 256 ? 8 : 12;
}

/* The first run from `at` on that begins at `addr` or behind it. */
static uint32_t run_from(const struct build6 *build, uint32_t at, struct pt_addr6 addr)
{
	while (at < build->count &&
	       (build->runs[at].first.high < addr.high ||
		(build->runs[at].first.high == addr.high && build->runs[at].first.low < addr.low)))
		at++;
	return at;
}

/* The /12 number `slash12`; `at` is the run that holds its first address. Returns that of its last.
 */
static uint32_t build_slash12(struct build6 *build, uint32_t slash12, uint32_t at, uint32_t end)
{
	uint32_t bits = array_bits(end - at), first = array_add(build, 1u << bits);
	struct pt_addr6 addr = {};
	struct subtree tree;
	uint32_t behind;

	build->image->root6[slash12] = (struct pt_root6){first, PT_TABLE_SHIFT_MAX - bits};
	for (uint64_t i = 0; i < 1u << bits; i++) {
		addr.high = ((uint64_t)slash12 << bits | i) << (64 - PT_TABLE_ROOT6_BITS - bits);
		behind = run_from(build, at, addr);
		at = behind < end && build->runs[behind].first.high == addr.high &&
				     !build->runs[behind].first.low
			     ? behind
			     : behind - 1;
		addr.high += 1ull << (64 - PT_TABLE_ROOT6_BITS - bits);
		behind = addr.high ? run_from(build, at, addr) : end;
		if (behind == at + 1) {
			array_set(build, first + i, uniform_leaf(build, build->runs[at].class));
			continue;
		}
		tree = layer_make(build, 0, PT_TABLE_ROOT6_BITS + bits, at, behind);
		array_set(build, first + i, subtree_place(build->image, &tree));
		at = behind - 1;
	}
	return at;
}

static void build_all(struct build6 *build)
{
	uint32_t at = 0, end;

	for (uint32_t slash12 = 0; slash12 < PT_TABLE_ROOT6; slash12++) {
		struct pt_addr6 addr = {(uint64_t)slash12 << (64 - PT_TABLE_ROOT6_BITS), 0};

		at = run_from(build, at, addr);
		if (at == build->count || build->runs[at].first.high != addr.high ||
		    build->runs[at].first.low)
			at--;
		addr.high += 1ull << (64 - PT_TABLE_ROOT6_BITS);
		end = addr.high ? run_from(build, at, addr) : build->count;
		if (end == at + 1)
			build->image->root6[slash12] = (struct pt_root6){
				uniform_array(build, build->runs[at].class), PT_TABLE_SHIFT_MAX};
		else
			at = build_slash12(build, slash12, at, end);
	}
}

static int build_init(struct build6 *build)
{
	size_t classes = (size_t)build->image->class_count + 1;
	int error = 0;

	for (int i = 0; !error && i < PT_TABLE_LAYERS; i++) {
		error = vector_init(&build->layers[i].items, sizeof(struct item));
		if (!error)
			error = vector_init(&build->layers[i].subtrees, sizeof(struct subtree));
		if (!error)
			error = vector_init(&build->layers[i].leaves, sizeof(struct pt_leaf));
	}
	build->uniform_leaf = calloc(classes, sizeof(uint32_t));
	build->uniform_array = calloc(classes, sizeof(uint32_t));
	return error || !build->uniform_leaf || !build->uniform_array ? -ENOMEM : 0;
}

/* Returns 0, or -ENOMEM where a layer could not hold what it was given. */
static int build_done(struct build6 *build)
{
	bool failed = false;

	for (int i = 0; i < PT_TABLE_LAYERS; i++) {
		failed |= build->layers[i].items.failed | build->layers[i].subtrees.failed |
			  build->layers[i].leaves.failed;
		vector_done(&build->layers[i].items);
		vector_done(&build->layers[i].subtrees);
		vector_done(&build->layers[i].leaves);
	}
	free(build->uniform_leaf);
	free(build->uniform_array);
	free(build->runs);
	return failed ? -ENOMEM : 0;
}

int image_build6(struct image *image, const struct pt_rule6 *rules, uint32_t count,
		 uint32_t default_class)
{
	struct build6 build = {.image = image};
	int error = build_init(&build), failed;

	if (!error)
		error = runs6_new(rules, count, default_class, &build.runs, &build.count);
	if (!error)
		build_all(&build);
	failed = build_done(&build);
	return error ? error : failed;
}
