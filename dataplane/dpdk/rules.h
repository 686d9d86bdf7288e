/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of one family, as DPDK's longest prefix match holds them: in an rte_lpm or an rte_lpm6,
 * with a list beside it of what is in there. That list makes the next fill cheap: only what differs
 * is deleted and added, unless clearing everything costs less.
 *
 * Threading: a struct rules belongs to the thread that fills it, until it is published; then
 * everybody may look up in it and nobody fill it.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_RULES_H
#define PEERTAG_DATAPLANE_DPDK_RULES_H

#include <rte_lpm.h>
#include <rte_lpm6.h>

#include <peertag/snapshot.h>
#include <peertag/types.h>

#include "wanted.h"

struct rules {
	enum pt_family family;
	struct rte_lpm *lpm4;  /* of PT_IPV4 */
	struct rte_lpm6 *lpm6; /* of PT_IPV6 */
	__u32 rules_max;       /* that it has room for */
	__u32 groups_max;
	__u32 count; /* that it holds */
	struct pt_rule6 *held;
};

/*
 * Makes *rules hold exactly what is wanted, and takes the list over from `wanted`. *rules is
 * changed where it suits, else freed and made anew; it is NULL where nothing is wanted. Returns 0,
 * or -errno and why, and then *rules is NULL.
 */
int rules_fill(struct rules **rules, struct wanted *wanted, struct message *message);
void rules_free(struct rules *rules);

/* The class number of an address in network byte order, 0 for none. rules: NULL has none. */
__u32 rules_lookup(const struct rules *rules, const __u8 *addr);

/* The memory that it takes. */
__u64 rules_bytes(const struct rules *rules);

#endif
