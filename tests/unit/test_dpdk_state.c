/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of the DPDK engine's counters: what it keeps, through a restart and a change of size,
 * and who may do what with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <peertag/engine.h>

#include "state_fixture.h"

#define NOBODY 65534

static int place_setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	place_init(place);
	*state = place;
	return 0;
}

static int place_teardown(void **state)
{
	place_done(*state);
	free(*state);
	return 0;
}

static bool all_zero(const void *memory, size_t bytes)
{
	const char *from = memory;

	return bytes == 0 || (from[0] == 0 && memcmp(from, from + 1, bytes - 1) == 0);
}

static void a_new_file_is_all_zeroes_and_of_its_owner_alone(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 100, 3);
	struct stat stat;

	assert_true(all_zero(state->lanes, 3 * pt_lane_bytes(100)));
	assert_true(all_zero(state->owners.owners, 100 * sizeof(struct pt_owner)));
	assert_true(all_zero(state->file->registry, PT_REGISTRY_BYTES));
	assert_true(all_zero(state->file->ports, sizeof(state->file->ports)));
	assert_int_equal(state->counters_offset % sysconf(_SC_PAGESIZE), 0);
	assert_int_equal(lstat(place->path, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFREG | 0600);
	assert_int_equal(stat.st_size, state->counters_offset + 3 * pt_lane_bytes(100));
	/* No holes: a worker never finds the file system full. */
	assert_true(stat.st_blocks * 512 >= stat.st_size);
	assert_true(place_has_only(place, "c"));
	state_free(state);
}

static void a_restart_finds_everything(void **argument)
{
	struct place *place = *argument;
	struct totals before, after;
	struct state *state = place_open(place, 77, 2);
	struct random random;
	char *bytes = malloc(state->bytes);

	random_init(&random);
	state_scribble(state, &random);
	totals_read(&before, state, 77);
	memcpy(bytes, state->file, state->bytes);
	state_free(state);

	state = place_open(place, 77, 2);
	totals_read(&after, state, 77);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_memory_equal(bytes, state->file, state->bytes);
	state_free(state);
	free(bytes);
}

/* Capacity and lanes, before and behind. */
static const uint32_t changes[][4] = {
	{1, 1, 2, 1},	 {16, 2, 17, 2},  {100, 4, 100, 1},  {100, 1, 100, 4}, {700, 3, 2000, 2},
	{2000, 8, 5, 1}, {2000, 1, 1, 8}, {512, 64, 513, 1}, {5, 1, 2000, 64},
};

static void a_change_of_size_keeps_every_sum(void **argument)
{
	struct place *place = *argument;
	struct random random;

	random_init(&random);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const uint32_t *change = changes[i];
		uint32_t kept = change[0] < change[2] ? change[0] : change[2];
		struct totals before, after;
		struct state *state = place_open(place, change[0], change[1]);

		state_scribble(state, &random);
		for (uint32_t counter = kept; counter < change[0]; counter++)
			state->owners.owners[counter].in_use = 0;
		totals_read(&before, state, kept);
		state_free(state);

		state = place_open(place, change[2], change[3]);
		totals_read(&after, state, kept);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_true(all_zero(&state_lane(state, 0)->connections[kept],
				     (change[2] - kept) * sizeof(struct pt_connection_counters)));
		for (uint32_t lane = 1; lane < change[3]; lane++)
			assert_true(all_zero(state_lane(state, lane), pt_lane_bytes(change[2])));
		assert_true(place_has_only(place, "c"));
		state_free(state);
		unlink(place->path);
	}
}

static void counters_in_use_are_not_cut_off(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 10, 1);
	struct message message;

	state->owners.owners[7] = (struct pt_owner){.connection = 4097, .in_use = 1};
	state_lane(state, 0)->connections[7].direction[PT_RECEIVE].packets = 5;
	state_free(state);
	assert_int_equal(place_refuses(place, 7, 1, &message), -ENOSPC);
	assert_string_equal(message.text,
			    "max_connections cannot shrink from 10 to 7: counter 7 is in use");
	assert_true(place_has_only(place, "c"));
	state = place_open(place, 8, 1);
	assert_int_equal(state_lane(state, 0)->connections[7].direction[PT_RECEIVE].packets, 5);
	state_free(state);
}

