/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Makes frames and sends them; receives frames and drops them. */
#include "xdp_packet.bpf.h"

char dual_license[] SEC("license") = "Dual BSD/GPL";

/* Run on live frames: the kernel sends what is returned so by the interface that it came from. */
SEC("xdp")
int generate(struct xdp_md *md)
{
	packet_write(md);
	return XDP_TX;
}

SEC("xdp")
int sink(struct xdp_md *md)
{
	(void)md;
	return XDP_DROP;
}
