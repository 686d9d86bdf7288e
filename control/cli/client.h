/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HTTP client of peertagd's unix socket.
 * Threading: one thread at a time.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "../registry/error.h"

struct client;

struct response {
	long status;
	char *body; /* NUL terminated, never NULL */
	size_t bytes;
};

/* `socket`: path of the API's socket. NULL without memory. */
struct client *client_new(const char *socket);
void client_free(struct client *client);

/*
 * Asks, and waits for the whole answer. `path` is escaped already; `body` may be NULL. True: there
 * is an answer of whatever status, response_done() frees it. False: there is none, and `error` (its
 * code is ERROR_UNREACHABLE if peertagd was not reached) says why and what to do.
 */
bool client_request(struct client *client, const char *method, const char *path, const char *body,
		    size_t bytes, struct response *ret_response, struct error *error);
void response_done(struct response *response);

/*
 * The same for an answer that never ends: `receive` gets each piece of it as it arrives, and ends
 * it by returning false. Returns false with `error` if it ended otherwise, also by the peer.
 */
bool client_stream(struct client *client, const char *path,
		   bool (*receive)(void *closure, const char *piece, size_t bytes), void *closure,
		   struct error *error);

/* Percent-encodes a path segment or a query's value, to be freed; NULL without memory. */
char *client_escape(const char *text);

#endif
