/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The document of `peertag counters`: every connection with what it counted, written piece by piece
 * as the client takes it, for the same reason as /metrics.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_TALLY_H
#define CONTROL_TALLY_H

#include "engines.h"
#include "../registry/view.h"

#include <sys/types.h>

struct tally;

/*
 * Of `only`, a connection of the view, or of all if it is NULL. Takes a reference to `view`. NULL
 * without memory.
 */
struct tally *tally_new(struct view *view, const struct engines *engines,
			const struct connection *only);
void tally_free(struct tally *tally);

/* Writes into `buffer` (at least TALLY_ENTRY_MAX bytes). Returns bytes, -1: the end. */
ssize_t tally_read(struct tally *tally, char *buffer, size_t bytes);

#define TALLY_ENTRY_MAX 1024

#endif