static void one_process_has_it_at_a_time(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 10, 1);
	struct message message;
	int control;

	assert_int_equal(place_refuses(place, 10, 1, &message), -EBUSY);
	assert_non_null(strstr(message.text, place->path));
	assert_non_null(strstr(message.text, "another engine"));
	assert_int_equal(place_refuses(place, 11, 1, &message), -EBUSY);
	/* What control holds keeps nobody out. */
	control = dup(state->counters_fd);
	state_free(state);
	state_free(place_open(place, 10, 1));
	close(control);
}

/* What nobody but the engine may do with the descriptor, by whatever way. Returns a step, or 0. */
static int try_to_write(int fd, size_t bytes)
{
	char path[32];
	void *memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	int again;

	if (memory == MAP_FAILED)
		return 1;
	if (mprotect(memory, bytes, PROT_READ | PROT_WRITE) == 0)
		return 2;
	if (mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
		return 3;
	if (pwrite(fd, "x", 1, 0) >= 0 || ftruncate(fd, 0) == 0)
		return 4;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	if (again < 0)
		return errno == EACCES ? 0 : 5;
	if (mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) != MAP_FAILED)
		return 6;
	return pwrite(again, "x", 1, 0) >= 0 || ftruncate(again, 0) == 0 ? 7 : 0;
}

/* As somebody who is not root, but may look at his own descriptors. */
static int try_as_nobody(int fd, size_t bytes)
{
	if (setuid(NOBODY) || prctl(PR_SET_DUMPABLE, 1))
		return 9;
	return try_to_write(fd, bytes);
}

static void check_mapping(const struct state *state)
{
	struct pt_engine_open told = {.capacity = state->capacity,
				      .lane_count = state->lane_count,
				      .counters_offset = state->counters_offset};
	struct pt_counters counters;
	const struct pt_lane *lane;

	state_lane(state, 1)->connections[9].direction[PT_TRANSMIT].bytes = 1234;
	assert_int_equal(pt_engine_map_counters(state->counters_fd, &told, &counters), 0);
	lane = pt_counters_lane(&counters, 1);
	assert_int_equal(lane->connections[9].direction[PT_TRANSMIT].bytes, 1234);
	pt_engine_unmap_counters(&counters);
	told.lane_count++;
	assert_int_equal(pt_engine_map_counters(state->counters_fd, &told, &counters), -EBADMSG);
}

static void control_reads_the_file_and_cannot_write(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 10, 2);
	int status;
	pid_t child;

	check_mapping(state);
	if (geteuid()) {
		print_message("# only root can be somebody else\n");
		state_free(state);
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(try_as_nobody(state->counters_fd, state->bytes));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	state_free(state);
}

/* Not even root, and not even by opening it anew. */
static void control_reads_memory_and_cannot_write(void **argument)
{
	struct state *state;
	struct message message;

	(void)argument;
	assert_int_equal(state_open(NULL, 10, 2, &state, &message), 0);
	check_mapping(state);
	assert_int_equal(try_to_write(state->counters_fd, state->bytes), 0);
	state_free(state);
}

static void memory_without_a_file_is_its_own(void **argument)
{
	struct state *a, *b;
	struct message message;

	(void)argument;
	assert_int_equal(state_open(NULL, 10, 1, &a, &message), 0);
	assert_int_equal(state_open(NULL, 10, 1, &b, &message), 0);
	state_lane(a, 0)->connections[9].direction[PT_RECEIVE].packets = 1;
	assert_int_equal(state_lane(b, 0)->connections[9].direction[PT_RECEIVE].packets, 0);
	state_free(a);
	state_free(b);
	state_free(NULL);
}

static void zeroing_touches_its_counters_in_all_lanes_and_no_others(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 50, 3);
	size_t bytes = state->bytes;
	char *before = malloc(bytes);
	struct random random;

	random_init(&random);
	state_scribble(state, &random);
	memcpy(before, state->file, bytes);
	state->owners.zero(state->owners.counters, 20, 7);
	for (uint32_t lane = 0; lane < 3; lane++)
		memset(before + ((char *)&state_lane(state, lane)->connections[20] -
				 (char *)state->file),
		       0, 7 * sizeof(struct pt_connection_counters));
	assert_memory_equal(before, state->file, bytes);
	state->owners.zero(state->owners.counters, 0, 50);
	for (uint32_t lane = 0; lane < 3; lane++)
		assert_true(all_zero(state_lane(state, lane)->connections,
				     50 * sizeof(struct pt_connection_counters)));
	state_free(state);
	free(before);
}

