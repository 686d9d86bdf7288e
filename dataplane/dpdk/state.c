/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state.h"
#include "state_file.h"

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

static void state_zero(void *counters, __u32 first, __u32 count)
{
	const struct state *state = counters;
	__u64 words = count * (sizeof(struct pt_connection_counters) / sizeof(__u64));
	__u64 *word;

	for (__u32 lane = 0; lane < state->lane_count; lane++) {
		word = (__u64 *)&state_lane(state, lane)->connections[first];
		for (__u64 i = 0; i < words; i++)
			__atomic_store_n(&word[i], 0, __ATOMIC_RELAXED);
	}
}

static int check_shrink(const struct state *old, __u32 capacity, struct message *message)
{
	__u32 counter = capacity;

	while (counter < old->capacity && !old->owners.owners[counter].in_use)
		counter++;
	return counter < old->capacity
		       ? message_set(message, -ENOSPC,
				     "max_connections cannot shrink from %u to %u: counter %u is "
				     "in use",
				     old->capacity, capacity, counter)
		       : 0;
}

/* Takes all over from a file of another size; the sums of its lanes go into the first lane. */
static void state_carry(struct state *state, const struct state *old)
{
	__u32 count = old->capacity < state->capacity ? old->capacity : state->capacity;
	struct pt_counters counters = state_counters(old);
	struct pt_lane *lane = state_lane(state, 0);

	memcpy(state->file->registry, old->file->registry, sizeof(old->file->registry));
	memcpy(state->file->ports, old->file->ports, sizeof(old->file->ports));
	memcpy(state->file->nic_packets, old->file->nic_packets, sizeof(old->file->nic_packets));
	memcpy(state->owners.owners, old->owners.owners, count * sizeof(*old->owners.owners));
	for (__u32 slot = 0; slot < PT_PORTS_MAX; slot++)
		pt_counters_port(&counters, slot, &lane->ports[slot]);
	for (__u32 counter = 0; counter < count; counter++)
		pt_counters_connection(&counters, counter, &lane->connections[counter]);
}

/*
 * Makes the file in place of `old`; NULL: where there was none. -EEXIST, without words: somebody
 * else has made one meanwhile.
 */
static int state_replace(const char *path, const char *temporary, const struct state *old,
			 struct state *state, struct message *message)
{
	unsigned int flags = old ? 0 : RENAME_NOREPLACE;
	int error;

	if (old)
		state_carry(state, old);
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags) == 0)
		return 0;
	error = -errno;
	unlink(temporary);
	return error == -EEXIST ? error
				: message_set(message, error, "cannot rename %s to %s: %s",
					      temporary, path, strerror(-error));
}

/* Takes the file if it has this size, or makes one that has. Likewise -EEXIST. */
static int state_find(const char *path, __u32 capacity, __u32 lane_count, struct state **ret,
		      struct message *message)
{
	struct state *old = NULL, *state = NULL;
	char temporary[PATH_MAX];
	int error;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return message_set(message, -ENAMETOOLONG, "the path of the counters is too long");
	error = state_file_open(path, &old, message);
	if (!error && old->capacity == capacity && old->lane_count == lane_count) {
		state_file_sweep(temporary);
		*ret = old;
		return 0;
	}
	if (!error)
		error = check_shrink(old, capacity, message);
	if (!error || error == -ENOENT)
		error = state_file_make(temporary, capacity, lane_count, &state, message);
	if (!error)
		error = state_replace(path, temporary, old, state, message);
	state_free(old);
	if (error) {
		state_free(state);
		return error;
	}
	*ret = state;
	return 0;
}

/*
 * A descriptor of its own, opened for reading: whoever has it cannot map it writable, and does not
 * hold the lock. The file's mode, or a seal, keeps him from opening it anew for writing.
 */
static int state_export(struct state *state, struct message *message)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", state->lock);
	state->counters_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (state->counters_fd < 0)
		return message_set(message, -errno, "cannot open the counters for reading: %s",
				   strerror(errno));
	state->owners.zero = state_zero;
	state->owners.counters = state;
	return 0;
}

int state_open(const char *path, __u32 capacity, __u32 lane_count, struct state **ret,
	       struct message *message)
{
	struct state *state = NULL;
	int error;

	do
		error = path ? state_find(path, capacity, lane_count, &state, message)
			     : state_file_make(NULL, capacity, lane_count, &state, message);
	while (error == -EEXIST);
	if (!error)
		error = state_export(state, message);
	if (error) {
		state_free(state);
		return error;
	}
	*ret = state;
	return 0;
}

void state_free(struct state *state)
{
	if (!state)
		return;
	munmap(state->file, state->bytes);
	if (state->counters_fd >= 0)
		close(state->counters_fd);
	close(state->lock);
	free(state);
}

/* A name counts from its first byte on, so that comes last: we may be killed in between. */
static void port_name(char *to, const char *name)
{
	memcpy(to + 1, name + 1, strlen(name));
	__atomic_store_n(to, *name, __ATOMIC_RELEASE);
}

int state_port_slot(struct state *state, const char *name, __u32 *ret_slot)
{
	__u32 slot, free_slot = PT_PORTS_MAX;

	if (!*name || strlen(name) >= STATE_PORT_BYTES)
		return -EINVAL;
	for (slot = PT_PORTS_MAX; slot-- > 0;) {
		if (!strcmp(state->file->ports[slot], name)) {
			*ret_slot = slot;
			return 0;
		}
		if (!state->file->ports[slot][0])
			free_slot = slot;
	}
	if (free_slot == PT_PORTS_MAX)
		return -ENOSPC;
	port_name(state->file->ports[free_slot], name);
	*ret_slot = free_slot;
	return 0;
}
