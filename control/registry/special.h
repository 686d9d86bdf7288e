/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The special-purpose address registries of IANA (RFC 6890, RFC 8190) and multicast.
 *
 * Threading: pure functions over constant tables.
 */
#ifndef CONTROL_SPECIAL_H
#define CONTROL_SPECIAL_H

#include "prefix.h"

struct special_range {
	const char *prefix;
	const char *name;
	enum special_reach {
		SPECIAL_NOT_REACHABLE,
		SPECIAL_REACHABLE,
		SPECIAL_NOT_APPLICABLE, /* the registry says N/A: 6to4, Teredo */
		SPECIAL_MULTICAST,
	} reach;
};

/*
 * The entry for which @prefix is refused: the most specific one it lies in, or any one it covers,
 * that is multicast or not globally reachable. NULL: none.
 */
const struct special_range *special_range_of(const struct prefix *prefix);

#endif
