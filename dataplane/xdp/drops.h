/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The programs that count what redirection lost. They hear of it by the kernel's tracepoints, and
 * their links are pinned like those of the ports. Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_XDP_DROPS_H
#define PEERTAG_DATAPLANE_XDP_DROPS_H

#include "../message.h"

struct state;

/* Makes sure that they run. Returns 0, or -errno and why: then forward_drops stays 0. */
int drops_attach(const struct state *state, struct message *message);

/* Removes them from the pins in `dir`. */
void drops_detach(const char *dir);

#endif
