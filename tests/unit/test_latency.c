/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of round-trip times in shared memory: which one a sample goes to, and what begins it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/latency.h>

#define SLOTS 3
#define LANES 2
#define MS    1000000ull

/* Lanes in one buffer that ends where the last lane ends. */
static int lanes_init(void **state)
{
	uint64_t bytes = LANES * pt_latency_lane_bytes(SLOTS);

	*state = aligned_alloc(PT_LATENCY_ALIGN, bytes);
	memset(*state, 0, bytes);
	return 0;
}

static int lanes_done(void **state)
{
	free(*state);
	return 0;
}

static struct pt_latency_lane *lane_of(void **state, uint32_t lane)
{
	const struct pt_latency latency = {
		.lanes = *state, .lane_count = LANES, .slots = SLOTS, .window_ms = 1000};

	return (struct pt_latency_lane *)pt_latency_lane(&latency, lane);
}

static uint64_t samples(const struct pt_latency_window *window)
{
	uint64_t count = 0;

	for (uint32_t bin = 0; bin < PT_HISTOGRAM_BINS; bin++)
		count += window->bins[bin].count;
	return count;
}

static int hosts(const struct pt_latency_window *window)
{
	int count = 0;

	for (int word = 0; word < PT_LATENCY_HOST_WORDS; word++)
		count += __builtin_popcountll(window->hosts[word]);
	return count;
}

/* Of all windows of all lanes. */
static uint64_t all_samples(void **state)
{
	uint64_t count = 0;

	for (uint32_t lane = 0; lane < LANES; lane++)
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			for (uint32_t parity = 0; parity < PT_LATENCY_WINDOWS; parity++)
				count +=
					samples(&lane_of(state, lane)->slots[slot].windows[parity]);
	return count;
}

static void lanes_and_slots_lie_one_behind_the_other_in_cache_lines(void **state)
{
	const uint8_t *first = *state;

	assert_int_equal(sizeof(struct pt_latency_slot) % PT_LATENCY_ALIGN, 0);
	for (uint32_t lane = 0; lane < LANES; lane++) {
		const uint8_t *begin = first + lane * pt_latency_lane_bytes(SLOTS);

		assert_ptr_equal(lane_of(state, lane), begin);
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			assert_ptr_equal(&lane_of(state, lane)->slots[slot],
					 begin + PT_LATENCY_ALIGN +
						 slot * sizeof(struct pt_latency_slot));
	}
	assert_int_equal(pt_latency_lane_bytes(0), PT_LATENCY_ALIGN);
	assert_int_equal(pt_latency_lane_bytes(PT_LATENCY_SLOTS_MAX),
			 PT_LATENCY_ALIGN + 65536ull * sizeof(struct pt_latency_slot));
	/* Beyond what 32 bits count. */
	assert_int_equal(pt_latency_lane_bytes(0xffffffff) >> 32,
			 sizeof(struct pt_latency_slot) - 1);
}

static void a_sample_is_in_its_slot_and_lane_alone(void **state)
{
	for (uint32_t lane = 0; lane < LANES; lane++) {
		for (uint32_t slot = 1; slot <= SLOTS; slot++) {
			uint64_t before = all_samples(state);
			struct pt_latency_window *window;

			pt_latency_add(lane_of(state, lane), SLOTS, slot, 7, 5 * MS, 10);
			window = &lane_of(state, lane)->slots[slot - 1].windows[0];
			assert_int_equal(samples(window), 1);
			assert_int_equal(hosts(window), 1);
			assert_int_equal(window->number, 10);
			assert_int_equal(all_samples(state), before + 1);
		}
		assert_int_equal(lane_of(state, lane)->lost, 0);
	}
}

static void slots_that_are_not_there_are_lost(void **state)
{
	static const uint32_t missing[] = {0, SLOTS + 1, SLOTS + 2, 0x80000000, 0xffffffff};
	struct pt_latency_lane *lane = lane_of(state, LANES - 1);

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		pt_latency_add(lane, SLOTS, missing[i], 7, 5 * MS, 10);
		assert_int_equal(lane->lost, i + 1);
	}
	pt_latency_add(lane, 0, 1, 7, 5 * MS, 10);
	assert_int_equal(lane->lost, sizeof(missing) / sizeof(missing[0]) + 1);
	assert_int_equal(all_samples(state), 0);
}

static void the_first_sample_of_a_window_empties_the_one_before_the_last(void **state)
{
	struct pt_latency_lane *lane = lane_of(state, 0);
	struct pt_latency_window *windows = lane->slots[1].windows;

	for (uint32_t number = 100; number < 110; number++) {
		for (uint32_t sample = 0; sample <= number; sample++)
			pt_latency_add(lane, SLOTS, 2, sample, (sample + 1) * MS, number);
		assert_int_equal(windows[number % 2].number, number);
		assert_int_equal(samples(&windows[number % 2]), number + 1);
		/* A reader has the last one whole. */
		if (number > 100) {
			assert_int_equal(windows[(number - 1) % 2].number, number - 1);
			assert_int_equal(samples(&windows[(number - 1) % 2]), number);
		}
	}
	pt_latency_add(lane, SLOTS, 2, 3, MS, 110);
	assert_int_equal(samples(&windows[0]), 1);
	assert_int_equal(hosts(&windows[0]), 1);
	assert_int_equal(windows[0].hosts[0], 1 << 3);
}

