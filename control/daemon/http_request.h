/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files http*.c share of a request; nobody else includes this.
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_HTTP_REQUEST_H
#define CONTROL_HTTP_REQUEST_H

#include "http.h"

#include <microhttpd.h>
#include <sys/queue.h>

/* One MHD daemon in the event loop. */
struct listener {
	struct http *http;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	sd_event_source *timer;
	bool local;	  /* the unix socket */
	unsigned readers; /* of its connections, those that may not write */
};

LIST_HEAD(http_requests, http_request);

struct http {
	sd_event *loop;
	struct http_handler handler;
	gid_t group;
	char *socket_path;
	size_t bodies_bytes; /* of all requests */
	bool closing;	     /* only what was answered is still sent */
	struct http_requests requests;
	struct listener listeners[2];
};

struct http_request {
	LIST_ENTRY(http_request) link;
	struct listener *listener;
	struct MHD_Connection *connection;
	char *method;
	char *path;
	char *body;
	size_t body_bytes;
	size_t body_capacity;
	size_t discarded_bytes; /* of a body that was too large */
	enum http_role role;
	uid_t uid;
	bool complete;	/* the handler has it */
	bool suspended; /* MHD waits for http_respond or http_stream_more */
	bool queued;	/* the response is MHD's */
	unsigned status;
	char allowed[48]; /* methods, for 405 */
	struct {
		const char *key;
		const char *value;
	} headers[HTTP_HEADERS_MAX];
	size_t header_count;
	struct MHD_Response *response;
	void *state;
	void (*free_state)(void *state);
};

/* Lets MHD go on with a request that it was told to wait for. */
void request_resume(struct http_request *request);

#endif
