/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4: one node for each /16 that runs divide, one for each class that others have as a whole, and
 * a child for each /24 that is divided in turn.
 */
#include "image.h"
#include "runs.h"

#include <errno.h>
#include <stdlib.h>

#define BYTES 256

/* A node in the making: which of its 256 parts begin a run, and of what. */
struct draft {
	uint32_t count;
	uint8_t byte[BYTES];
	uint32_t value[BYTES];
};

struct build4 {
	struct image *image;
	const struct run4 *runs;
	uint32_t count;
	uint32_t *uniform; /* by class: 1 + the node of /16s that are nothing else */
};

/* From `byte` on it is `value`, whatever was said of it before. */
static void draft_put(struct draft *draft, uint32_t byte, uint32_t value)
{
	if (draft->count && draft->byte[draft->count - 1] == byte)
		draft->count--;
	if (draft->count && draft->value[draft->count - 1] == value)
		return;
	draft->byte[draft->count] = byte;
	draft->value[draft->count++] = value;
}

static void draft_write(const struct draft *draft, struct image *image, struct pt_node *node)
{
	uint32_t begun = 0;

	for (uint32_t i = 0; i < draft->count; i++)
		node->starts[draft->byte[i] / 64] |= 1ull << draft->byte[i] % 64;
	for (int word = 0; word < 4; word++) {
		node->before[word] = begun;
		begun += __builtin_popcountll(node->starts[word]);
	}
	node->values = image_put_values(image, node->own, draft->value, draft->count);
}

/*
 * The child of the /24 at `base`, from the run `at`, which holds its first address. Returns the run
 * that holds its last one.
 */
static uint32_t build_child(struct build4 *build, uint32_t base, uint32_t at)
{
	struct pt_node *child = vector_add(&build->image->children, 1);
	struct draft draft = {.count = 0};

	draft_put(&draft, 0, build->runs[at].class);
	for (; at + 1 < build->count && build->runs[at + 1].first - base < BYTES; at++)
		draft_put(&draft, build->runs[at + 1].first & 0xff, build->runs[at + 1].class);
	draft_write(&draft, build->image, child);
	return at;
}

/* Whether a run begins inside the /24 that `run` begins in, behind its first address. */
static bool is_divided(const struct build4 *build, uint32_t run)
{
	uint32_t next = run + 1;

	return build->runs[run].first & 0xff ||
	       (next < build->count && build->runs[next].first >> 8 == build->runs[run].first >> 8);
}

/* The node of the /16 at `base`; `at` as above, and so is what is returned. */
static uint32_t build_node(struct build4 *build, uint32_t base, uint32_t at)
{
	const struct run4 *runs = build->runs;
	struct image *image = build->image;
	uint32_t first_child = image->children.count, number = image->nodes.count, byte;
	struct draft draft = {.count = 0};
	struct pt_node *node;

	draft_put(&draft, 0, runs[at].class);
	while (at + 1 < build->count && runs[at + 1].first - base < PT_TABLE_ROOT4) {
		byte = runs[at + 1].first >> 8 & 0xff;
		if (!is_divided(build, at + 1)) {
			draft_put(&draft, byte, runs[++at].class);
			continue;
		}
		draft_put(&draft, byte, image->split | (image->children.count - first_child));
		at += runs[at + 1].first & 0xff ? 0 : 1;
		at = build_child(build, base + byte * BYTES, at);
		if (byte < BYTES - 1)
			draft_put(&draft, byte + 1, runs[at].class);
	}
	node = vector_add(&image->nodes, 1);
	draft_write(&draft, image, node);
	node->children = first_child;
	image->root4[base >> 16] = number;
	return at;
}

static void build_uniform(struct build4 *build, uint32_t slash16, uint32_t class)
{
	if (!build->uniform[class]) {
		struct pt_node *node = vector_add(&build->image->nodes, 1);

		node->starts[0] = 1;
		for (int word = 1; word < 4; word++)
			node->before[word] = 1;
		node->values = image_put_values(build->image, node->own, &class, 1);
		build->uniform[class] = build->image->nodes.count;
	}
	build->image->root4[slash16] = build->uniform[class] - 1;
}

static void build_all(struct build4 *build)
{
	uint32_t at = 0;

	for (uint32_t slash16 = 0; slash16 < PT_TABLE_ROOT4; slash16++) {
		uint32_t base = slash16 << 16;

		while (at + 1 < build->count && build->runs[at + 1].first <= base)
			at++;
		if (at + 1 < build->count && build->runs[at + 1].first - base < PT_TABLE_ROOT4)
			at = build_node(build, base, at);
		else
			build_uniform(build, slash16, build->runs[at].class);
	}
}

int image_build4(struct image *image, const struct pt_rule4 *rules, uint32_t count,
		 uint32_t default_class)
{
	struct build4 build = {.image = image};
	struct run4 *runs;
	int error = runs4_new(rules, count, default_class, &runs, &build.count);

	if (error)
		return error;
	build.runs = runs;
	build.uniform = calloc((size_t)image->class_count + 1, sizeof(*build.uniform));
	if (build.uniform)
		build_all(&build);
	else
		error = -ENOMEM;
	free(build.uniform);
	free(runs);
	return error;
}
