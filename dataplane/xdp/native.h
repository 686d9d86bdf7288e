/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native build of the stages, for frames that the kernel's test run refuses: the same headers,
 * looked up in the same table, counted in the lane of user space. Threading: that lane's only one.
 */
#ifndef PEERTAG_DATAPLANE_XDP_NATIVE_H
#define PEERTAG_DATAPLANE_XDP_NATIVE_H

#include "../offline.h"
#include "state.h"
#include "table.h"

/*
 * Runs a frame at `frame`, in front of which PT_VLAN_BYTES are free. On return ret->frame and
 * ret->bytes are the frame as it leaves. Returns 0 or -errno.
 */
int native_run(const struct state *state, struct table *table, const struct pt_xdp_options *options,
	       __u8 *frame, __u32 bytes, struct pt_offline_result *ret);

#endif
