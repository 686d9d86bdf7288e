/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random sets. Each length has its quota. Prefixes are made from short to long, so that longer ones
 * find others to be in; what came out twice is dropped and made again, until the quotas are met.
 */
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "draft.h"
#include "zipf.h"

#define RUN_MAX	      16  /* neighbours in a row */
#define PASSES_MAX    300 /* to meet the quotas */
#define PASSES_ZIPF   20  /* after them the large allocations are taken to be full */
#define CLASSES_LEAST 1000
#define CLASSES_MOST  30000

/* The part of all prefixes that has a length, of 100,000. */
struct quota {
	__u8 len;
	__u32 part;
};

/* After the BGP tables of recent years. */
static const struct quota quotas4[] = {
	{8, 2},	     {9, 2},	 {10, 4},    {11, 10},	  {12, 32},   {13, 60},	  {14, 125},
	{15, 215},   {16, 1400}, {17, 850},  {18, 1500},  {19, 2700}, {20, 4500}, {21, 5200},
	{22, 10600}, {23, 9500}, {25, 400},  {26, 400},	  {27, 300},  {28, 300},  {29, 400},
	{30, 200},   {31, 100},	 {32, 1200}, {24, 60000}, {0, 0},
};
static const struct quota quotas6[] = {
	{29, 3500}, {30, 1000}, {31, 500}, {32, 13000}, {33, 3500},  {34, 2200},
	{35, 1500}, {36, 5500}, {37, 700}, {38, 1300},	{39, 800},   {40, 7500},
	{41, 500},  {42, 2000}, {43, 500}, {44, 8500},	{45, 800},   {46, 1700},
	{47, 1000}, {56, 800},	{64, 800}, {128, 400},	{48, 42000}, {0, 0},
};

/* What registries give out: the parts of the world. */
static const struct {
	__u16 front;
	__u8 len;
} blocks6[] = {{0x2001, 16}, {0x2400, 12}, {0x2600, 12}, {0x2800, 12}, {0x2a00, 12}, {0x2c00, 12}};

struct allocation {
	workload_addr addr;
	__u8 len;
};

struct generator {
	struct draft draft;
	int pass;
	__u32 allocation_count; /* IPv6 */
	struct allocation *allocations;
	struct zipf zipf;
};

__u32 workload_classes(__u32 prefixes)
{
	__u32 classes = prefixes / 8;

	return classes < CLASSES_LEAST ? CLASSES_LEAST
				       : (classes > CLASSES_MOST ? CLASSES_MOST : classes);
}

/* Within a prefix that is there, or just behind it. */
static workload_addr place_near(struct draft *draft, unsigned int len)
{
	const struct workload_prefix *near =
		&draft->prefixes[random_below(&draft->random, draft->count)];

	if (near->len < len)
		return near->addr | (random_addr(&draft->random) & ~addr_mask(near->len));
	return near->addr + ((workload_addr)1 << (128 - len));
}

/* 1.0.0.0 to 223.255.255.255 */
static workload_addr place4(struct draft *draft, unsigned int len)
{
	if (draft->count && random_chance(&draft->random, 50))
		return place_near(draft, len);
	return (workload_addr)((1u << 24) + random_below(&draft->random, 223u << 24)) << 96;
}

static workload_addr place6(struct generator *generator, unsigned int len)
{
	struct random *random = &generator->draft.random;
	bool popular = len > 32 && generator->pass < PASSES_ZIPF;
	const struct allocation *allocation;
	__u32 index;

	if (len > 48 && generator->draft.count)
		return place_near(&generator->draft, len);
	index = popular ? zipf_next(&generator->zipf, random)
			: random_below(random, generator->allocation_count);
	allocation = &generator->allocations[index];
	return allocation->addr | (random_addr(random) & ~addr_mask(allocation->len));
}

/* The first allocations are the popular ones, and larger. */
static int allocate6(struct generator *generator, __u32 prefixes)
{
	struct random *random = &generator->draft.random;
	__u32 count = prefixes / 8 + 1;

	generator->allocations = calloc(count, sizeof(*generator->allocations));
	if (!generator->allocations || zipf_init(&generator->zipf, count))
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++) {
		int block = random_below(random, sizeof(blocks6) / sizeof(blocks6[0]));
		workload_addr front = (workload_addr)blocks6[block].front << 112;
		__u8 len = i < count / 200 ? 24 : 29 + random_below(random, 4);

		front |= random_addr(random) & ~addr_mask(blocks6[block].len);
		generator->allocations[i] = (struct allocation){front & addr_mask(len), len};
	}
	generator->allocation_count = count;
	return 0;
}

static void generate_length(struct generator *generator, unsigned int len, __u32 count)
{
	struct draft *draft = &generator->draft;

	while (count && !draft->failed) {
		__u32 run = 1 + random_below(&draft->random, RUN_MAX);
		workload_addr addr =
			draft->family == PT_IPV4 ? place4(draft, len) : place6(generator, len);

		for (; run && count; run--, count--) {
			draft_add(draft, addr, len, 0);
			addr += (workload_addr)1 << (128 - len);
		}
	}
}

static int generate(struct generator *generator, __u32 prefixes)
{
	const struct quota *quotas = generator->draft.family == PT_IPV4 ? quotas4 : quotas6;
	struct draft *draft = &generator->draft;

	for (generator->pass = 0; generator->pass < PASSES_MAX; generator->pass++) {
		__u32 left = prefixes, have[129] = {};

		for (__u32 i = 0; i < draft->count; i++)
			have[draft->prefixes[i].len]++;
		for (const struct quota *quota = quotas; quota->len; quota++) {
			__u32 want = quota[1].len ? (__u64)prefixes * quota->part / 100000 : left;

			generate_length(generator, quota->len, want - have[quota->len]);
			left -= want;
		}
		draft_sort(draft);
		if (draft->failed)
			return -ENOMEM;
		if (draft->count == prefixes)
			return 0;
	}
	return -ENOSPC;
}

int workload_random(enum pt_family family, __u32 prefixes, __u32 classes, __u64 seed,
		    struct workload **ret_workload)
{
	struct generator generator = {};
	char name[16];
	int error = 0;

	draft_init(&generator.draft, family, seed + prefixes);
	if (family == PT_IPV6)
		error = allocate6(&generator, prefixes);
	if (!error)
		error = generate(&generator, prefixes);
	free(generator.allocations);
	zipf_done(&generator.zipf);
	if (error) {
		draft_done(&generator.draft);
		return error;
	}
	draft_classes(&generator.draft, classes);
	if (prefixes % 1000000 == 0)
		snprintf(name, sizeof(name), "%uM", prefixes / 1000000);
	else if (prefixes % 1000 == 0)
		snprintf(name, sizeof(name), "%uk", prefixes / 1000);
	else
		snprintf(name, sizeof(name), "%u", prefixes);
	error = draft_finish(&generator.draft, name, ret_workload);
	if (error)
		return error;
	(*ret_workload)->random = true;
	(*ret_workload)->classes = classes;
	return 0;
}
