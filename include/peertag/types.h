/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The words of the fast path: outcome, direction, carrier, class.
 * Compiles for BPF and for user space; everything here is a plain value, safe from any thread.
 */
#ifndef PEERTAG_TYPES_H
#define PEERTAG_TYPES_H

#include <linux/types.h>

#define PT_INLINE static inline __attribute__((always_inline))

/*
 * Keeps the compiler from knowing what is in a variable: in BPF, where it would make branches of
 * arithmetic, all ways of which the kernel's verifier then tries.
 */
#ifdef __bpf__
#define PT_OPAQUE(variable) asm volatile("" : "+r"(variable))
#else
#define PT_OPAQUE(variable) ((void)0)
#endif

/* A loop whose count is constant, written out: for the BPF verifier, and for speed. */
#ifdef __clang__
#define PT_UNROLL      _Pragma("clang loop unroll(full)")
#define PT_UNROLL_FAST PT_UNROLL
#else
#define PT_UNROLL
#define PT_UNROLL_FAST _Pragma("GCC unroll 16")
#endif

/* The one fate of a packet. It is the counter's index and the metric's label. */
enum pt_outcome {
	PT_OUTCOME_MATCHED,
	PT_OUTCOME_UNMATCHED,
	PT_OUTCOME_NOT_IP,
	PT_OUTCOME_UNSUPPORTED,
	PT_OUTCOME_MALFORMED,
	PT_OUTCOMES,
};

/* As the edge sees it: receive came from the customer, transmit goes to the customer. */
enum pt_direction {
	PT_RECEIVE,
	PT_TRANSMIT,
	PT_DIRECTIONS,
};

/* What carries the tag out of the classifier. */
enum pt_carrier {
	PT_CARRIER_MARK,
	PT_CARRIER_DSCP,
	PT_CARRIER_VLAN,
	PT_CARRIERS,
};

#define PT_DSCP_NONE 0xff
#define PT_VLAN_NONE 0

/*
 * A class descriptor: what a packet needs to know of the class that its lookup gave. Classes are
 * numbered from 1, within one snapshot; class 0 (unmatched) has no descriptor.
 * A connection is one class, and one more for each prefix that is selected for latency; all classes
 * of a connection share one counter. Four of them are a cache line.
 */
struct pt_class {
	__u32 counter;	    /* index into pt_lane.connections */
	__u32 latency_slot; /* 0: not measured */
	__u32 mark;	    /* never 0 */
	__u16 vlan;	    /* 1 to 4094, or PT_VLAN_NONE */
	__u8 dscp;	    /* 0 to 63, or PT_DSCP_NONE */
	__u8 reserved;
};
_Static_assert(sizeof(struct pt_class) == 16,
	       "pt_class is shared with the kernel and other processes");

PT_INLINE const char *pt_outcome_name(enum pt_outcome outcome)
{
	switch (outcome) {
	case PT_OUTCOME_MATCHED:
		return "matched";
	case PT_OUTCOME_UNMATCHED:
		return "unmatched";
	case PT_OUTCOME_NOT_IP:
		return "not_ip";
	case PT_OUTCOME_UNSUPPORTED:
		return "unsupported";
	case PT_OUTCOME_MALFORMED:
		return "malformed";
	case PT_OUTCOMES:
		break;
	}
	return "?";
}

PT_INLINE const char *pt_direction_name(enum pt_direction direction)
{
	return direction == PT_RECEIVE ? "receive" : "transmit";
}

PT_INLINE const char *pt_carrier_name(enum pt_carrier carrier)
{
	switch (carrier) {
	case PT_CARRIER_MARK:
		return "mark";
	case PT_CARRIER_DSCP:
		return "dscp";
	case PT_CARRIER_VLAN:
		return "vlan";
	case PT_CARRIERS:
		break;
	}
	return "?";
}

#endif
