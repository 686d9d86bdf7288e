/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An image while it is being built: its sections in vectors, references by number within their
 * section. image_write() lays them out and turns the numbers into places.
 * Threading: none.
 */
#ifndef CONTROL_TABLE_IMAGE_H
#define CONTROL_TABLE_IMAGE_H

#include <peertag/snapshot.h>
#include <peertag/table.h>

#include "vector.h"

#define IMAGE_OWN UINT32_MAX

struct image {
	uint32_t class_count;
	bool wide; /* values have 32 bits */
	uint32_t split;
	uint32_t root4[PT_TABLE_ROOT4];	       /* numbers of nodes */
	struct pt_root6 root6[PT_TABLE_ROOT6]; /* array: the number of its first entry */
	struct vector nodes;		       /* struct pt_node */
	struct vector children;		       /* struct pt_node */
	struct vector levels[PT_TABLE_LEVELS]; /* struct pt_leaf, then struct pt_branch */
	struct vector arrays;		       /* uint32_t: number in its level * 64 | depth */
	struct vector values;		       /* uint32_t, whatever they will have */
};

/* Returns 0 or -ENOMEM. */
int image_init(struct image *image, uint32_t class_count);
void image_done(struct image *image);

/* Whether memory ran out on the way. */
bool image_failed(const struct image *image);

/*
 * Puts the values of a node or leaf into its own bytes, where they fit. Returns what its field
 * `values` is until image_write(): IMAGE_OWN, or their place among the others.
 */
uint32_t image_put_values(struct image *image, uint8_t *own, const uint32_t *values,
			  uint32_t count);

/* Fill the sections of one family. Return 0 or -ENOMEM. */
int image_build4(struct image *image, const struct pt_rule4 *rules, uint32_t count,
		 uint32_t default_class);
int image_build6(struct image *image, const struct pt_rule6 *rules, uint32_t count,
		 uint32_t default_class);

/* How long the image is. */
uint64_t image_bytes(const struct image *image);

/* Writes it to zeroed memory of that size, all but the classes and what is said of them. */
void image_write(const struct image *image, struct pt_table *table);

#endif
