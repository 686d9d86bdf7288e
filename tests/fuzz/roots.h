/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Images without their two roots, which are nearly all of a small one: so they are kept as inputs.
 * The roots are made anew to lead to every node and every line of the arrays in turn, as far as the
 * head counts any; for what else a root may say there are patches (fuzz_table.c).
 */
#ifndef FUZZ_ROOTS_H
#define FUZZ_ROOTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <peertag/table.h>

#define ROOTS_FIRST offsetof(struct pt_table, root4)
#define ROOTS_BYTES (sizeof(struct pt_table) - ROOTS_FIRST)
#define ROOTS_BITS  4 /* of an address, which choose from a line of an array */

/* The size of an image that has `size` bytes without its roots. */
static inline size_t roots_whole(size_t size)
{
	return size + ROOTS_BYTES;
}

static inline uint64_t roots_arrays(const struct pt_table *table)
{
	uint64_t classes = (uint64_t)table->class_count * sizeof(struct pt_class);

	return sizeof(*table) + (classes + PT_TABLE_LINE - 1) / PT_TABLE_LINE * PT_TABLE_LINE;
}

static inline void roots_make(struct pt_table *table)
{
	uint64_t arrays = roots_arrays(table);
	uint64_t nodes = arrays + (uint64_t)table->array_lines * PT_TABLE_LINE;

	for (uint32_t i = 0; i < PT_TABLE_ROOT4; i++)
		table->root4[i] = nodes + (table->node_count ? i % table->node_count : 0) *
						  (uint64_t)PT_TABLE_LINE;
	for (uint32_t i = 0; i < PT_TABLE_ROOT6; i++) {
		uint64_t line = table->array_lines ? i % table->array_lines : 0;

		table->root6[i].array = arrays + line * PT_TABLE_LINE;
		table->root6[i].shift = PT_TABLE_SHIFT_MAX - ROOTS_BITS;
	}
}

/* Copies `size` bytes, of which the first ROOTS_FIRST are the head, around room for the roots. */
static inline void roots_insert(struct pt_table *table, const uint8_t *bytes, size_t size)
{
	memcpy(table, bytes, ROOTS_FIRST);
	memcpy(table + 1, bytes + ROOTS_FIRST, size - ROOTS_FIRST);
	roots_make(table);
}

#endif
