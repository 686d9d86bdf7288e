/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment: started once a process, with the user's own arguments behind ours.
 * Threading: the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_EAL_H
#define PEERTAG_DATAPLANE_DPDK_EAL_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/types.h>

#include "../message.h"

struct eal_options {
	const char *program;   /* argv[0] */
	const char *prefix;    /* --file-prefix, unless the arguments have one; NULL: EAL's own */
	const char *arguments; /* of the configuration, parted as by words.h; NULL: none */
	bool quiet;	       /* errors only */
	bool verbose;	       /* all that EAL says of itself; else what is worth a look */
	/* Neither hugepages nor devices nor files nor telemetry: without privileges. */
	bool offline;
};

/*
 * Starts EAL: with hugepages and `--in-memory` where any are free, else with `--no-huge`, unless
 * the arguments say which; what it is started with is logged, and so is what going without
 * hugepages costs. EAL's own lines go to stderr. Returns 0, or -errno and why, with what is missing
 * in words.
 */
int eal_start(const struct eal_options *options, struct message *message);

/* Ends EAL, and leaves no directory of ours behind. */
void eal_stop(void);

/*
 * What memory there is, for the message of an allocation that failed:
 * "needs 256 MiB; hugepages free: 4 of 16 x 2 MiB; ...".
 */
void eal_explain_memory(__u64 needed_bytes, char *text, size_t bytes);

#endif
