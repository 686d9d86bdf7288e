/* SPDX-License-Identifier: BSD-3-Clause */
#include "mark.h"

#include <rte_bitops.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>

int mark_register(int *ret_offset, __u64 *ret_flag, struct message *message)
{
	static const struct rte_mbuf_dynfield field = {
		.name = MARK_NAME, .size = sizeof(__u32), .align = sizeof(__u32)};
	static const struct rte_mbuf_dynflag flag = {.name = MARK_NAME};
	int offset = rte_mbuf_dynfield_register(&field);
	int bit = rte_mbuf_dynflag_register(&flag);

	if (offset < 0 || bit < 0)
		return message_set(message, -rte_errno,
				   "cannot make room for the mark in packet buffers: %s",
				   rte_strerror(rte_errno));
	*ret_offset = offset;
	*ret_flag = RTE_BIT64(bit);
	return 0;
}
