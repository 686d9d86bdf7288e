/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of state.h as a file: found, locked, checked, made.
 *
 * Who has locked a file may use it, and rename another one over it. Who has locked the file of the
 * temporary name may fill it and give it a name; one that is not locked was left by a start that
 * was killed. A lock is good for what still has the name when the lock is got. Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_STATE_FILE_H
#define PEERTAG_DATAPLANE_DPDK_STATE_FILE_H

#include "state.h"

/*
 * Opens, locks and maps the file at `path`. Returns 0 and *ret, or -errno and why; -ENOENT, without
 * words, if there is none.
 */
int state_file_open(const char *path, struct state **ret, struct message *message);

/*
 * Makes a file of zeroes at `path`, in place of what a killed start left there; NULL: in memory.
 * All of it is allocated, so that no worker finds the file system full. Returns 0 and *ret, or
 * -errno and why.
 */
int state_file_make(const char *path, __u32 capacity, __u32 lane_count, struct state **ret,
		    struct message *message);

/* Removes what a killed start left at `path`. What is not certainly that stays. */
void state_file_sweep(const char *path);

#endif
