/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <peertag/latency.h>
#include <peertag/xdp.h>

#include "skeleton.h"
#include "latency.h"
#include "state.h"

#define PIN "latency"

__u32 latency_lanes(void)
{
	return libbpf_num_possible_cpus();
}

int latency_prepare(const struct state *state)
{
	struct bpf_map *map = state->maps->maps.latency;
	char path[PATH_MAX];
	int error;

	bpf_map__set_max_entries(map, latency_lanes());
	bpf_map__set_value_size(map, pt_latency_lane_bytes(state->latency_slots));
	if (!state->dir)
		return 0;
	state_sized_path(state, PIN, state->latency_slots, path, sizeof(path));
	error = bpf_map__set_pin_path(map, path);
	if (error)
		return error;
	state_pin_path(state, "flows", path, sizeof(path));
	return bpf_map__set_pin_path(state->maps->maps.flows, path);
}

/* The start before may have done it: then the descriptor cannot write any more, which is EPERM. */
static int freeze(const struct state *state, const char *name)
{
	int error = bpf_map_freeze(state_map(state, name));

	return error == -EPERM || error == -EBUSY ? 0 : error;
}

/* Programs that still use another size keep its map until they are replaced. */
static void sweep(const struct state *state)
{
	char path[PATH_MAX], mine[PATH_MAX];
	DIR *dir = opendir(state->dir);
	const struct dirent *entry;

	state_sized_path(state, PIN, state->latency_slots, mine, sizeof(mine));
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, PIN "-", strlen(PIN "-")))
			continue;
		state_pin_path(state, entry->d_name, path, sizeof(path));
		if (strcmp(path, mine))
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

/* One for as long as the maps live: with another one, a host of this window would be two. */
static int secret_choose(struct pt_xdp_state *shared)
{
	while (!shared->latency_secret)
		if (getrandom(&shared->latency_secret, sizeof(shared->latency_secret), 0) < 0 &&
		    errno != EINTR)
			return -errno;
	return 0;
}

int latency_settle(const struct state *state)
{
	int error = secret_choose(state->shared);

	if (!error)
		error = freeze(state, "latency");
	if (!error)
		error = freeze(state, "flows");
	if (!error && state->dir)
		sweep(state);
	return error;
}
