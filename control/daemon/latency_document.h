/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The document of `peertag latency`: what the last window had of every connection and prefix that
 * is selected, or why that is withheld. Written piece by piece, as /metrics is.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_LATENCY_DOCUMENT_H
#define CONTROL_LATENCY_DOCUMENT_H

#include "latency.h"

#include <sys/types.h>

struct latency_document;

/*
 * Of `only`, a connection of the view, or of all if it is NULL. Takes references to the view and
 * the report. NULL without memory.
 */
struct latency_document *latency_document_new(struct view *view, const struct latency *latency,
					      const struct pt_config *config,
					      const struct connection *only);
void latency_document_free(struct latency_document *document);

/* Writes into `buffer` (at least LATENCY_ENTRY_MAX bytes). Returns bytes, -1: the end. */
ssize_t latency_document_read(struct latency_document *document, char *buffer, size_t bytes);

#define LATENCY_ENTRY_MAX 2560

#endif
