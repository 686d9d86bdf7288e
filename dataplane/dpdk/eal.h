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
	const char *prefix;    /* --file-prefix, unless the arguments have one */
	const char *arguments; /* of the configuration, in the shell's manner; NULL: none */
	bool quiet;	       /* EAL says what is an error, nothing else */
	/* Neither hugepages nor devices nor files nor telemetry: without privileges. */
	bool offline;
};

/*
 * Starts EAL: with hugepages and `--in-memory` where there are any, else with `--no-huge`, unless
 * the arguments say which; what it is started with is logged, and so is what going without
 * hugepages costs. Returns 0, or -errno and why, with what is missing in words.
 */
int eal_start(const struct eal_options *options, struct message *message);
void eal_stop(void);

/* "hugepages needed and free", for the message of an allocation that failed. */
void eal_explain_memory(__u64 needed_bytes, char *text, size_t bytes);

#endif
