/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose counts are at which counter index. An index that gets another owner is zeroed while no
 * packet can count there. Threading: the publishing thread alone.
 */
#ifndef PEERTAG_DATAPLANE_XDP_OWNERS_H
#define PEERTAG_DATAPLANE_XDP_OWNERS_H

#include <stdbool.h>

#include <peertag/snapshot.h>

struct state;

/*
 * Whether taking the indexes over for `snapshot` touches one that packets may be counting on now:
 * then they must see no set meanwhile.
 */
bool owners_conflict(const struct state *state, const struct pt_snapshot *snapshot);

/* Zeroes what changes hands, names the new owners, and marks their indexes as in use. */
void owners_take(struct state *state, const struct pt_snapshot *snapshot);

/* Marks the indexes that the set which is now seen does not have as out of use. `mark`: capacity
 * zeroes, written by it. */
void owners_release(struct state *state, const struct pt_snapshot *snapshot, bool *mark);

#endif
