/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Built once for each kind of CPU, with BATCH as the name of what comes out. The width of the
 * values is a constant in each copy of a loop.
 */
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "batch.h"

#define ALL ~(__u64)0

/* What is constant for all lookups in one image. */
struct view {
	const struct pt_table *table;
	__u32 shift; /* of values */
	__u32 mask;
	__u32 split;
};

PT_INLINE const void *view_value_at(const struct view *view, __u32 index)
{
	return (const char *)view->table + ((__u64)index << view->shift);
}

PT_INLINE __u32 view_value(const struct view *view, __u32 index)
{
	return pt_load_u32(view_value_at(view, index)) & view->mask;
}

/* Behind the nodes there may be children, for few: one at a time. */
PT_INLINE void finish4(const struct view *view, const __u32 *addrs, const struct pt_node **nodes,
		       __u32 *ret, const __u8 *splits, __u32 count)
{
	for (__u32 n = 0; n < count; n++) {
		__u32 i = splits[n],
		      ref = nodes[i]->children + ((ret[i] ^ view->split) << PT_TABLE_LINE_BITS);
		const struct pt_node *child = pt_table_line(view->table, ref, ALL);

		ret[i] = view_value(view, child->values + pt_node_rank4(child, addrs[i] & 0xff));
	}
}

PT_INLINE void lookup4(const struct view *view, const __u32 *addrs, __u32 *ret, __u32 count)
{
	const struct pt_node *nodes[BATCH_MAX];
	__u8 splits[BATCH_MAX];
	__u32 split_count = 0;

	for (__u32 i = 0; i < count; i++) {
		nodes[i] = pt_table_line(view->table, view->table->root4[addrs[i] >> 16], ALL);
		__builtin_prefetch(nodes[i]);
	}
	for (__u32 i = 0; i < count; i++) {
		ret[i] = nodes[i]->values + pt_node_rank4(nodes[i], addrs[i] >> 8 & 0xff);
		__builtin_prefetch(view_value_at(view, ret[i]));
	}
	for (__u32 i = 0; i < count; i++) {
		ret[i] = view_value(view, ret[i]);
		splits[split_count] = i;
		split_count += !!(ret[i] & view->split);
	}
	finish4(view, addrs, nodes, ret, splits, split_count);
}

/* How many of the first `count` (a constant) words of a line are less than `window`. */
#if defined(__AVX512BW__)
PT_INLINE __u32 line_rank(const void *line, __u32 count, __u32 window)
{
	__m512i than = _mm512_set1_epi32((int)window);

	return __builtin_popcount(_mm512_mask_cmplt_epu32_mask((__mmask16)((1u << count) - 1),
							       _mm512_loadu_si512(line), than));
}
#elif defined(__AVX2__)
/* There is no unsigned comparison: both sides are moved down to the signed range. */
PT_INLINE __u32 line_rank(const void *line, __u32 count, __u32 window)
{
	__m256i low = _mm256_loadu_si256(line),
		high = _mm256_loadu_si256((const __m256i *)line + 1);
	__m256i sign = _mm256_set1_epi32((int)0x80000000);
	__m256i than = _mm256_xor_si256(_mm256_set1_epi32((int)window), sign);
	__m256i less_low = _mm256_cmpgt_epi32(than, _mm256_xor_si256(low, sign));
	__m256i less_high = _mm256_cmpgt_epi32(than, _mm256_xor_si256(high, sign));
	__u32 less = (__u32)_mm256_movemask_ps((__m256)less_low) |
		     (__u32)_mm256_movemask_ps((__m256)less_high) << 8;

	return __builtin_popcount(less & ((1u << count) - 1));
}
#else
PT_INLINE __u32 line_rank(const void *line, __u32 count, __u32 window)
{
	return pt_keys_rank(line, count, window);
}
#endif

/* Bits of `count` words, one each: whether the word has any of the bits in `any`. */
#if defined(__AVX512BW__)
PT_INLINE __u64 words_test(const __u32 *words, __u32 count, __u32 any)
{
	__m512i bits = _mm512_set1_epi32((int)any);
	__u64 set = 0;

	for (__u32 i = 0; i < count; i += 16) {
		__mmask16 here = count - i < 16 ? (1u << (count - i)) - 1 : 0xffff;
		__m512i some = _mm512_maskz_loadu_epi32(here, &words[i]);

		set |= (__u64)_mm512_test_epi32_mask(some, bits) << i;
	}
	return set;
}
#else
PT_INLINE __u64 words_test(const __u32 *words, __u32 count, __u32 any)
{
	__u64 set = 0;

	for (__u32 i = 0; i < count; i++)
		set |= (__u64) !!(words[i] & any) << i;
	return set;
}
#endif

