/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <stdio.h>

#define CACHE_BUFFERS 256

/* A pool of 2^k - 1 wastes no memory on its ring. */
static __u32 pool_size(const struct pool_options *options)
{
	return rte_align32pow2(options->buffers + 1) - 1;
}

static __u32 element_bytes(const struct pool_options *options)
{
	return sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM + options->room_bytes;
}

struct rte_mempool *pool_new(const struct pool_options *options)
{
	struct rte_pktmbuf_pool_private sizes = {
		.mbuf_data_room_size = RTE_PKTMBUF_HEADROOM + options->room_bytes,
	};
	static unsigned int number;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;
	int error;

	snprintf(name, sizeof(name), "port%u", number++);
	pool = rte_mempool_create_empty(name, pool_size(options), element_bytes(options),
					CACHE_BUFFERS, sizeof(sizes), options->socket,
					options->one_piece ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
	if (!pool)
		return NULL;
	error = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (!error) {
		rte_pktmbuf_pool_init(pool, &sizes);
		error = rte_mempool_populate_default(pool);
	}
	if (error < 0) {
		rte_mempool_free(pool);
		rte_errno = -error;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

__u64 pool_bytes(const struct pool_options *options)
{
	return (__u64)pool_size(options) *
	       rte_mempool_calc_obj_size(element_bytes(options), 0, NULL);
}

bool pool_is_full(const struct rte_mempool *pool)
{
	return rte_mempool_full(pool);
}

static void buffer_recall(struct rte_mempool *pool, void *argument, void *buffer,
			  unsigned int number)
{
	rte_pktmbuf_init(pool, argument, buffer, number);
	rte_mempool_ops_enqueue_bulk(pool, &buffer, 1);
}

void pool_recall(struct rte_mempool *pool)
{
	void *buffer;

	for (unsigned int lcore = 0; lcore < RTE_MAX_LCORE; lcore++)
		rte_mempool_default_cache(pool, lcore)->len = 0;
	while (rte_mempool_ops_dequeue_bulk(pool, &buffer, 1) == 0)
		;
	rte_mempool_obj_iter(pool, buffer_recall, NULL);
}

void pool_free(struct rte_mempool *pool)
{
	rte_mempool_free(pool);
}
