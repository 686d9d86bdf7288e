/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table: two sides, of which packets see one. A side is an image, and where packets look up in
 * the kernel's tries, two of those as well, one a family.
 *
 * Publish: the image is copied into the side that nobody reads, and tries are built beside the old
 * ones and put there; counter indexes that get another owner are zeroed; then one word flips, and
 * after a grace period
 * (the kernel makes an update of a map of maps wait for all running programs) no packet is left on
 * the old side. Up to the flip every failure leaves the old set as it was. If an index that is to
 * be zeroed may still be counted on, packets see no set at all in between: unknown, never wrong.
 *
 * Killed at any point, the pins hold the old set or the new one. Around the flip the generation is
 * 0, which claims nothing: control will publish again.
 *
 * Threading: one thread publishes and settles; table_lookup may run beside it.
 */
#ifndef PEERTAG_DATAPLANE_XDP_TABLE_H
#define PEERTAG_DATAPLANE_XDP_TABLE_H

#include <peertag/snapshot.h>
#include <peertag/types.h>

#include "../message.h"

struct state;
struct table;

/* Takes up what the pins hold. Returns 0 and *ret, which table_free() frees, or -errno and why. */
int table_new(struct state *state, struct table **ret, struct message *message);
void table_free(struct table *table);

/* Publishes a verified snapshot: 0 when every later packet sees it, or -errno and why. */
int table_publish(struct table *table, const struct pt_snapshot *snapshot, struct message *message);

/* Gives the tries of the set before this one back. Call it after a publish, in its thread. */
void table_settle(struct table *table);

/* Waits until no program runs that began before. Returns 0 or -errno. */
int table_grace(struct table *table);

/*
 * The class of an address (network byte order) in the set that packets see. Returns 0, its number
 * and its descriptor, both 0 where it is in none; or -errno.
 */
int table_lookup(struct table *table, enum pt_family family, const __u8 *addr, __u32 *ret_class,
		 struct pt_class *ret);

#endif