static void a_window_that_nothing_came_in_keeps_an_old_number(void **state)
{
	struct pt_latency_lane *lane = lane_of(state, 0);
	struct pt_latency_window *windows = lane->slots[0].windows;

	pt_latency_add(lane, SLOTS, 1, 1, MS, 50);
	pt_latency_add(lane, SLOTS, 1, 1, MS, 57);
	pt_latency_add(lane, SLOTS, 1, 1, MS, 57);
	assert_int_equal(windows[0].number, 50);
	assert_int_equal(windows[1].number, 57);
	assert_int_equal(samples(&windows[1]), 2);
}

static void the_very_first_window_of_a_machine_counts(void **state)
{
	struct pt_latency_lane *lane = lane_of(state, 0);

	pt_latency_add(lane, SLOTS, 1, 1, MS, 0);
	pt_latency_add(lane, SLOTS, 1, 2, MS, 0);
	assert_int_equal(samples(&lane->slots[0].windows[0]), 2);
}

static void a_host_is_one_bit_however_often_it_comes(void **state)
{
	struct pt_latency_window *window = &lane_of(state, 0)->slots[0].windows[1];

	for (uint64_t host = 0; host < PT_LATENCY_HOST_BITS; host++) {
		for (int times = 0; times < 3; times++)
			pt_latency_add(lane_of(state, 0), SLOTS, 1,
				       host + (uint64_t)times * PT_LATENCY_HOST_BITS * 0x10001, MS,
				       7);
		assert_int_equal(hosts(window), host + 1);
		assert_true(window->hosts[host / 64] >> host % 64 & 1);
	}
}

static void what_a_full_bin_refuses_is_lost_and_is_no_host(void **state)
{
	struct pt_latency_lane *lane = lane_of(state, 0);
	struct pt_latency_window *window = &lane->slots[0].windows[1];

	pt_latency_add(lane, SLOTS, 1, 4, 5 * MS, 7);
	for (uint32_t bin = 0; bin < PT_HISTOGRAM_BINS; bin++)
		window->bins[bin].count = PT_BIN_COUNT_MAX;
	pt_latency_add(lane, SLOTS, 1, 9, 5 * MS, 7);
	assert_int_equal(lane->lost, 1);
	assert_int_equal(window->hosts[0], 1 << 4);
	assert_int_equal(samples(window), (uint64_t)PT_BIN_COUNT_MAX * PT_HISTOGRAM_BINS);
}

static void windows_are_numbered_by_the_clock(void **state)
{
	(void)state;
	assert_int_equal(pt_latency_number(0, 60000), 0);
	assert_int_equal(pt_latency_number(60000 * MS - 1, 60000), 0);
	assert_int_equal(pt_latency_number(60000 * MS, 60000), 1);
	assert_int_equal(pt_latency_number(120000 * MS, 60000), 2);
	assert_int_equal(pt_latency_number(7 * MS - 1, 1), 6);
	/* A day, and longer than 2^32 windows: the parity goes on. */
	assert_int_equal(pt_latency_number(86400000 * MS * 3, 86400000), 3);
	assert_int_equal(pt_latency_number(((1ull << 32) + 5) * MS, 1), 5);
	assert_int_equal(pt_latency_number(UINT64_MAX, 0xffffffff), 4294);
}

static void beginning_a_window_leaves_nothing_of_it_and_nothing_else(void **state)
{
	struct pt_latency_slot *slot = &lane_of(state, 0)->slots[1];
	uint64_t bytes = LANES * pt_latency_lane_bytes(SLOTS);
	uint8_t *all = *state, *expected = malloc(bytes);

	memset(all, 0xee, bytes);
	memset(expected, 0xee, bytes);
	memset(expected + ((uint8_t *)&slot->windows[1] - all), 0, sizeof(slot->windows[1]));
	((struct pt_latency_window *)(expected + ((uint8_t *)&slot->windows[1] - all)))->number = 9;
	pt_latency_window_begin(&slot->windows[1], 9);
	assert_memory_equal(all, expected, bytes);
	free(expected);
}

#define WITH_LANES(test) cmocka_unit_test_setup_teardown(test, lanes_init, lanes_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LANES(lanes_and_slots_lie_one_behind_the_other_in_cache_lines),
		WITH_LANES(a_sample_is_in_its_slot_and_lane_alone),
		WITH_LANES(slots_that_are_not_there_are_lost),
		WITH_LANES(the_first_sample_of_a_window_empties_the_one_before_the_last),
		WITH_LANES(a_window_that_nothing_came_in_keeps_an_old_number),
		WITH_LANES(the_very_first_window_of_a_machine_counts),
		WITH_LANES(a_host_is_one_bit_however_often_it_comes),
		WITH_LANES(what_a_full_bin_refuses_is_lost_and_is_no_host),
		WITH_LANES(windows_are_numbered_by_the_clock),
		WITH_LANES(beginning_a_window_leaves_nothing_of_it_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
