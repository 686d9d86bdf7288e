/* SPDX-License-Identifier: BSD-3-Clause */
/* How long the loaded program takes, by the kernel's own measure. Threading: as in offline.h. */
#ifndef PEERTAG_DATAPLANE_XDP_TIMING_H
#define PEERTAG_DATAPLANE_XDP_TIMING_H

#include "../offline.h"

/*
 * Runs one frame of `bytes` bytes, at least 14, `repeat` times. Returns 0 and *ret_ns, the
 * nanoseconds of each, or -errno.
 */
int pt_offline_time(struct pt_offline *offline, const void *frame, __u32 bytes, __u32 repeat,
		    __u32 *ret_ns);

#endif
