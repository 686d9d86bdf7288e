/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames as mbufs, for the offline engine: each segment lies in memory of its own that ends where
 * the segment ends, so that a checker of memory sees any access beyond. Threading: as DPDK's.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_FRAME_H
#define PEERTAG_DATAPLANE_DPDK_FRAME_H

#include <rte_mbuf.h>

#include <peertag/types.h>

/*
 * Makes a packet of the `size` bytes at `from`: first_bytes of them in its first segment, in front
 * of which there is RTE_PKTMBUF_HEADROOM, next_bytes in each further one. Neither is 0 or above
 * FRAME_SEGMENT_MAX. `pool` has mbufs without data room. Returns NULL: out of memory or of mbufs.
 */
#define FRAME_SEGMENT_MAX 32768
struct rte_mbuf *frame_new(struct rte_mempool *pool, const __u8 *from, __u32 size,
			   __u32 first_bytes, __u32 next_bytes);

#endif
