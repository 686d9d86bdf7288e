/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs frames through the engine that the test is linked with and judges each by the oracle:
 * outcome, both classes, the tag, every byte that leaves; keeps its own books and compares them
 * with the counters.
 *
 * Any difference fails the running test, with the frame in hexadecimal. Threading: one at a time.
 */
#ifndef DATAPLANE_JUDGE_H
#define DATAPLANE_JUDGE_H

#include "offline.h"
#include "oracle.h"
#include "rule_set.h"

struct judged {
	const char *name;
	uint8_t *frame;
	size_t size;
};

struct judge {
	struct pt_offline *offline;
	struct pt_offline_options options;
	struct rule_set set; /* what is published */
	struct oracle_table *oracle;
	struct pt_port_counters port;		    /* the books */
	struct pt_connection_counters *connections; /* by counter index */
	uint32_t connection_count;
	uint64_t frames, native_frames;
	struct random *random; /* of the sizes of bursts; NULL: one frame each */
	struct judged queue[PT_OFFLINE_BURST_MAX];
	size_t queued, burst;
};

/* Whether this user may open the engine; says why not. A test that may not is skipped. */
bool judge_is_permitted(void);

/* Takes over the set: judge_close() frees it. */
void judge_open(struct judge *judge, const struct rule_set *set,
		const struct pt_offline_options *options);
void judge_close(struct judge *judge);

/* Publishes another set, which must need no more counters. Takes it over. */
void judge_publish(struct judge *judge, const struct rule_set *set);

/* From now on frames are run in bursts of 1 to PT_OFFLINE_BURST_MAX. */
void judge_in_bursts(struct judge *judge, struct random *random);

/* Runs one frame, as soon as its burst is full; `name` goes into the message of a failure. */
void judge_frame(struct judge *judge, const char *name, const void *frame, size_t size);

/* Runs the frames that are left over. */
void judge_flush(struct judge *judge);

/* The engine's counters are those of the books, to the byte. Flushes before. */
void judge_counters(struct judge *judge);

#endif
