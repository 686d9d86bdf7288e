/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What perf/xdp_lookup.bpf.c and perf/xdp_lookup.c share. */
#ifndef PERF_XDP_LOOKUP_H
#define PERF_XDP_LOOKUP_H

#include <linux/types.h>

#define LOOKUP_STREAM_MAX (1 << 20) /* IPv4; half as many of IPv6 */
#define LOOKUP_STEP	  4	    /* lookups of one turn of the loop */

/* The map `addrs`: as they are in packets. */
struct lookup_addrs {
	union {
		__u32 ipv4[LOOKUP_STREAM_MAX];
		__u8 ipv6[LOOKUP_STREAM_MAX / 2][16];
	};
};

/* The map `answers`: the classes that were found. */
struct lookup_answers {
	__u32 classes[LOOKUP_STREAM_MAX];
};

/* The frame that a program is run on: from which address of the stream on, and how many. */
struct lookup_pass {
	__u32 first;
	__u32 count; /* a multiple of LOOKUP_STEP */
	__u32 reserved[2];
};

#endif
