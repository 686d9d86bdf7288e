/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capacity.h"
#include "state.h"

/* Maps a pinned array for reading. Returns it, or NULL and errno. */
static const void *pin_map(const struct state *state, const char *kind, __u32 capacity,
			   size_t bytes)
{
	char path[PATH_MAX];
	void *memory;
	int fd;

	state_sized_path(state, kind, capacity, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

static int check_shrink(const struct state *state, __u32 old_capacity, struct message *message)
{
	size_t bytes = old_capacity * sizeof(struct pt_owner);
	const struct pt_owner *owners = pin_map(state, "owners", old_capacity, bytes);
	__u32 counter = state->capacity;

	if (!owners)
		return message_set(message, -errno, "cannot read the pinned owners in %s: %s",
				   state->dir, strerror(errno));
	while (counter < old_capacity && !owners[counter].in_use)
		counter++;
	munmap((void *)owners, bytes);
	return counter < old_capacity
		       ? message_set(message, -ENOSPC,
				     "max_connections cannot shrink from %u to %u: counter %u is "
				     "in use",
				     old_capacity, state->capacity, counter)
		       : 0;
}

__u32 capacity_side_bytes(__u32 table_room)
{
	return table_room + PT_XDP_TABLE_TAIL;
}

static const void *tables_map(const struct state *state, __u32 room)
{
	return pin_map(state, "tables", room, PT_XDP_SIDES * (size_t)capacity_side_bytes(room));
}

static void tables_unmap(const void *tables, __u32 room)
{
	munmap((void *)tables, PT_XDP_SIDES * (size_t)capacity_side_bytes(room));
}

static const struct pt_table *table_active(const void *tables, const struct pt_xdp_state *pinned)
{
	return (const void *)((const char *)tables +
			      pinned->active * (size_t)capacity_side_bytes(pinned->table_room));
}

static int check_table(const struct state *state, const struct pt_xdp_state *pinned,
		       struct message *message)
{
	__u64 bytes = 0;
	const void *tables;

	if (pinned->table_room <= state->table_room || pinned->active >= PT_XDP_SIDES)
		return 0;
	tables = tables_map(state, pinned->table_room);
	if (!tables)
		return message_set(message, -errno, "cannot read the pinned tables in %s: %s",
				   state->dir, strerror(errno));
	bytes = table_active(tables, pinned)->bytes;
	tables_unmap(tables, pinned->table_room);
	return bytes > state->table_room
		       ? message_set(message, -ENOSPC,
				     "max_prefixes cannot shrink so far: the table in use has %llu "
				     "bytes, and there would be room for %u",
				     (unsigned long long)bytes, state->table_room)
		       : 0;
}

int capacity_carry_table(const struct state *state)
{
	const struct pt_xdp_state *shared = state->shared;
	const struct pt_table *active;
	const void *tables;

	if (shared->active >= PT_XDP_SIDES)
		return 0;
	tables = tables_map(state, shared->table_room);
	if (!tables)
		return -errno;
	active = table_active(tables, shared);
	if (active->bytes <= state->table_room)
		memcpy(state_table(state, shared->active), active, active->bytes);
	tables_unmap(tables, shared->table_room);
	return 0;
}

int capacity_check(const struct state *state, const struct pt_xdp_state *pinned,
		   struct message *message)
{
	int error =
		pinned->table_room != state->table_room ? check_table(state, pinned, message) : 0;

	if (error || (pinned->capacity == state->capacity && !pinned->next_capacity))
		return error;
	if (pinned->next_capacity && pinned->next_capacity != pinned->capacity &&
	    pinned->next_capacity != state->capacity)
		return message_set(message, -EBUSY,
				   "a change of max_connections from %u to %u was not finished: "
				   "set it to %u, start the engine, and then change it again",
				   pinned->capacity, pinned->next_capacity, pinned->next_capacity);
	if (pinned->capacity <= state->capacity)
		return 0;
	return check_shrink(state, pinned->capacity, message);
}

static bool is_left_over(const struct state *state, const char *pin,
			 const struct pt_xdp_state *pinned)
{
	unsigned int capacity, room;

	if (sscanf(pin, "tables-%u", &room) == 1)
		return room != pinned->table_room && room != state->table_room;
	if (sscanf(pin, "counters-%u", &capacity) != 1 && sscanf(pin, "owners-%u", &capacity) != 1)
		return false;
	return capacity != pinned->capacity && capacity != pinned->next_capacity;
}

void capacity_sweep(const struct state *state, const struct pt_xdp_state *pinned)
{
	DIR *pins = opendir(state->dir);
	struct dirent *pin;

	if (!pins)
		return;
	while ((pin = readdir(pins)))
		if (is_left_over(state, pin->d_name, pinned))
			unlinkat(dirfd(pins), pin->d_name, 0);
	closedir(pins);
}

static void carry_counts(struct state *state, const struct pt_counters *old)
{
	struct pt_lane *lane = state_lane(state, state->lane_count - 1);
	__u32 count = old->capacity < state->capacity ? old->capacity : state->capacity;

	for (__u32 slot = 0; slot < PT_PORTS_MAX; slot++) {
		struct pt_port_counters sum = {};

		pt_counters_port(old, slot, &sum);
		lane->ports[slot] = sum;
	}
	for (__u32 counter = 0; counter < count; counter++) {
		struct pt_connection_counters sum = {};

		pt_counters_connection(old, counter, &sum);
		lane->connections[counter] = sum;
	}
}

static int carry(struct state *state, __u32 old_capacity)
{
	__u32 count = old_capacity < state->capacity ? old_capacity : state->capacity;
	size_t owner_bytes = old_capacity * sizeof(struct pt_owner);
	size_t lane_bytes = state->lane_count * pt_lane_bytes(old_capacity);
	const struct pt_owner *owners = pin_map(state, "owners", old_capacity, owner_bytes);
	struct pt_counters old = {.lanes = pin_map(state, "counters", old_capacity, lane_bytes),
				  .lane_count = state->lane_count,
				  .capacity = old_capacity};
	int error = owners && old.lanes ? 0 : -errno;

	if (!error) {
		memcpy(state->owners.owners, owners, count * sizeof(*owners));
		carry_counts(state, &old);
	}
	if (owners)
		munmap((void *)owners, owner_bytes);
	if (old.lanes)
		munmap((void *)old.lanes, lane_bytes);
	return error;
}

static void forget(const struct state *state, const char *kind, __u32 old_size)
{
	char path[PATH_MAX];

	state_sized_path(state, kind, old_size, path, sizeof(path));
	unlink(path);
}

static void forget_table(const struct state *state)
{
	__u32 old_room = state->shared->table_room;

	if (old_room == state->table_room)
		return;
	__atomic_store_n(&state->shared->table_room, state->table_room, __ATOMIC_SEQ_CST);
	forget(state, "tables", old_room);
}

/* Counters that are frozen already were carried by a start that was killed just behind that. */
int capacity_carry(struct state *state, struct message *message)
{
	__u32 old_capacity = state->shared->capacity;
	bool same = old_capacity == state->capacity;
	int error = state->frozen || same ? 0 : carry(state, old_capacity);

	if (!error && !state->frozen)
		error = state_freeze(state);
	if (error)
		return message_set(message, error, "cannot carry the counts over: %s",
				   strerror(-error));
	forget_table(state);
	if (same)
		return 0;
	__atomic_store_n(&state->shared->capacity, state->capacity, __ATOMIC_SEQ_CST);
	forget(state, "counters", old_capacity);
	forget(state, "owners", old_capacity);
	state->shared->next_capacity = 0;
	return 0;
}
