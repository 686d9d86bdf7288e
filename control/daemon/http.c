/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"
#include "http_listen.h"
#include "http_request.h"

#include <errno.h>
#include <grp.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX	 512
#define READERS_MAX	 (CONNECTIONS_MAX - 64) /* of the unix socket: the rest is for writers */
#define CONNECTION_BYTES (64 * 1024)
#define FLUSH_RUNS	 4 /* to resume, to take the response, to send it, to spare */

static void listener_run(struct listener *listener)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(listener->daemon);
	if (MHD_get_timeout(listener->daemon, &timeout_ms) != MHD_YES) {
		sd_event_source_set_enabled(listener->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(listener->timer, timeout_ms * 1000);
	sd_event_source_set_enabled(listener->timer, SD_EVENT_ONESHOT);
}

static int listener_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	listener_run(userdata);
	return 0;
}

static int listener_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	listener_run(userdata);
	return 0;
}

static void request_free(struct http_request *request)
{
	LIST_REMOVE(request, link);
	if (request->free_state)
		request->free_state(request->state);
	if (request->response && !request->queued)
		MHD_destroy_response(request->response);
	request->listener->http->bodies_bytes -= request->body_capacity;
	free(request->body);
	free(request->method);
	free(request->path);
	free(request);
}

static void request_completed(void *closure, struct MHD_Connection *connection, void **state,
			      enum MHD_RequestTerminationCode why)
{
	(void)closure;
	(void)connection;
	(void)why;
	if (*state)
		request_free(*state);
	*state = NULL;
}

static enum MHD_Result request_queue(struct http_request *request)
{
	enum MHD_Result r;

	request->queued = true;
	r = MHD_queue_response(request->connection, request->status, request->response);
	MHD_destroy_response(request->response);
	return r;
}

static int connection_socket(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Readers never take the last places, so that whoever may write is always let in. */
static void connection_notify(void *closure, struct MHD_Connection *connection, void **counted,
			      enum MHD_ConnectionNotificationCode code)
{
	struct listener *listener = closure;
	int socket;
	uid_t uid;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		listener->readers -= *counted != NULL;
		return;
	}
	socket = connection_socket(connection);
	if (!listener->local || http_peer_role(socket, listener->http->group, &uid) == HTTP_WRITER)
		return;
	*counted = listener;
	if (++listener->readers > READERS_MAX)
		shutdown(socket, SHUT_RDWR);
}

static struct http_request *request_new(struct listener *listener,
					struct MHD_Connection *connection, const char *method,
					const char *path)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	LIST_INSERT_HEAD(&listener->http->requests, request, link);
	request->listener = listener;
	request->connection = connection;
	request->method = strdup(method);
	request->path = strdup(path);
	request->role = HTTP_REMOTE_READER;
	request->uid = (uid_t)-1;
	if (listener->local)
		request->role = http_peer_role(connection_socket(connection), listener->http->group,
					       &request->uid);
	if (!request->method || !request->path) {
		request_free(request);
		return NULL;
	}
	return request;
}

/* Room for `bytes` more; false: a limit or no memory. */
static bool body_reserve(struct http_request *request, size_t bytes)
{
	struct http *http = request->listener->http;
	size_t limit = request->role == HTTP_WRITER ? HTTP_BODIES_MAX : HTTP_BODIES_MAX / 2;
	size_t capacity = request->body_capacity ? request->body_capacity : 16384;
	char *body;

	if (request->body_bytes + bytes > HTTP_BODY_MAX)
		return false;
	while (capacity < request->body_bytes + bytes)
		capacity *= 2;
	if (capacity == request->body_capacity)
		return true;
	if (http->bodies_bytes + capacity - request->body_capacity > limit)
		return false;
	body = realloc(request->body, capacity);
	if (!body)
		return false;
	http->bodies_bytes += capacity - request->body_capacity;
	request->body = body;
	request->body_capacity = capacity;
	return true;
}

/*
 * A body that is too large is heard out, up to as much again, because its sender only listens when
 * he has said all; it is not kept.
 */
static enum MHD_Result request_upload(struct http_request *request, const char *piece,
				      size_t *bytes)
{
	if (!request->discarded_bytes && body_reserve(request, *bytes)) {
		memcpy(request->body + request->body_bytes, piece, *bytes);
		request->body_bytes += *bytes;
	} else {
		request->discarded_bytes += *bytes;
	}
	*bytes = 0;
	return request->discarded_bytes > HTTP_BODY_MAX ? MHD_NO : MHD_YES;
}

static void refuse_body(struct http_request *request)
{
	struct error error;

	error_set(&error, ERROR_TOO_LARGE, "a body has at most %u MiB, all bodies together %u MiB",
		  HTTP_BODY_MAX >> 20, HTTP_BODIES_MAX >> 20);
	http_respond_error(request, &error);
}

/* The bytes that the head announces: 0 without Content-Length. */
static unsigned long long announced_bytes(struct http_request *request)
{
	const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length ? strtoull(length, NULL, 10) : 0;
}

static enum MHD_Result request_begin(struct http_request *request)
{
	const struct http *http = request->listener->http;

	if (announced_bytes(request) > HTTP_BODY_MAX)
		refuse_body(request);
	else
		http->handler.head(http->handler.closure, request);
	return request->response ? request_queue(request) : MHD_YES;
}

