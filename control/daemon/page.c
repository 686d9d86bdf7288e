/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"

#include <string.h>

void page_answer(struct http_request *request)
{
	http_set_header(request, "Content-Security-Policy", page_policy);
	http_set_header(request, "Referrer-Policy", "no-referrer");
	http_set_header(request, "Cross-Origin-Opener-Policy", "same-origin");
	http_respond(request, 200, "text/html; charset=utf-8", strdup(page_text), page_bytes);
}
