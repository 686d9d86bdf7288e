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
#include "pins.h"
#include "program.h"
#include "state.h"

/* The maps that are pinned; report is not. */
static const char *const pinned[] = {
	"sets4", "sets6", "state", "counters", "owners", "outputs", "outputs_frags", "inputs",
};

void state_pin_path(const struct state *state, const char *name, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/%s", state->dir, name);
}

int state_map(const struct state *state, const char *name)
{
	return bpf_object__find_map_fd_by_name(state->maps->obj, name);
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

void state_zero(struct state *state, __u32 counter)
{
	for (__u32 lane = 0; lane < state->lane_count; lane++)
		memset(&state_lane(state, lane)->connections[counter], 0,
		       sizeof(struct pt_connection_counters));
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
	if (!error && old.abi != PT_XDP_ABI)
		error = -EPROTONOSUPPORT;
	if (error)
		return message_set(message, error,
				   "the pins in %s are of another version of peertag: detach its "
				   "ports with that version, or remove the directory",
				   state->dir);
	state->found = true;
	if (old.capacity == state->capacity)
		return 0;
	return message_set(message, -EBUSY,
			   "the pinned counters in %s hold %u connections, max_connections is %u: "
			   "detach the ports first, or set it back",
			   state->dir, old.capacity, state->capacity);
}

static int state_make_maps(struct state *state)
{
	struct peertag *maps = program_skeleton();
	char path[PATH_MAX];
	int error = 0;

	if (!maps)
		return -errno;
	state->maps = maps;
	bpf_map__set_max_entries(maps->maps.counters, state->lane_count);
	bpf_map__set_value_size(maps->maps.counters, pt_lane_bytes(state->capacity));
	bpf_map__set_max_entries(maps->maps.owners, state->capacity);
	for (size_t i = 0; state->dir && !error && i < sizeof(pinned) / sizeof(*pinned); i++) {
		state_pin_path(state, pinned[i], path, sizeof(path));
		error = bpf_map__set_pin_path(bpf_object__find_map_by_name(maps->obj, pinned[i]),
					      path);
	}
	return error ? error : peertag__load(maps);
}

static void *map_memory(const struct state *state, const char *name, size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, state_map(state, name), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t lanes_bytes(const struct state *state)
{
	return state->lane_count * pt_lane_bytes(state->capacity);
}

static int state_map_memory(struct state *state)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	char path[PATH_MAX];

	state->shared = map_memory(state, "state", sizeof(*state->shared));
	state->owners = map_memory(state, "owners", state->capacity * sizeof(*state->owners));
	state->lanes = map_memory(state, "counters", lanes_bytes(state));
	if (!state->shared || !state->owners || !state->lanes)
		return -errno;
	if (!state->dir)
		return 0;
	state_pin_path(state, "counters", path, sizeof(path));
	state->counters_fd = bpf_obj_get_opts(path, &options);
	return state->counters_fd < 0 ? state->counters_fd : 0;
}

static int state_open_maps(struct state *state, struct message *message)
{
	int error = state_make_maps(state);

	if (!error)
		error = state_map_memory(state);
	if (error)
		return message_set(message, error, "cannot make the BPF maps%s%s: %s",
				   state->dir ? " in " : "", state->dir ? state->dir : "",
				   strerror(-error));
	if (state->shared->abi == 0) {
		state->shared->active = PT_XDP_SIDE_NONE;
		state->shared->capacity = state->capacity;
		state->shared->abi = PT_XDP_ABI;
	}
	return 0;
}

int state_open(const char *dir, __u32 capacity, struct state **ret, struct message *message)
{
	struct state *state = calloc(1, sizeof(*state));
	int error = 0;

	if (!state)
		return message_set(message, -ENOMEM, "out of memory");
	state->capacity = capacity;
	state->lane_count = libbpf_num_possible_cpus() + 1;
	state->counters_fd = -1;
	if (dir) {
		state->dir = strdup(dir);
		error = state->dir ? pins_make_dir(dir, message) : -ENOMEM;
	}
	if (!error && capacity > PT_XDP_CAPACITY_MAX)
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
	unmap(state->owners, state->capacity * sizeof(*state->owners));
	unmap(state->lanes, lanes_bytes(state));
	if (state->counters_fd >= 0)
		close(state->counters_fd);
	peertag__destroy(state->maps);
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
