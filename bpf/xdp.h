/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The stages as XDP has them: an arriving frame, plain or in several buffers. */
#ifndef PEERTAG_BPF_XDP_H
#define PEERTAG_BPF_XDP_H

#include "frame.h"
#include "measure.h"

#define XDP_DATA(md)	  ((__u8 *)(long)(md)->data)
#define XDP_DATA_END(md)  ((__u8 *)(long)(md)->data_end)
#define XDP_DATA_META(md) ((__u8 *)(long)(md)->data_meta)

static __always_inline void xdp_parse(struct frame *frame, struct xdp_md *md, __u64 bytes)
{
	frame_parse(frame, XDP_DATA(md), XDP_DATA_END(md));
	frame->packets = 1;
	frame->bytes = bytes;
}

/*
 * Parses again, from the window, where the headers run over the end of the first buffer. Returns
 * whether it did.
 */
static __always_inline _Bool xdp_parse_window(struct frame *frame, struct xdp_md *md,
					      struct window *window)
{
	__u32 bytes = window_bytes(frame->bytes);

	if (frame->outcome != PT_OUTCOME_MALFORMED || frame->bytes <= md->data_end - md->data)
		return 0;
	*window = (struct window){};
	if (bytes == 0 || bpf_xdp_load_bytes(md, 0, window->bytes, bytes))
		return 0;
	frame_parse(frame, window->bytes, window->bytes + bytes);
	return 1;
}

/* Writes the DSCP of a parsed packet, and out of the window back into the frame. */
static __always_inline _Bool xdp_write_dscp(struct frame *frame, struct xdp_md *md, __u8 dscp,
					    const struct window *window)
{
	pt_tag_dscp(&frame->packet, dscp);
	return !window ||
	       !bpf_xdp_store_bytes(md, frame->ip_offset, frame->packet.ip, PT_DSCP_SPAN);
}

static __always_inline _Bool xdp_push_vlan(struct xdp_md *md, __u16 vlan)
{
	__u8 *data;

	if (XDP_DATA(md) + PT_ETHERNET_BYTES > XDP_DATA_END(md))
		return 0;
	if (bpf_xdp_adjust_head(md, -PT_VLAN_BYTES))
		return 0;
	data = XDP_DATA(md);
	if (data + PT_ETHERNET_BYTES + PT_VLAN_BYTES > XDP_DATA_END(md))
		return 0;
	pt_tag_vlan(data, vlan);
	return 1;
}

static __always_inline _Bool xdp_put_mark(struct xdp_md *md, __u32 mark)
{
	struct pt_metadata *metadata;

	if (bpf_xdp_adjust_meta(md, -(int)sizeof(*metadata)))
		return 0;
	metadata = (void *)XDP_DATA_META(md);
	if ((__u8 *)(metadata + 1) > XDP_DATA(md))
		return 0;
	metadata->magic = PT_METADATA_MAGIC;
	metadata->mark = mark;
	return 1;
}

/* The front of the frame moves: the packet that was parsed is not to be read afterwards. */
static __always_inline void xdp_tag(struct frame *frame, struct xdp_md *md, struct pt_lane *lane,
				    const struct window *window)
{
	const struct pt_class *class = pt_tag_class(frame->source, frame->destination);

	if (!class)
		return;
	if (options.carrier_dscp && class->dscp != PT_DSCP_NONE)
		count_tag(lane, PT_CARRIER_DSCP, 1, xdp_write_dscp(frame, md, class->dscp, window));
	if (options.carrier_vlan && class->vlan != PT_VLAN_NONE)
		count_tag(lane, PT_CARRIER_VLAN, 1, xdp_push_vlan(md, class->vlan));
	if (options.carrier_mark)
		count_tag(lane, PT_CARRIER_MARK, 1, xdp_put_mark(md, class->mark));
}

static __always_inline int xdp_forward(void *ports)
{
	switch (options.forward) {
	case PT_XDP_DROP:
		return XDP_DROP;
	case PT_XDP_REDIRECT:
		return bpf_redirect_map(ports, options.slot, XDP_PASS);
	default:
		return XDP_PASS;
	}
}

/*
 * Everything behind the parser. ports: the outputs for this kind of program. window: where the IP
 * header was parsed, NULL: in the frame.
 */
static __always_inline int xdp_run(struct frame *frame, struct xdp_md *md, void *ports,
				   const struct window *window)
{
	struct pt_lane *lane = lane_of_this_cpu();

	if (!lane)
		return XDP_PASS;
	frame_lookup(frame);
	frame_count_classes(frame, lane);
	pt_count_add(&lane_port(lane)->received[frame->outcome], 1, frame->bytes);
	report_frame(frame);
	if (frame_is_measured(frame))
		pt_measure_xdp(md, frame->ip_offset, frame->source_slot, frame->destination_slot);
	xdp_tag(frame, md, lane, window);
	return xdp_forward(ports);
}

#endif
