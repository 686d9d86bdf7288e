/* SPDX-License-Identifier: BSD-3-Clause */
/* The BPF file system, where maps and links are pinned. Threading: none. */
#ifndef PEERTAG_DATAPLANE_XDP_PINS_H
#define PEERTAG_DATAPLANE_XDP_PINS_H

#include <limits.h>
#include <stddef.h>

#include "../message.h"

/*
 * Makes the directory `dir`, and those above it that are missing, with mode 0700 on a BPF file
 * system; mounts one at /sys/fs/bpf if `dir` is there and none is. Returns 0, or -errno and why.
 */
int pins_make_dir(const char *dir, struct message *message);

/*
 * Takes the directory for this process, until the returned descriptor is closed. Returns it, or
 * -errno and why: -EBUSY if another process holds it, and does not end within a second.
 */
int pins_lock(const char *dir, struct message *message);

/* Whether the map `fd` is an array of values of `value_bytes`. Returns 0, -EINVAL or -errno. */
int pins_check_map(int fd, size_t value_bytes);

#endif
