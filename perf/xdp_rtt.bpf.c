/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The XDP program on segments of TCP flows, which are written first. */
#include "xdp.h"

#include "flow.h"

char dual_license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FLOWS);
	__type(key, __u32);
	__type(value, struct flow);
} flows_sent SEC(".maps");

__u64 segment_next;

static __always_inline void segment_write(struct xdp_md *md)
{
	__u64 number = segment_next++;
	__u32 which = number % FLOWS * FLOW_STRIDE % FLOWS;
	const struct flow *flow = bpf_map_lookup_elem(&flows_sent, &which);
	__u8 *data = XDP_DATA(md);

	if (!flow || data + FLOW_BYTES > XDP_DATA_END(md))
		return;
	*(__u16 *)(data + PT_ETHERNET_BYTES) = __builtin_bswap16(0x4500); /* no DSCP */
	flow_write(data + PT_ETHERNET_BYTES, flow, number / FLOWS);
}

SEC("xdp")
int parse(struct xdp_md *md)
{
	struct frame frame = {};

	segment_write(md);
	xdp_parse(&frame, md, FLOW_BYTES);
	return frame.outcome == PT_OUTCOME_UNMATCHED ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int full(struct xdp_md *md)
{
	struct frame frame = {};

	segment_write(md);
	xdp_parse(&frame, md, FLOW_BYTES);
	return xdp_run(&frame, md, &outputs, NULL);
}
