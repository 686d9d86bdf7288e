/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose address is this? By the registry, and by what each engine's own table says.
 * Threading: the event loop's thread.
 */
#ifndef CONTROL_LOOKUP_H
#define CONTROL_LOOKUP_H

#include "service.h"

void lookup_answer(struct service *service, struct http_request *request, const char *address);

#endif
