/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "skeleton.h"
#include "capacity.h"
#include "latency.h"
#include "pins.h"
#include "program.h"
#include "state.h"

/* Counters that one run of pt_zero zeroes. */
#define ZERO_STEP 65536

/* The maps that libbpf pins, or takes from their pins after comparing their shapes. */
static const char *const pinned[] = {
	"sets4",
	"sets6",
	"state",
	"inputs",
};

/* Those whose size is in the name of their pin. */
static const char *const pinned_by_size[] = {"counters", "owners"};

/* Those that it would not recognize: the kernel adds a flag of its own to a DEVMAP. */
static const char *const pinned_by_hand[] = {"outputs", "outputs_frags"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void state_pin_path(const struct state *state, const char *name, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/%s", state->dir, name);
}

void state_sized_path(const struct state *state, const char *kind, __u32 size, char *path,
		      size_t bytes)
{
	snprintf(path, bytes, "%s/%s-%u", state->dir, kind, size);
}

bool state_is_changing(const struct state *state)
{
	return state->shared->capacity != state->capacity ||
	       state->shared->table_room != state->table_room;
}

int state_map(const struct state *state, const char *name)
{
	return bpf_object__find_map_fd_by_name(state->maps->obj, name);
}

__u32 state_room_for(__u64 bytes)
{
	__u32 room = PT_XDP_TABLE_MIN;

	while (room < bytes && room < PT_XDP_TABLE_MAX)
		room *= 2;
	return room < bytes ? 0 : room;
}

struct pt_table *state_table(const struct state *state, __u32 side)
{
	return (void *)(state->tables + side * capacity_side_bytes(state->table_room));
}

struct pt_lane *state_lane(const struct state *state, __u32 lane)
{
	return (void *)((char *)state->lanes + lane * pt_lane_bytes(state->capacity));
}

struct pt_counters state_counters(const struct state *state)
{
	return (struct pt_counters){.lanes = (void *)state->lanes,
				    .lane_count = state->lane_count,
				    .capacity = state->capacity};
}

static bool lane_is_zero(const struct pt_lane *lane, __u32 first, __u32 count)
{
	static const struct pt_connection_counters zero;

	for (__u32 i = first; i < first + count; i++)
		if (memcmp(&lane->connections[i], &zero, sizeof(zero)))
			return false;
	return true;
}

static int zero_run(const struct state *state, __u32 lane, __u32 first, __u32 count)
{
	struct pt_xdp_zero zero = {.lane = lane, .first = first, .count = count};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &zero, .data_size_in = sizeof(zero));

	return bpf_prog_test_run_opts(program_fd(state->maps, PROGRAM_ZERO), &options);
}

/* There is no going on without: a run fails for want of memory, or for a signal. */
static void state_zero(void *counters, __u32 first, __u32 count)
{
	const struct state *state = counters;
	__u32 step;

	for (__u32 lane = 0; lane < state->lane_count; lane++) {
		for (__u32 done = 0; done < count; done += step) {
			step = count - done < ZERO_STEP ? count - done : ZERO_STEP;
			while (!lane_is_zero(state_lane(state, lane), first + done, step) &&
			       zero_run(state, lane, first + done, step))
				usleep(1000);
		}
	}
}

