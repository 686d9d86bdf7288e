/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose counts are at which counter index. An index that gets another owner is zeroed while no
 * packet can count there; how an engine zeroes is its own. Threading: the publishing thread alone.
 */
#ifndef PEERTAG_DATAPLANE_OWNERS_H
#define PEERTAG_DATAPLANE_OWNERS_H

#include <stdbool.h>

#include <peertag/counters.h>
#include <peertag/snapshot.h>

struct owners {
	__u8 *registry; /* PT_REGISTRY_BYTES: whose connection ids these are */
	struct pt_owner *owners;
	__u32 capacity;
	/* Zeroes `count` connection counters from `first`, in all lanes. No packet counts there. */
	void (*zero)(void *counters, __u32 first, __u32 count);
	void *counters;
};

/*
 * Whether taking the indexes over for `snapshot` touches one that packets may be counting on now:
 * then they must see no set meanwhile.
 */
bool owners_conflict(const struct owners *owners, const struct pt_snapshot *snapshot);

/* Zeroes what changes hands, names the new owners, and marks their indexes as in use. */
void owners_take(const struct owners *owners, const struct pt_snapshot *snapshot);

/* Marks the indexes that the set which is now seen does not have as out of use. `mark`: capacity
 * zeroes, written by it. */
void owners_release(const struct owners *owners, const struct pt_snapshot *snapshot, bool *mark);

#endif