/* How far the search has come for each address. */
struct search6 {
	__u32 refs[BATCH_MAX];
	__u32 windows[BATCH_MAX]; /* what the first B-tree goes by */
};

/* To the B-trees. */
PT_INLINE void roots6(const struct view *view, const __u8 (*addrs)[16], struct search6 *search,
		      __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		__u64 high = pt_load_be64(addrs[i]);
		const struct pt_root6 *root = pt_table_root6(view->table, high);

		search->refs[i] = pt_load_u32(pt_root6_array(view->table, root, high, ALL));
		search->windows[i] = high >> root->shift;
	}
}

/* One level down for those of `inner`. */
PT_INLINE void branches6(const struct view *view, struct search6 *search, __u64 inner)
{
	for (; inner; inner &= inner - 1) {
		__u32 i = __builtin_ctzll(inner);
		const struct pt_branch *branch = pt_table_line(view->table, search->refs[i], ALL);
		__u32 rank = line_rank(branch, PT_TABLE_BRANCH_SIZE - 1, search->windows[i]);

		search->refs[i] = branch->children + (rank << PT_TABLE_LINE_BITS);
		__builtin_prefetch(pt_table_line(view->table, search->refs[i], ALL));
	}
}

PT_INLINE void leaves6(const struct view *view, const struct search6 *search, __u32 *ret,
		       __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		const struct pt_leaf *leaf = pt_table_at(view->table, search->refs[i], ALL);
		__u32 rank = line_rank(leaf, PT_TABLE_LEAF_RUNS - 1, search->windows[i]);

		ret[i] = view_value(view, leaf->values + rank);
	}
}

/* Behind the leaves there may be further B-trees, for few: one at a time. */
PT_INLINE void splits6(const struct view *view, const __u8 (*addrs)[16],
		       const struct search6 *search, __u32 *ret, __u64 splits)
{
	for (; splits; splits &= splits - 1) {
		__u32 i = __builtin_ctzll(splits);
		const struct pt_leaf *leaf = pt_table_at(view->table, search->refs[i], ALL);
		__u32 ref = leaf->children + ((ret[i] ^ view->split) << PT_TABLE_LINE_BITS);
		struct pt_addr6 addr = pt_addr6_load(addrs[i]);

		pt_addr6_shift(&addr, 32 - pt_table_root6(view->table, addr.high)->shift);
		pt_addr6_shift(&addr, 32);
		ret[i] = pt_table_btree6(view->table, ref, addr, ALL);
	}
}

PT_INLINE void lookup6(const struct view *view, const __u8 (*addrs)[16], __u32 *ret, __u32 count)
{
	struct search6 search;
	__u64 inner;

	roots6(view, addrs, &search, count);
	while ((inner = words_test(search.refs, count, PT_TABLE_DEPTH)))
		branches6(view, &search, inner);
	leaves6(view, &search, ret, count);
	splits6(view, addrs, &search, ret, words_test(ret, count, view->split));
}

static void batch_lookup4(const struct pt_table *table, const __u32 *addrs, __u32 *ret, __u32 count)
{
	const struct view narrow = {table, 1, 0xffff, 0x8000};
	const struct view wide = {table, 2, 0xffffffff, 0x80000000};

	if (table->value_shift == 1)
		lookup4(&narrow, addrs, ret, count);
	else
		lookup4(&wide, addrs, ret, count);
}

static void batch_lookup6(const struct pt_table *table, const __u8 (*addrs)[16], __u32 *ret,
			  __u32 count)
{
	const struct view narrow = {table, 1, 0xffff, 0x8000};
	const struct view wide = {table, 2, 0xffffffff, 0x80000000};

	if (table->value_shift == 1)
		lookup6(&narrow, addrs, ret, count);
	else
		lookup6(&wide, addrs, ret, count);
}

#define STRING(name)	#name
#define TO_STRING(name) STRING(name)
#define JOIN(a, b)	a##b
#define NAMED(name)	JOIN(batch_, name)

const struct batch NAMED(BATCH) = {
	.name = TO_STRING(BATCH),
	.lookup4 = batch_lookup4,
	.lookup6 = batch_lookup6,
};
