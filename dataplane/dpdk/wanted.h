/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a snapshot wants of one family's table, in one form for both, and whether DPDK's longest
 * prefix match can hold it. Threading: pure.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_WANTED_H
#define PEERTAG_DATAPLANE_DPDK_WANTED_H

#include <peertag/snapshot.h>
#include <peertag/types.h>

#include "../message.h"

/*
 * What cannot be held. A next hop has 24 bits, in rte_lpm6 21, and it is cut off silently. A group
 * (tbl8) is what prefixes longer than 24 bits take: one for each /24 that holds any, and in
 * rte_lpm6 one more for each 8 bits further. rte_lpm counts their memory in 32 bits.
 *
 * rte_lpm_add() compares a rule with all of its length, and looks for a free group from the first
 * one on, so its time grows with the square of either. Measured in seconds (AMD Zen 4), n rules of
 * one length: 10,000 0.01, 50,000 0.3, 100,000 1.3, 200,000 6, 300,000 12; n /24s that hold a
 * longer rule: 10,000 0.3, 20,000 1.4, 40,000 6, 60,000 14. What would take longer than
 * WANTED_BUILD4_MAX_S is refused: from 258,000 of one length on, or 53,000 /24s.
 */
#define WANTED_CLASSES4_MAX ((1u << 24) - 1)
#define WANTED_CLASSES6_MAX ((1u << 21) - 1)
#define WANTED_GROUPS4_MAX  ((1u << 22) - 1)
#define WANTED_GROUPS6_MAX  ((1u << 21) - 1)
#define WANTED_BUILD4_MAX_S 10

/* What a snapshot has of one family, in one form for both: an IPv4 address is in four bytes. */
struct wanted {
	enum pt_family family;
	__u32 count;
	__u32 groups;		/* tbl8s that exactly this takes */
	struct pt_rule6 *rules; /* sorted by address, then by length */
};

/*
 * Takes the rules out of a verified snapshot. Returns 0 and *ret, which wanted_done() frees; or why
 * not, and -E2BIG where the limits are or -ENOMEM.
 */
int wanted_init(struct wanted *ret, const struct pt_snapshot *snapshot, enum pt_family family,
		struct message *message);
void wanted_done(struct wanted *wanted);

/* As users write it. */
const char *wanted_family_name(const struct wanted *wanted);

#endif
