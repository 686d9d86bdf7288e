/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

/* What a segment lies in. */
struct memory {
	struct rte_mbuf_ext_shared_info shared;
	__u8 bytes[];
};

static void memory_free(void *bytes, void *memory)
{
	(void)bytes;
	free(memory);
}

static struct rte_mbuf *segment_new(struct rte_mempool *pool, const __u8 *from, __u32 bytes,
				    __u32 headroom)
{
	struct memory *memory = malloc(sizeof(*memory) + headroom + bytes);
	struct rte_mbuf *mbuf = memory ? rte_pktmbuf_alloc(pool) : NULL;

	if (!mbuf) {
		free(memory);
		return NULL;
	}
	memory->shared.free_cb = memory_free;
	memory->shared.fcb_opaque = memory;
	rte_mbuf_ext_refcnt_set(&memory->shared, 1);
	rte_pktmbuf_attach_extbuf(mbuf, memory->bytes, RTE_BAD_IOVA, headroom + bytes,
				  &memory->shared);
	mbuf->data_off = headroom;
	mbuf->data_len = bytes;
	mbuf->pkt_len = bytes;
	memcpy(memory->bytes + headroom, from, bytes);
	return mbuf;
}

struct rte_mbuf *frame_new(struct rte_mempool *pool, const __u8 *from, __u32 size,
			   __u32 first_bytes, __u32 next_bytes)
{
	__u32 done = RTE_MIN(size, first_bytes), here;
	struct rte_mbuf *frame = segment_new(pool, from, done, RTE_PKTMBUF_HEADROOM);
	struct rte_mbuf *last = frame;

	for (; frame && done < size; done += here) {
		here = RTE_MIN(size - done, next_bytes);
		last->next = segment_new(pool, from + done, here, 0);
		if (!last->next) {
			rte_pktmbuf_free(frame);
			return NULL;
		}
		last = last->next;
		frame->nb_segs++;
		frame->pkt_len += here;
	}
	return frame;
}
