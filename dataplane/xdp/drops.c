/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drops.h"
#include "skeleton.h"
#include "program.h"
#include "state.h"

struct tracepoint {
	enum program_kind kind;
	const char *name;
	const char *pin;
};

static const struct tracepoint tracepoints[] = {
	{PROGRAM_DROPS_XMIT, "xdp_devmap_xmit", "drops-xmit"},
	{PROGRAM_DROPS_ERROR, "xdp_redirect_err", "drops-error"},
};

#define TRACEPOINTS (sizeof(tracepoints) / sizeof(*tracepoints))

static int tracepoint_attach(const struct tracepoint *tracepoint, const struct peertag *programs,
			     const char *path)
{
	int link =
		bpf_raw_tracepoint_open(tracepoint->name, program_fd(programs, tracepoint->kind));
	int error;

	if (link < 0)
		return link;
	error = bpf_obj_pin(link, path);
	close(link);
	return error;
}

static int drops_load(const struct state *state, struct peertag **ret, struct message *message)
{
	struct pt_xdp_options options = {.capacity = state->capacity};
	struct stat netns;

	if (stat("/proc/self/ns/net", &netns))
		return -errno;
	options.netns = netns.st_ino;
	return program_load(state, &options,
			    PROGRAM_BIT(PROGRAM_DROPS_XMIT) | PROGRAM_BIT(PROGRAM_DROPS_ERROR), ret,
			    message);
}

int drops_attach(const struct state *state, struct message *message)
{
	struct peertag *programs = NULL;
	char path[PATH_MAX];
	int error = drops_load(state, &programs, message);

	for (size_t i = 0; !error && i < TRACEPOINTS; i++) {
		state_pin_path(state, tracepoints[i].pin, path, sizeof(path));
		if (access(path, F_OK) == 0)
			continue;
		error = tracepoint_attach(&tracepoints[i], programs, path);
		if (error)
			message_set(message, error, "cannot attach to the tracepoint %s: %s",
				    tracepoints[i].name, strerror(-error));
	}
	peertag__destroy(programs);
	return error;
}

void drops_detach(const char *dir)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < TRACEPOINTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, tracepoints[i].pin);
		unlink(path);
	}
}
