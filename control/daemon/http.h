/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP as the API sees it: requests that come in whole, with the role of who asks, and responses.
 * One listener on a unix socket, where peer credentials decide who may write, and one on a loopback
 * TCP port, which only reads. Both run in the daemon's event loop.
 *
 * Memory is bounded: a body by HTTP_BODY_MAX, all bodies together by HTTP_BODIES_MAX, connections
 * by number, of both a part is left to writers; a client that is slow or silent is dropped after
 * HTTP_TIMEOUT_S and holds up nobody.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_HTTP_H
#define CONTROL_HTTP_H

#include "../registry/error.h"

#include <peertag/config.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define HTTP_BODY_MAX	(64u << 20)
#define HTTP_BODIES_MAX (128u << 20)
#define HTTP_TIMEOUT_S	30

#define HTTP_HEADERS_MAX 4

enum http_role {
	HTTP_READER,	    /* a local user */
	HTTP_WRITER,	    /* root, or in the service's group */
	HTTP_REMOTE_READER, /* the TCP port */
};

struct http_request;

/* Fills up to `bytes` of the response; returns how many, 0: nothing now, -1: the end. */
typedef ssize_t http_stream_read(void *closure, char *buffer, size_t bytes);

struct http_handler {
	/*
	 * The head has arrived: may it go on? false: a response was given. Called before a body is
	 * accepted, so that nobody uploads what he may not write.
	 */
	bool (*head)(void *closure, struct http_request *request);
	/* The request is complete. Answers now, or later by any of the responses below. */
	void (*request)(void *closure, struct http_request *request);
	void *closure;
};

struct http;

/* Returns 0 or -errno, with a sentence in `error`. */
int http_new(sd_event *loop, const struct pt_config *config, const struct http_handler *handler,
	     struct http **ret_http, struct error *error);
void http_free(struct http *http);

const char *http_method(const struct http_request *request);
/* The path as it was sent: still escaped, without the query. */
const char *http_path(const struct http_request *request);
enum http_role http_role(const struct http_request *request);
uid_t http_uid(const struct http_request *request);
const char *http_body(const struct http_request *request, size_t *ret_bytes);
/* An argument of the query, unescaped, or NULL; to be freed. */
char *http_argument(const struct http_request *request, const char *key);
const char *http_header(const struct http_request *request, const char *key);

/* For the handler: what it remembers of the request, freed with it. */
void http_set_state(struct http_request *request, void *state, void (*free_state)(void *state));
void *http_state(const struct http_request *request);

/* Before an answer of 405: one more method that the path takes. */
void http_allow(struct http_request *request, const char *method);

/* Before an answer: one header more of it, at most HTTP_HEADERS_MAX. Both texts outlive it. */
void http_set_header(struct http_request *request, const char *key, const char *value);

/* Each ends the request. `text` is taken over and freed. */
void http_respond(struct http_request *request, unsigned status, const char *type, char *text,
		  size_t bytes);
/* Takes over the reference to `document`. */
void http_respond_json(struct http_request *request, unsigned status, json_t *document);
void http_respond_error(struct http_request *request, const struct error *error);
/*
 * A response that is read piece by piece; `close` is called at its end. After a read of 0 bytes
 * http_stream_more() makes it go on.
 */
void http_respond_stream(struct http_request *request, const char *type, http_stream_read *read,
			 void (*close)(void *closure), void *closure);
void http_stream_more(struct http_request *request);

/* The status that tells of an error: 400, 403, 404, 409, 413, 422, 500, 503. */
unsigned http_status_of(enum error_code code);

/* %41 and %2F to A and /; to be freed. NULL: no memory, or a zero byte in it. */
char *http_unescape(const char *text, size_t bytes);

#endif
