/* SPDX-License-Identifier: BSD-3-Clause */
/* A compile that runs out of memory, at every allocation that it makes: told, and nothing leaks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table/snapshot_build.h"

#include "table_sets.h"

/* The linker sends every allocation through here (--wrap). */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *memory);

static struct {
	bool counting;
	long number; /* of allocations so far */
	long fails;  /* the number of the one that fails; 0: none */
	bool all;    /* and so do all that come behind it */
	long held;
} heap;

static bool heap_refuses(void)
{
	long number = heap.counting ? ++heap.number : 0;

	return heap.fails && number && (heap.all ? number >= heap.fails : number == heap.fails);
}

static void *heap_hold(void *memory)
{
	heap.held += heap.counting && memory;
	return memory;
}

void *__wrap_malloc(size_t bytes)
{
	return heap_refuses() ? NULL : heap_hold(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return heap_refuses() ? NULL : heap_hold(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	void *moved = heap_refuses() ? NULL : __real_realloc(memory, bytes);

	return memory ? moved : heap_hold(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	return heap_refuses() ? NULL : heap_hold(__real_aligned_alloc(alignment, bytes));
}

void __wrap_free(void *memory)
{
	heap.held -= heap.counting && memory;
	__real_free(memory);
}

/* Compiles, where allocation number `fails` fails. */
static int build(const struct snapshot_parts *parts, long fails, bool all,
		 struct pt_snapshot **ret_snapshot)
{
	int error;

	heap.number = heap.held = 0;
	heap.fails = fails;
	heap.all = all;
	heap.counting = true;
	error = snapshot_build(parts, ret_snapshot);
	heap.counting = false;
	assert_int_equal(heap.held, error ? 0 : 1);
	return error;
}

static struct snapshot_parts parts_of(const struct pt_snapshot *snapshot)
{
	struct snapshot_parts parts = {.generation = snapshot->generation,
				       .counters = snapshot->counters,
				       .class_count = snapshot->class_count,
				       .classes = pt_snapshot_classes(snapshot),
				       .connections = pt_snapshot_connections(snapshot),
				       .rules4 = pt_snapshot_rules4(snapshot),
				       .rules6 = pt_snapshot_rules6(snapshot)};

	memcpy(parts.registry, snapshot->registry, sizeof(parts.registry));
	memcpy(parts.default_class, snapshot->default_class, sizeof(parts.default_class));
	memcpy(parts.rule_count, snapshot->rule_count, sizeof(parts.rule_count));
	return parts;
}

static void fail_each_allocation(const struct table_set *kind, struct random *random)
{
	struct pt_snapshot *good, *again, *untouched = (struct pt_snapshot *)0x1234;
	struct snapshot_parts parts;
	struct rule_set set;
	long allocations;

	table_set_make(kind, random, &set);
	good = rule_set_snapshot(&set, 1);
	parts = parts_of(good);
	assert_int_equal(build(&parts, 0, false, &again), 0);
	assert_memory_equal(good, again, good->bytes);
	allocations = heap.number;
	free(again);
	for (long fails = 1; fails <= allocations; fails++)
		for (int all = 0; all <= 1; all++) {
			if (build(&parts, fails, all, &untouched) != -ENOMEM)
				fail_msg("%s: allocation %ld of %ld", kind->name, fails,
					 allocations);
			assert_ptr_equal(untouched, (struct pt_snapshot *)0x1234);
		}
	print_message("# %s: %ld allocations\n", kind->name, allocations);
	free(good);
	rule_set_done(&set);
}

static void every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
	struct random random;

	(void)state;
	random_init(&random);
	for (size_t i = 0; i < table_set_count; i++)
		fail_each_allocation(&table_sets[i], &random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failed_allocation_is_told_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
