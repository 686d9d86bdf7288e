/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet buffers of a port's receive queues. Buffers are on their way through other ports too,
 * so a pool outlives its port unless all of them are back. Threading: the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_POOL_H
#define PEERTAG_DATAPLANE_DPDK_POOL_H

#include <stdbool.h>

#include <peertag/types.h>

struct rte_mempool;

struct pool_options {
	__u32 buffers;	  /* at least */
	__u32 room_bytes; /* for a frame, or a segment of it */
	int socket;	  /* of the device; SOCKET_ID_ANY */
	/* Addresses without a gap, as AF_XDP shares them with the kernel; not for hardware. */
	bool one_piece;
};

/* Returns NULL, and rte_errno: out of memory. */
struct rte_mempool *pool_new(const struct pool_options *options);

/* Bytes that a pool takes, for the message. */
__u64 pool_bytes(const struct pool_options *options);

/* Whether all of its buffers are back. */
bool pool_is_full(const struct rte_mempool *pool);

/* Takes all buffers back, wherever they are. Nobody may hold one, or use the pool meanwhile. */
void pool_recall(struct rte_mempool *pool);

/* Frees a pool (NULL is fine) whose buffers nobody will touch again. */
void pool_free(struct rte_mempool *pool);

#endif
