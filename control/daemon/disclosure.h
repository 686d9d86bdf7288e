/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be told of one connection's round-trip times in one window.
 *
 * A slot (a prefix, or what is too fine to be told apart) is published if at least min_hosts of the
 * customer's hosts contributed. The connection has the sum of its published slots. What was
 * withheld is in there too if all of it together has min_hosts; else it is in nothing, and is not
 * carried over: the connection less its prefixes is then nothing as well, and the output is the
 * same as if those hosts had not been there.
 *
 * Hosts are known as bits that a secret hash chose, and each engine has a secret of its own: sets
 * of one engine can be joined, sets of two cannot, so the larger of them is the count. Bits are at
 * most as many as hosts.
 *
 * Threading: pure functions.
 */
#ifndef CONTROL_DISCLOSURE_H
#define CONTROL_DISCLOSURE_H

#include "histogram.h"

#include <peertag/latency.h>

struct host_set {
	uint64_t words[PT_LATENCY_HOST_WORDS];
};

/* What was measured of a slot, by all engines. */
struct slot_times {
	struct histogram times;
	struct host_set *hosts; /* [i] is engine i's */
};

/* Of one connection, while its slots are gone through. */
struct disclosure {
	unsigned min_hosts;
	size_t engines;
	struct histogram published;
	struct histogram withheld;
	struct host_set *withheld_hosts; /* by engine */
};

/* Returns 0 or -ENOMEM. One disclosure serves one connection after the other. */
int disclosure_init(struct disclosure *disclosure, size_t engines, unsigned min_hosts);
void disclosure_done(struct disclosure *disclosure);

void disclosure_begin(struct disclosure *disclosure);
/* One more slot. True: it is published. */
bool disclosure_add(struct disclosure *disclosure, const struct slot_times *slot);
/* Behind the last: the connection's times, which live until the next begins; NULL: withheld. */
const struct histogram *disclosure_end(struct disclosure *disclosure);

#endif
