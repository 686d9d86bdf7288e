/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mark as DPDK carries it: a dynamic field of the mbuf, for code in the same process. Any code
 * finds it by these names; the flag says that the field is set. Threading: at start.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_MARK_H
#define PEERTAG_DATAPLANE_DPDK_MARK_H

#include <peertag/types.h>

#include "../message.h"

#define MARK_NAME "peertag_mark" /* of the field, a __u32, and of the flag */

/* Returns 0, the offset of the field and the bit of the flag in ol_flags; or -errno and why. */
int mark_register(int *ret_offset, __u64 *ret_flag, struct message *message);

#endif
