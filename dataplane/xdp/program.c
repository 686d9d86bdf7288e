/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <peertag/counters.h>

#include "skeleton.h"
#include "program.h"
#include "state.h"

static const char *const kind_names[PROGRAM_KINDS] = {
	[PROGRAM_XDP] = "pt_xdp",
	[PROGRAM_XDP_FRAGS] = "pt_xdp_frags",
	[PROGRAM_EGRESS] = "pt_egress",
	[PROGRAM_MARK] = "pt_mark",
	[PROGRAM_DROPS_XMIT] = "pt_drops_xmit",
	[PROGRAM_DROPS_ERROR] = "pt_drops_error",
	[PROGRAM_ZERO] = "pt_zero",
};

static int verbose;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return verbose && level != LIBBPF_DEBUG ? vfprintf(stderr, format, arguments) : 0;
}

void program_verbose(int on)
{
	verbose = on;
}

static struct bpf_program *program_find(const struct peertag *skeleton, enum program_kind kind)
{
	return bpf_object__find_program_by_name(skeleton->obj, kind_names[kind]);
}

struct peertag *program_skeleton(void)
{
	struct peertag *skeleton;

	libbpf_set_print(print_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	skeleton = peertag__open();
	if (!skeleton)
		return NULL;
	for (int kind = 0; kind < PROGRAM_KINDS; kind++)
		bpf_program__set_autoload(program_find(skeleton, kind), false);
	bpf_map__set_autocreate(skeleton->maps.rules4, false);
	bpf_map__set_autocreate(skeleton->maps.rules6, false);
	return skeleton;
}

/* The rodata is an instance's own; all other maps are those of `state`. */
static int maps_share(struct peertag *skeleton, const struct state *state)
{
	struct bpf_map *map;
	int fd, error;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		fd = bpf_map__is_internal(map) ? -1 : state_map(state, bpf_map__name(map));
		if (fd < 0)
			continue;
		error = bpf_map__reuse_fd(map, fd);
		if (error)
			return error;
	}
	return 0;
}

void program_choose(struct peertag *skeleton, const struct pt_xdp_options *options,
		    unsigned int kinds)
{
	for (int kind = 0; kind < PROGRAM_KINDS; kind++)
		if (kinds & PROGRAM_BIT(kind))
			bpf_program__set_autoload(program_find(skeleton, kind), true);
	memcpy((void *)&skeleton->rodata->options, options, sizeof(*options));
}

int program_load(const struct state *state, const struct pt_xdp_options *options,
		 unsigned int kinds, struct peertag **ret, struct message *message)
{
	struct peertag *skeleton = program_skeleton();
	int error;

	if (!skeleton)
		return message_set(message, -errno, "cannot open the BPF programs: %s",
				   strerror(errno));
	program_choose(skeleton, options, kinds);
	error = maps_share(skeleton, state);
	if (!error)
		error = peertag__load(skeleton);
	if (error) {
		peertag__destroy(skeleton);
		return message_set(
			message, error,
			"cannot load the BPF programs: %s; -v shows the kernel's reasons",
			strerror(-error));
	}
	*ret = skeleton;
	return 0;
}

int program_fd(const struct peertag *skeleton, enum program_kind kind)
{
	struct bpf_program *program = program_find(skeleton, kind);

	return program ? bpf_program__fd(program) : -1;
}
