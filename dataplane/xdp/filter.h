/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tc programs of a port: one filter at a fixed place of its clsact qdisc for each direction,
 * beside whatever other filters are there. They stay when the process ends. Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_XDP_FILTER_H
#define PEERTAG_DATAPLANE_XDP_FILTER_H

#include <stdbool.h>

#include "../message.h"

enum filter_direction {
	FILTER_INGRESS,
	FILTER_EGRESS,
	FILTER_DIRECTIONS,
};

/*
 * Puts the program `fd` at our place, instead of an older program of ours; makes the qdisc where
 * there is none. Returns 0, or -errno and why: -EBUSY if somebody else's filter is there.
 */
int filter_attach(int ifindex, enum filter_direction direction, int fd, struct message *message);

/* Removes our filter, if it is there and ours. Returns 0 or -errno. */
int filter_detach(int ifindex, enum filter_direction direction);

/* Whether the program `fd` is at our place. */
bool filter_holds(int ifindex, enum filter_direction direction, int fd);

#endif
