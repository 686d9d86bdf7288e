/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose an engine's latency slots are, and since when without doubt.
 *
 * A slot is a number that every publish may give to somebody else, so what was measured in it
 * belongs to an owner only if the slot was his all the time. When a set is sent, the engine may use
 * it from then on, and an answer may never come: every slot that is somebody else's in that set is
 * doubtful at once. When the engine says that it holds a set, its slots are known from then on; a
 * slot that was the same owner's before, and never in doubt, stays his since then.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_LATENCY_SLOTS_H
#define CONTROL_LATENCY_SLOTS_H

#include "../registry/view.h"

/* Who reports: a prefix, or a connection (prefix.family 0). It outlives views. */
struct latency_owner {
	uint32_t connection; /* id */
	struct prefix prefix;
};

/* By connection, itself before its prefixes. */
int latency_owner_compare(const struct latency_owner *a, const struct latency_owner *b);

struct latency_slots {
	struct owned_slot {
		struct latency_owner owner;
		uint32_t index; /* in a lane */
		bool doubtful;
		uint64_t since_ns; /* monotonic */
	} * items;		   /* sorted by owner */
	size_t count;
};

/* Those of a set, from `now_ns` on. Returns 0 or -ENOMEM. */
int latency_slots_init(struct latency_slots *slots, const struct view *view, uint64_t now_ns);
void latency_slots_done(struct latency_slots *slots);

/* The owner's, or NULL. For callers who come in the order of the owners, with *cursor from 0. */
const struct owned_slot *latency_slots_next(const struct latency_slots *slots, size_t *cursor,
					    const struct latency_owner *owner);

/* The set of `sent` is on its way. */
void latency_slots_doubt(struct latency_slots *slots, const struct latency_slots *sent);
/* It was refused, and it was the only one that was on its way. */
void latency_slots_trust(struct latency_slots *slots);
/* The set of `held` is held now; takes it over. */
void latency_slots_replace(struct latency_slots *slots, struct latency_slots *held);

#endif
