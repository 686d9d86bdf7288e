/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The programs. Each port has its own loaded instance of the ones it needs, with its own options;
 * the maps are shared. A packet's way: parse, look up, count, tag, forward.
 */
#include "drops.h"
#include "tc.h"
#include "xdp.h"
#include "zero.h"

#define TC_NEXT (-1) /* TC_ACT_UNSPEC: to the next filter, or on its way */

char dual_license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int pt_xdp(struct xdp_md *md)
{
	struct frame frame = {};

	xdp_parse(&frame, md, md->data_end - md->data);
	return xdp_run(&frame, md, &outputs, NULL);
}

/* For MTUs that a driver can only receive into several buffers. */
SEC("xdp.frags")
int pt_xdp_frags(struct xdp_md *md)
{
	struct window window;
	struct frame frame = {};

	xdp_parse(&frame, md, bpf_xdp_get_buff_len(md));
	if (xdp_parse_window(&frame, md, &window))
		return xdp_run(&frame, md, &outputs_frags, &window);
	return xdp_run(&frame, md, &outputs_frags, NULL);
}

/* tc egress: what the host sends. */
SEC("tc")
int pt_egress(struct __sk_buff *skb)
{
	struct window window;
	struct frame frame = {};

	if (tc_was_counted(skb))
		return TC_NEXT;
	tc_parse(&frame, skb);
	tc_parse_window(&frame, skb, &window);
	tc_measure(&frame, skb);
	tc_run(&frame, skb);
	return TC_NEXT;
}

/* tc ingress: the mark that XDP left in front of the packet becomes skb->mark. */
SEC("tc")
int pt_mark(struct __sk_buff *skb)
{
	const struct pt_metadata *metadata = (const void *)TC_DATA_META(skb);

	if ((const __u8 *)(metadata + 1) > TC_DATA(skb) || metadata->magic != PT_METADATA_MAGIC)
		return TC_NEXT;
	skb->mark = pt_tag_mark(skb->mark, metadata->mark, options.mark_mask);
	return TC_NEXT;
}

/* args: device that received, device that sends, how many were sent, how many were dropped. */
SEC("raw_tp/xdp_devmap_xmit")
int pt_drops_xmit(struct bpf_raw_tracepoint_args *tracepoint)
{
	int dropped = tracepoint->args[3];

	drops_count((const void *)tracepoint->args[0], dropped);
	return 0;
}

/* args: device that received; the packet found no way to another device. */
SEC("raw_tp/xdp_redirect_err")
int pt_drops_error(struct bpf_raw_tracepoint_args *tracepoint)
{
	drops_count((const void *)tracepoint->args[0], 1);
	return 0;
}

/*
 * Never attached: peertag-xdp runs it by hand to zero counters, since the map of the counters is
 * frozen for user space, so that its descriptor can be given to anybody to map.
 */
SEC("xdp")
int pt_zero(struct xdp_md *md)
{
	const struct pt_xdp_zero *zero = (const void *)XDP_DATA(md);
	struct zero_range range = {};

	if ((const __u8 *)(zero + 1) > XDP_DATA_END(md))
		return XDP_ABORTED;
	range.lane = zero->lane;
	range.first = zero->first;
	bpf_loop(zero->count, zero_counter, &range, 0);
	return XDP_PASS;
}
