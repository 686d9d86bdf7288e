/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs of veth interfaces between two network namespaces that have no way out, and no name: they
 * are gone with the process. Pair i is g<i> in the first and r<i> in the second.
 *
 * Threading: veth_enter() moves the calling thread; threads that it makes are where it was.
 */
#ifndef PERF_XDP_VETH_H
#define PERF_XDP_VETH_H

#include <linux/types.h>

enum veth_side {
	VETH_GENERATOR,
	VETH_RECEIVER,
	VETH_SIDES,
};

/* Makes the namespaces, once. */
void veth_namespaces(void);
void veth_enter(enum veth_side side);

/* Makes pair `i`, up, with GRO on, without which a receiver takes no frames of XDP. */
void veth_make(int i);
void veth_remove(int i);

/* The name of an end, in `name`, and its number; in the namespace of its side. */
#define VETH_NAME_BYTES 16
int veth_index(enum veth_side side, int i, char name[VETH_NAME_BYTES]);

/* What the receiver of pair `i` received. */
__u64 veth_received(int i);

#endif