static enum MHD_Result request_end(struct http_request *request)
{
	const struct http *http = request->listener->http;

	if (!request->complete) {
		request->complete = true;
		if (request->discarded_bytes)
			refuse_body(request);
		else
			http->handler.request(http->handler.closure, request);
	}
	if (request->response)
		return request_queue(request);
	request->suspended = true;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

static enum MHD_Result http_access(void *closure, struct MHD_Connection *connection,
				   const char *path, const char *method, const char *version,
				   const char *upload, size_t *upload_bytes, void **state)
{
	struct listener *listener = closure;
	struct http_request *request = *state;

	(void)version;
	if (listener->http->closing && !(request && request->response))
		return MHD_NO; /* those who would answer it are gone */
	if (!request) {
		request = *state = request_new(listener, connection, method, path);
		return request ? request_begin(request) : MHD_NO;
	}
	if (*upload_bytes)
		return request_upload(request, upload, upload_bytes);
	return request_end(request);
}

/* Paths and arguments stay as they were sent: routing comes before unescaping. */
static size_t leave_escaped(void *closure, struct MHD_Connection *connection, char *text)
{
	(void)closure;
	(void)connection;
	return strlen(text);
}

static int listener_start(struct listener *listener, struct http *http, int socket, bool local)
{
	int epoll, r;

	listener->http = http;
	listener->local = local;
	listener->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_access, listener,
		MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_NOTIFY_COMPLETED, request_completed,
		NULL, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, listener,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
	if (!listener->daemon) {
		close(socket);
		return -ENOMEM;
	}
	epoll = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	r = sd_event_add_io(http->loop, &listener->io, epoll, EPOLLIN, listener_ready, listener);
	if (r < 0)
		return r;
	return sd_event_add_time_relative(http->loop, &listener->timer, CLOCK_MONOTONIC, 0, 1,
					  listener_timeout, listener);
}

/* Sends what was answered and fits into the socket: a change that was made is acknowledged. */
static void listener_flush(struct listener *listener)
{
	for (int i = 0; listener->daemon && i < FLUSH_RUNS; i++)
		MHD_run(listener->daemon);
}

static void listener_stop(struct listener *listener)
{
	sd_event_source_disable_unref(listener->io);
	sd_event_source_disable_unref(listener->timer);
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
}

static int find_group(const char *name, gid_t *ret_group, struct error *error)
{
	const struct group *group = name ? getgrnam(name) : NULL;

	if (name && !group) {
		error_set(error, ERROR_BAD_VALUE, "api_group: there is no group \"%s\"", name);
		return -ENOENT;
	}
	*ret_group = group ? group->gr_gid : getegid();
	return 0;
}

static int http_listen(struct http *http, const struct pt_config *config, struct error *error)
{
	int socket = http_listen_unix(config->api, config->api_mode, error);
	int r;

	if (socket < 0)
		return socket;
	http->socket_path = strdup(config->api);
	r = listener_start(&http->listeners[0], http, socket, true);
	if (r < 0 || !config->listen[0])
		return r;

	socket = http_listen_tcp(config->listen, error);
	return socket < 0 ? socket : listener_start(&http->listeners[1], http, socket, false);
}

int http_new(sd_event *loop, const struct pt_config *config, const struct http_handler *handler,
	     struct http **ret_http, struct error *error)
{
	struct http *http = calloc(1, sizeof(*http));
	int r;

	error_set(error, ERROR_INTERNAL, "cannot start the HTTP server: out of memory");
	if (!http)
		return -ENOMEM;
	LIST_INIT(&http->requests);
	http->loop = loop;
	http->handler = *handler;
	r = find_group(config->api_group, &http->group, error);
	if (r == 0)
		r = http_listen(http, config, error);
	if (r < 0) {
		http_free(http);
		return r;
	}
	*ret_http = http;
	return 0;
}

void http_free(struct http *http)
{
	struct http_request *request;

	if (!http)
		return;
	http->closing = true;
	listener_flush(&http->listeners[0]);
	listener_flush(&http->listeners[1]);
	LIST_FOREACH(request, &http->requests, link)
	request_resume(request);
	listener_stop(&http->listeners[0]);
	listener_stop(&http->listeners[1]);
	if (http->socket_path)
		unlink(http->socket_path);
	free(http->socket_path);
	free(http);
}

const char *http_method(const struct http_request *request)
{
	return request->method;
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

enum http_role http_role(const struct http_request *request)
{
	return request->role;
}

uid_t http_uid(const struct http_request *request)
{
	return request->uid;
}

const char *http_body(const struct http_request *request, size_t *ret_bytes)
{
	*ret_bytes = request->body_bytes;
	return request->body ? request->body : "";
}

char *http_argument(const struct http_request *request, const char *key)
{
	const char *value =
		MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, key);

	return value ? http_unescape(value, strlen(value)) : NULL;
}

const char *http_header(const struct http_request *request, const char *key)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, key);
}

void http_set_state(struct http_request *request, void *state, void (*free_state)(void *state))
{
	request->state = state;
	request->free_state = free_state;
}

void *http_state(const struct http_request *request)
{
	return request->state;
}

char *http_unescape(const char *text, size_t bytes)
{
	char *copy = strndup(text, bytes);
	size_t length;

	if (!copy)
		return NULL;
	length = MHD_http_unescape(copy);
	if (strlen(copy) == length)
		return copy;
	free(copy);
	return NULL;
}
