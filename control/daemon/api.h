/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HTTP API: which request means what, and who may ask it. Reads are answered at once from the
 * current view and the engines' counters; whatever changes the registry, or takes long, is a task
 * for the writer thread.
 *
 * Threading: the event loop's thread.
 */
#ifndef CONTROL_API_H
#define CONTROL_API_H

#include "service.h"

extern const struct http_handler api_handler; /* its closure is to be the struct service */

#endif