/* Whether what is pinned is ours and of this size. Nothing pinned is fine. */
static int state_check_pins(struct state *state, struct message *message)
{
	struct pt_xdp_state old = {};
	char path[PATH_MAX];
	__u32 first = 0;
	int fd, error;

	state_pin_path(state, "state", path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return message_set(message, fd, "cannot open the pinned map %s: %s", path,
				   strerror(-fd));
	error = pins_check_map(fd, sizeof(old)) ? -EPROTONOSUPPORT : 0;
	if (!error)
		error = bpf_map_lookup_elem(fd, &first, &old);
	close(fd);
	if (!error && old.abi && old.abi != PT_XDP_ABI)
		error = -EPROTONOSUPPORT;
	if (error)
		return message_set(message, error,
				   "the pins in %s are of another version of peertag: detach its "
				   "ports with that version, or remove the directory",
				   state->dir);
	state->found = old.abi != 0;
	if (state->found)
		capacity_sweep(state, &old);
	return state->found ? capacity_check(state, &old, message) : 0;
}

/* Takes the devmaps that are pinned. */
static int outputs_reuse(const struct state *state)
{
	char path[PATH_MAX];
	int fd, error = 0;

	for (size_t i = 0; !error && i < COUNT(pinned_by_hand); i++) {
		state_pin_path(state, pinned_by_hand[i], path, sizeof(path));
		fd = bpf_obj_get(path);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		error = bpf_map__reuse_fd(
			bpf_object__find_map_by_name(state->maps->obj, pinned_by_hand[i]), fd);
		close(fd);
	}
	return error;
}

static int outputs_pin(const struct state *state)
{
	char path[PATH_MAX];
	int error = 0;

	for (size_t i = 0; !error && i < COUNT(pinned_by_hand); i++) {
		state_pin_path(state, pinned_by_hand[i], path, sizeof(path));
		if (access(path, F_OK))
			error = bpf_obj_pin(state_map(state, pinned_by_hand[i]), path);
	}
	return error;
}

static int pins_set(const struct state *state)
{
	char path[PATH_MAX];
	int error = 0;

	for (size_t i = 0; !error && i < COUNT(pinned); i++) {
		state_pin_path(state, pinned[i], path, sizeof(path));
		error = bpf_map__set_pin_path(
			bpf_object__find_map_by_name(state->maps->obj, pinned[i]), path);
	}
	for (size_t i = 0; !error && i < COUNT(pinned_by_size); i++) {
		state_sized_path(state, pinned_by_size[i], state->capacity, path, sizeof(path));
		error = bpf_map__set_pin_path(
			bpf_object__find_map_by_name(state->maps->obj, pinned_by_size[i]), path);
	}
	state_sized_path(state, "tables", state->table_room, path, sizeof(path));
	if (!error)
		error = bpf_map__set_pin_path(state->maps->maps.tables, path);
	return error ? error : outputs_reuse(state);
}

static int state_make_maps(struct state *state)
{
	const struct pt_xdp_options options = {.capacity = state->capacity};
	struct peertag *maps = program_skeleton();
	int error;

	if (!maps)
		return -errno;
	state->maps = maps;
	program_choose(maps, &options, PROGRAM_BIT(PROGRAM_ZERO));
	bpf_map__set_max_entries(maps->maps.counters, state->lane_count);
	bpf_map__set_value_size(maps->maps.counters, pt_lane_bytes(state->capacity));
	bpf_map__set_max_entries(maps->maps.owners, state->capacity);
	bpf_map__set_value_size(maps->maps.tables, capacity_side_bytes(state->table_room));
	error = latency_prepare(state);
	if (!error && state->dir)
		error = pins_set(state);
	if (!error)
		error = peertag__load(maps);
	return !error && state->dir ? outputs_pin(state) : error;
}

static void *map_memory(const struct state *state, const char *name, size_t bytes, int protection)
{
	void *memory = mmap(NULL, bytes, protection, MAP_SHARED, state_map(state, name), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t tables_bytes(const struct state *state)
{
	return PT_XDP_SIDES * (size_t)capacity_side_bytes(state->table_room);
}

static size_t lanes_bytes(const struct state *state)
{
	return state->lane_count * pt_lane_bytes(state->capacity);
}

/* Maps the counters for writing where that is possible: they may be frozen already. */
static int counters_map(struct state *state)
{
	size_t bytes = lanes_bytes(state);

	state->lanes = map_memory(state, "counters", bytes, PROT_READ | PROT_WRITE);
	if (state->lanes)
		return 0;
	state->lanes = map_memory(state, "counters", bytes, PROT_READ);
	state->frozen = true;
	return state->lanes ? 0 : -errno;
}

/*
 * A read only descriptor would be the natural thing to hand out, but cannot be mapped: the kernel
 * takes VM_SHARED from such a mapping, and then refuses it for not being shared.
 */
int state_freeze(struct state *state)
{
	int error;

	munmap(state->lanes, lanes_bytes(state));
	error = bpf_map_freeze(state_map(state, "counters"));
	state->lanes = map_memory(state, "counters", lanes_bytes(state), PROT_READ);
	state->frozen = !error;
	return error || state->lanes ? error : -errno;
}

static int state_map_memory(struct state *state)
{
	int writable = PROT_READ | PROT_WRITE;
	int error = counters_map(state);

	state->shared = map_memory(state, "state", sizeof(*state->shared), writable);
	state->owners.owners =
		map_memory(state, "owners", state->capacity * sizeof(struct pt_owner), writable);
	state->tables = map_memory(state, "tables", tables_bytes(state), writable);
	if (!error && !(state->shared && state->owners.owners && state->tables))
		error = -errno;
	if (error)
		return error;
	state->owners.registry = state->shared->registry;
	state->owners.capacity = state->capacity;
	state->owners.zero = state_zero;
	state->owners.counters = state;
	return 0;
}

/* What is new begins with no set; what is of another capacity begins to change. */
static int state_begin(struct state *state)
{
	struct pt_xdp_state *shared = state->shared;

	if (shared->abi == 0) {
		shared->active = PT_XDP_SIDE_NONE;
		shared->capacity = state->capacity;
		shared->table_room = state->table_room;
		shared->abi = PT_XDP_ABI;
	}
	shared->next_capacity = shared->capacity != state->capacity ? state->capacity : 0;
	/* Counts that are to be carried over are written by us, so that is not yet the time. */
	if (!state->dir || state->frozen || state_is_changing(state))
		return 0;
	return state_freeze(state);
}

static int state_open_maps(struct state *state, struct message *message)
{
	int error = state_make_maps(state);

	if (!error)
		error = state_map_memory(state);
	if (!error)
		error = state_begin(state);
	if (!error)
		error = latency_settle(state);
	if (!error && state->shared->table_room != state->table_room)
		error = capacity_carry_table(state);
	if (error == -EPERM)
		return message_set(message, error,
				   "cannot make BPF maps: not permitted; be root, or have CAP_BPF, "
				   "CAP_PERFMON and CAP_NET_ADMIN");
	return error ? message_set(message, error, "cannot make the BPF maps%s%s: %s",
				   state->dir ? " in " : "", state->dir ? state->dir : "",
				   strerror(-error))
		     : 0;
}

int state_open(const char *dir, const struct state_options *options, struct state **ret,
	       struct message *message)
{
	struct state *state = calloc(1, sizeof(*state));
	int error = 0;

	if (!state)
		return message_set(message, -ENOMEM, "out of memory");
	state->lock = -1;
	state->capacity = options->capacity;
	state->table_room = options->table_room;
	state->latency_slots = options->latency_slots;
	state->latency_window_ms = options->latency_window_ms;
	state->tries = options->tries;
	state->lane_count = libbpf_num_possible_cpus() + 1;
	if (dir) {
		state->dir = strdup(dir);
		error = state->dir ? pins_make_dir(dir, message) : -ENOMEM;
	}
	if (!error && dir) {
		state->lock = pins_lock(dir, message);
		error = state->lock < 0 ? state->lock : 0;
	}
	if (!error && options->capacity > PT_XDP_CAPACITY_MAX)
		error = message_set(message, -E2BIG, "max_connections is at most %u",
				    PT_XDP_CAPACITY_MAX);
	if (!error && dir)
		error = state_check_pins(state, message);
	if (!error)
		error = state_open_maps(state, message);
	if (error) {
		state_free(state);
		return error;
	}
	*ret = state;
	return 0;
}

static void unmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

void state_free(struct state *state)
{
	if (!state)
		return;
	unmap(state->shared, sizeof(*state->shared));
	unmap(state->owners.owners, state->capacity * sizeof(struct pt_owner));
	unmap(state->lanes, lanes_bytes(state));
	unmap(state->tables, tables_bytes(state));
	peertag__destroy(state->maps);
	if (state->lock >= 0)
		close(state->lock);
	free(state->dir);
	free(state);
}

int state_port_slot(struct state *state, const char *name, __u32 *ret_slot)
{
	__u32 slot, free_slot = PT_PORTS_MAX;

	for (slot = PT_PORTS_MAX; slot-- > 0;) {
		if (!strcmp(state->shared->ports[slot], name)) {
			*ret_slot = slot;
			return 0;
		}
		if (!state->shared->ports[slot][0])
			free_slot = slot;
	}
	if (free_slot == PT_PORTS_MAX)
		return -ENOSPC;
	snprintf(state->shared->ports[free_slot], PT_XDP_PORT_BYTES, "%s", name);
	*ret_slot = free_slot;
	return 0;
}
