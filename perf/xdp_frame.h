/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames whose addresses xdp_packet.bpf.h writes: UDP with the addresses of a stream. */
#ifndef PERF_XDP_FRAME_H
#define PERF_XDP_FRAME_H

#include "workload.h"
#include "xdp_packet.h"

struct frame_bytes {
	__u8 bytes[PACKET_BYTES6];
	__u32 size;
};

void frame_make(struct frame_bytes *frame, enum pt_family family);

/* Fills the map `addrs`, over and over from the stream. */
void frame_stream_put(int map, const struct stream *stream);

#endif
