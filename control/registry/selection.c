/* SPDX-License-Identifier: BSD-3-Clause */
#include "selection.h"

bool selection_is_too_fine(const struct prefix *prefix)
{
	return prefix->length >
	       (prefix->family == 4 ? SELECTION_FINEST_IPV4 : SELECTION_FINEST_IPV6);
}

static void selection_add(struct selection *selection, const struct connection *connection)
{
	uint64_t own = 0;
	bool shared = false;

	for (size_t i = 0; i < connection->prefix_count; i++) {
		const struct connection_prefix *prefix = &connection->prefixes[i];

		if (!prefix->latency)
			continue;
		if (selection_is_too_fine(&prefix->prefix))
			shared = true;
		else
			own++;
	}
	selection->connections += own || shared;
	selection->prefixes += own;
	selection->slots += own + shared;
}

struct selection selection_of(const struct connection_set *set)
{
	struct selection selection = {0};

	for (size_t i = 0; i < set->count; i++)
		selection_add(&selection, set->items[i]);
	return selection;
}
