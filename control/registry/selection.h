/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is selected for latency. A selected prefix reports by itself, unless it is finer than /24
 * (IPv4) or /48 (IPv6): then it reports under its connection, with all others of it that are.
 *
 * Threading: pure functions.
 */
#ifndef CONTROL_SELECTION_H
#define CONTROL_SELECTION_H

#include "connection.h"

#define SELECTION_FINEST_IPV4 24
#define SELECTION_FINEST_IPV6 48

struct selection {
	uint64_t connections; /* that have a selected prefix */
	uint64_t prefixes;    /* that report by themselves */
	uint64_t slots;	      /* that all of it needs in an engine */
};

/* Too fine to be told apart from its neighbours. */
bool selection_is_too_fine(const struct prefix *prefix);

/* Of all of them. */
struct selection selection_of(const struct connection_set *set);

#endif
