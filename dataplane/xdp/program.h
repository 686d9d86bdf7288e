/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BPF programs as loaded for one port: their own options, the shared maps.
 * Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_XDP_PROGRAM_H
#define PEERTAG_DATAPLANE_XDP_PROGRAM_H

#include <peertag/xdp.h>

#include "../message.h"

struct state;
struct peertag;

enum program_kind {
	PROGRAM_XDP,
	PROGRAM_XDP_FRAGS,
	PROGRAM_EGRESS,
	PROGRAM_MARK,
	PROGRAM_DROPS_XMIT,
	PROGRAM_DROPS_ERROR,
	PROGRAM_ZERO,
	PROGRAM_KINDS,
};

/* Which of them to load. */
#define PROGRAM_BIT(kind) (1u << (kind))

/*
 * Opens the skeleton with none of its programs to be loaded and none of its patterns to be made.
 * Returns NULL on failure, with errno.
 */
struct peertag *program_skeleton(void);

/* Sets the options and the programs of a skeleton that is not loaded yet. */
void program_choose(struct peertag *skeleton, const struct pt_xdp_options *options,
		    unsigned int kinds);

/* Loads `kinds`. Returns 0 and *ret, which peertag__destroy() frees, or -errno and why. */
int program_load(const struct state *state, const struct pt_xdp_options *options,
		 unsigned int kinds, struct peertag **ret, struct message *message);

/* The descriptor of a loaded program, or -1. */
int program_fd(const struct peertag *skeleton, enum program_kind kind);

/* Lets libbpf's own words through to stderr, or, as at first, keeps them back. */
void program_verbose(int on);

#endif
