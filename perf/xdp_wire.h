/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes live frames, and what of XDP receives them. Threading: one thread for each generator.
 */
#ifndef PERF_XDP_WIRE_H
#define PERF_XDP_WIRE_H

#include <linux/types.h>

struct frame_bytes;
struct peertag;
struct setup;
struct xdp_live;

/* To be freed by xdp_live__destroy(). */
struct xdp_live *wire_generator(void);

/* Sends frames out of g<pair>, in whose namespace this thread is. */
void wire_generate(struct xdp_live *generator, const struct frame_bytes *frame, int pair,
		   __u32 frames);

/* Attaches a program to r<pair>. Returns the descriptor of the link, which holds it. */
int wire_attach(int program, int pair);

/* The engine's own programs for a port that drops, with the DSCP on. */
struct peertag *wire_programs(const struct setup *setup, __u32 slot);

#endif
