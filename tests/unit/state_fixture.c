/* SPDX-License-Identifier: BSD-3-Clause */
#include "state_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void place_init(struct place *place)
{
	snprintf(place->folder, sizeof(place->folder), "%s/peertag-state-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/c", place->folder);
	snprintf(place->temporary, sizeof(place->temporary), "%s/c.new", place->folder);
}

void place_done(struct place *place)
{
	unlink(place->path);
	unlink(place->temporary);
	rmdir(place->path);
	rmdir(place->folder);
}

bool place_has_only(const struct place *place, const char *name)
{
	DIR *folder = opendir(place->folder);
	struct dirent *entry;
	bool only = true, found = false;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (!strcmp(entry->d_name, name))
			found = true;
		else if (entry->d_name[0] != '.')
			only = false;
	}
	closedir(folder);
	return only && found;
}

struct state *place_open(const struct place *place, uint32_t capacity, uint32_t lane_count)
{
	struct message message = {};
	struct state *state = NULL;

	if (state_open(place->path, capacity, lane_count, &state, &message))
		fail_msg("%s", message.text);
	assert_int_equal(state->capacity, capacity);
	assert_int_equal(state->lane_count, lane_count);
	assert_int_equal(state->owners.capacity, capacity);
	return state;
}

int place_refuses(const struct place *place, uint32_t capacity, uint32_t lane_count,
		  struct message *message)
{
	struct state *state = NULL;
	int error;

	memset(message, 0, sizeof(*message));
	error = state_open(place->path, capacity, lane_count, &state, message);
	assert_true(error < 0);
	assert_null(state);
	return error;
}

void totals_read(struct totals *totals, const struct state *state, uint32_t count)
{
	struct pt_counters counters = state_counters(state);

	assert_true(count <= TOTALS_MAX && count <= state->capacity);
	memset(totals, 0, sizeof(*totals));
	for (uint32_t i = 0; i < count; i++)
		pt_counters_connection(&counters, i, &totals->connections[i]);
	for (uint32_t slot = 0; slot < PT_PORTS_MAX; slot++)
		pt_counters_port(&counters, slot, &totals->ports[slot]);
	memcpy(totals->owners, state->owners.owners, count * sizeof(*totals->owners));
	memcpy(totals->names, state->file->ports, sizeof(totals->names));
	memcpy(totals->nic_packets, state->file->nic_packets, sizeof(totals->nic_packets));
	memcpy(totals->registry, state->owners.registry, sizeof(totals->registry));
}

void state_scribble(struct state *state, struct random *random)
{
	for (uint32_t lane = 0; lane < state->lane_count; lane++) {
		uint64_t *words = (uint64_t *)state_lane(state, lane);

		for (uint64_t i = 0; i < pt_lane_bytes(state->capacity) / sizeof(*words); i++)
			words[i] = random_next(random) >> 8;
	}
	for (uint32_t i = 0; i < state->capacity; i++)
		state->owners.owners[i] =
			(struct pt_owner){.connection = 1 + random_below(random, UINT32_MAX),
					  .in_use = random_below(random, 2)};
	for (int slot = 0; slot < PT_PORTS_MAX; slot++) {
		snprintf(state->file->ports[slot], STATE_PORT_BYTES, "port-%d-%x", slot,
			 (uint32_t)random_next(random));
		state->file->nic_packets[slot] = random_next(random);
	}
	random_fill(random, state->owners.registry, PT_REGISTRY_BYTES);
}
