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

#include "../message.h"

/* Next hops have 24 bits, those of rte_lpm6 21; and rte_lpm counts its memory in 32 bits. */
#define RULES_CLASSES4_MAX ((1u << 24) - 1)
#define RULES_CLASSES6_MAX ((1u << 21) - 1)
#define RULES_GROUPS4_MAX  100000u
#define RULES_GROUPS6_MAX  ((1u << 21) - 1)
#define RULES_LENGTH4_MAX  200000u

/* What a snapshot has of one family, in one form for both: an IPv4 address is in four bytes. */
struct wanted {
	enum pt_family family;
	__u32 count;
	__u32 groups;		/* tbl8s that exactly this takes */
	struct pt_rule6 *rules; /* sorted by address, then by length */
};

/*
 * Takes the rules out of a verified snapshot. Returns 0 and *ret, which wanted_done() frees, or
 * -E2BIG if rte_lpm cannot hold them, or -ENOMEM, and why.
 */
int wanted_init(struct wanted *ret, const struct pt_snapshot *snapshot, enum pt_family family,
		struct message *message);
void wanted_done(struct wanted *wanted);

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
