/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The stages of the XDP program, one more in each, on frames that are written first. Test runs keep
 * the frame from one to the next, so what moves its front is undone: that costs what it is, and is
 * in the figures.
 */
#include "xdp.h"

#include "xdp_packet.bpf.h"

char dual_license[] SEC("license") = "Dual BSD/GPL";

/* What is left is the test run's own. */
SEC("xdp")
int empty(struct xdp_md *md)
{
	(void)md;
	return XDP_PASS;
}

SEC("xdp")
int parse(struct xdp_md *md)
{
	struct frame frame = {};

	packet_write(md);
	xdp_parse(&frame, md, md->data_end - md->data);
	return frame.outcome == PT_OUTCOME_UNMATCHED ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int lookup(struct xdp_md *md)
{
	struct frame frame = {};

	packet_write(md);
	xdp_parse(&frame, md, md->data_end - md->data);
	frame_lookup(&frame);
	return (frame.source_class ^ frame.destination_class) == ~0u ? XDP_ABORTED : XDP_PASS;
}

static __always_inline void undo_mark(struct xdp_md *md)
{
	if (options.carrier_mark && md->data_meta != md->data)
		bpf_xdp_adjust_meta(md, sizeof(struct pt_metadata));
}

/* The addresses of the MAC header are not mended: nothing reads them. */
static __always_inline void undo_vlan(struct xdp_md *md)
{
	if (!options.carrier_vlan)
		return;
	if (XDP_DATA(md) + PT_ETHERNET_BYTES > XDP_DATA_END(md))
		return;
	if (XDP_DATA(md)[PT_MAC_BYTES] == PT_ETHERTYPE_VLAN >> 8)
		bpf_xdp_adjust_head(md, PT_VLAN_BYTES);
}

/* All of what pt_xdp does. */
SEC("xdp")
int full(struct xdp_md *md)
{
	struct frame frame = {};
	int action;

	packet_write(md);
	xdp_parse(&frame, md, md->data_end - md->data);
	action = xdp_run(&frame, md, &outputs, NULL);
	undo_mark(md);
	undo_vlan(md);
	return action;
}