static void a_port_keeps_its_slot(void **argument)
{
	struct place *place = *argument;
	struct state *state = place_open(place, 1, 1);
	char name[STATE_PORT_BYTES + 1];
	uint32_t slot;

	for (uint32_t i = 0; i < PT_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "port%u", i);
		assert_int_equal(state_port_slot(state, name, &slot), 0);
		assert_int_equal(slot, i);
	}
	assert_int_equal(state_port_slot(state, "one more", &slot), -ENOSPC);
	assert_int_equal(state_port_slot(state, "", &slot), -EINVAL);
	state_free(state);

	state = place_open(place, 1000, 4);
	assert_int_equal(state_port_slot(state, "port17", &slot), 0);
	assert_int_equal(slot, 17);
	/* A name takes the place of another, and the longest one fits. */
	memset(state->file->ports[5], 'x', STATE_PORT_BYTES - 1);
	state->file->ports[5][0] = '\0';
	assert_int_equal(state_port_slot(state, "new", &slot), 0);
	assert_int_equal(slot, 5);
	assert_string_equal(state->file->ports[5], "new");
	state->file->ports[5][0] = '\0';
	memset(name, 'n', STATE_PORT_BYTES);
	name[STATE_PORT_BYTES] = '\0';
	assert_int_equal(state_port_slot(state, name, &slot), -EINVAL);
	name[STATE_PORT_BYTES - 1] = '\0';
	assert_int_equal(state_port_slot(state, name, &slot), 0);
	assert_int_equal(slot, 5);
	assert_string_equal(state->file->ports[5], name);
	state_free(state);
}

/* What is kept of a start that was killed: longer than what is made, and readable by others. */
static void leave_over(const struct place *place)
{
	int fd = open(place->temporary, O_WRONLY | O_CREAT, 0644);
	char garbage[4096];

	memset(garbage, 0xee, sizeof(garbage));
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
}

static void what_a_killed_start_left_is_replaced(void **argument)
{
	struct place *place = *argument;
	struct state *state;
	struct stat stat;

	leave_over(place);
	state = place_open(place, 100, 2);
	assert_true(place_has_only(place, "c"));
	assert_true(all_zero(state->lanes, 2 * pt_lane_bytes(100)));
	assert_int_equal(lstat(place->path, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFREG | 0600);
	state_free(state);
	leave_over(place);
	state_free(place_open(place, 101, 2));
	assert_true(place_has_only(place, "c"));
	/* Where nothing is to be made, it is swept away. */
	leave_over(place);
	state_free(place_open(place, 101, 2));
	assert_true(place_has_only(place, "c"));
	/* But not what a start would not have left so. */
	leave_over(place);
	assert_int_equal(chmod(place->temporary, 0622), 0);
	state_free(place_open(place, 101, 2));
	assert_int_equal(access(place->temporary, F_OK), 0);
}

static void a_million_connections_for_eight_workers_fit(void **argument)
{
	struct place *place = *argument;
	uint32_t capacity = 1 << 20, lanes = 8;
	struct statvfs room;
	struct state *state;

	assert_int_equal(statvfs(place->folder, &room), 0);
	if (room.f_bavail * room.f_frsize < 3 * lanes * pt_lane_bytes(capacity)) {
		print_message("# there is no room for it in %s\n", place->folder);
		skip();
	}
	state = place_open(place, capacity, lanes);
	state_lane(state, lanes - 1)->connections[capacity - 1].direction[1].bytes = 42;
	state_free(state);
	state = place_open(place, capacity, 1);
	assert_int_equal(state_lane(state, 0)->connections[capacity - 1].direction[1].bytes, 42);
	state_free(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_all_zeroes_and_of_its_owner_alone),
		TEST(a_restart_finds_everything),
		TEST(a_change_of_size_keeps_every_sum),
		TEST(counters_in_use_are_not_cut_off),
		TEST(one_process_has_it_at_a_time),
		TEST(control_reads_the_file_and_cannot_write),
		TEST(control_reads_memory_and_cannot_write),
		TEST(memory_without_a_file_is_its_own),
		TEST(zeroing_touches_its_counters_in_all_lanes_and_no_others),
		TEST(a_port_keeps_its_slot),
		TEST(what_a_killed_start_left_is_replaced),
		TEST(a_million_connections_for_eight_workers_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
