/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status page at `/`: one document with all that it needs, assembled from control/page at
 * build, and the policy that lets a browser run nothing else in it.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_PAGE_H
#define CONTROL_PAGE_H

#include "http.h"

/* In page_text.c, which control/page/assemble.py writes. */
extern const char page_text[];
extern const size_t page_bytes;
extern const char page_policy[]; /* a Content-Security-Policy with the hashes of its parts */

void page_answer(struct http_request *request);

#endif
