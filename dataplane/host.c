/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "kept.h"
#include "publisher.h"

#define CLIENTS_MAX 32

struct client {
	struct host *host;
	sd_event_source *source; /* owns the socket */
	int socket;
	int snapshot_fd; /* waits for the publisher; -1: none */
	TAILQ_ENTRY(client) link;
};

struct host {
	sd_event *loop;
	char *socket_path;
	char *kept_path;
	int socket;
	sd_event_source *source;
	const struct host_engine *functions;
	void *engine;
	struct pt_engine_open held; /* as of the last publish: never half of one */
	int fds[PT_ENGINE_FDS];	    /* of the counters and the round-trip times */
	struct publisher *publisher;
	struct client *publishing; /* who waits for the running publish; NULL: it left */
	unsigned int client_count;
	TAILQ_HEAD(, client) clients;
};

static void client_free(struct client *client)
{
	struct host *host = client->host;

	if (host->publishing == client)
		host->publishing = NULL;
	TAILQ_REMOVE(&host->clients, client, link);
	host->client_count--;
	if (client->snapshot_fd >= 0)
		close(client->snapshot_fd);
	sd_event_source_disable_unref(client->source);
	free(client);
}

/* A client that does not take its reply is let go: it would get the next one for this one. */
static void client_reply(struct client *client, struct pt_engine_reply *reply, const int *fds)
{
	reply->abi = PT_ENGINE_ABI;
	if (pt_engine_send(client->socket, reply, sizeof(*reply), fds))
		client_free(client);
}

static void client_refuse(struct client *client, __u32 verb, int error, const char *text)
{
	struct pt_engine_reply reply = {.verb = verb, .error = error};

	snprintf(reply.text, sizeof(reply.text), "%s", text);
	client_reply(client, &reply, NULL);
}

static void client_open(struct client *client)
{
	struct pt_engine_reply reply = {.verb = PT_ENGINE_OPEN, .open = client->host->held};

	client_reply(client, &reply, client->host->fds);
}

static void client_status(struct client *client)
{
	struct host *host = client->host;
	struct pt_engine_reply reply = {.verb = PT_ENGINE_STATUS};

	reply.status.set = host->held.set;
	reply.status.table_bytes = host->held.table_bytes;
	host->functions->status(host->engine, &reply.status);
	client_reply(client, &reply, NULL);
}

static void client_lookup(struct client *client, const struct pt_engine_request *request)
{
	struct host *host = client->host;
	struct pt_engine_reply reply = {.verb = PT_ENGINE_LOOKUP};
	int error;

	if (request->family != 4 && request->family != 6) {
		client_refuse(client, request->verb, -EINVAL, "a lookup's family is 4 or 6");
		return;
	}
	error = host->functions->lookup(host->engine, request->family == 4 ? PT_IPV4 : PT_IPV6,
					request->addr, &reply.lookup);
	if (error)
		client_refuse(client, request->verb, error, "cannot look the address up");
	else
		client_reply(client, &reply, NULL);
}

/* One publish at a time; a client is not listened to before it has its answer. */
static void client_publish(struct client *client, int snapshot_fd)
{
	struct host *host = client->host;
	int error;

	if (publisher_busy(host->publisher)) {
		client->snapshot_fd = snapshot_fd;
		sd_event_source_set_enabled(client->source, SD_EVENT_OFF);
		return;
	}
	error = publisher_start(host->publisher, snapshot_fd);
	if (error) {
		close(snapshot_fd);
		client_refuse(client, PT_ENGINE_PUBLISH, error, "cannot start a thread to publish");
		return;
	}
	host->publishing = client;
	sd_event_source_set_enabled(client->source, SD_EVENT_OFF);
}

/* Takes the snapshot out of fds, where it is one. */
static void client_request(struct client *client, const struct pt_engine_request *request, int *fds)
{
	int fd = fds[PT_ENGINE_FD_SNAPSHOT];

	if (request->abi == PT_ENGINE_ABI && request->verb == PT_ENGINE_PUBLISH && fd >= 0) {
		fds[PT_ENGINE_FD_SNAPSHOT] = -1;
		client_publish(client, fd);
		return;
	}
	if (request->abi != PT_ENGINE_ABI) {
		client_refuse(client, request->verb, -EPROTONOSUPPORT,
			      "the engine is of another version of peertag");
		return;
	}

	switch (request->verb) {
	case PT_ENGINE_OPEN:
		client_open(client);
		break;
	case PT_ENGINE_PUBLISH:
		client_refuse(client, request->verb, -EBADMSG, "no snapshot came with the request");
		break;
	case PT_ENGINE_STATUS:
		client_status(client);
		break;
	case PT_ENGINE_LOOKUP:
		client_lookup(client, request);
		break;
	default:
		client_refuse(client, request->verb, -EOPNOTSUPP, "the engine has no such verb");
	}
}

static int client_on_readable(sd_event_source *source, int socket, uint32_t events, void *argument)
{
	struct client *client = argument;
	struct pt_engine_request request;
	int fds[PT_ENGINE_FDS] = {-1, -1};
	int error = pt_engine_receive(socket, &request, sizeof(request), fds);

	(void)source;
	(void)events;
	if (error == 0)
		client_request(client, &request, fds);
	else if (error == -EBADMSG)
		client_refuse(client, 0, error, "not a request: its length is another");
	else if (error != -EAGAIN)
		client_free(client);
	pt_engine_close_fds(fds);
	return 0;
}

static int client_new(struct host *host, int socket)
{
	struct client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	client->host = host;
	client->socket = socket;
	client->snapshot_fd = -1;
	error = sd_event_add_io(host->loop, &client->source, socket, EPOLLIN, client_on_readable,
				client);
	if (error < 0) {
		free(client);
		return error;
	}
	sd_event_source_set_io_fd_own(client->source, true);
	TAILQ_INSERT_TAIL(&host->clients, client, link);
	host->client_count++;
	return 0;
}

static int host_on_connect(sd_event_source *source, int socket, uint32_t events, void *argument)
{
	struct host *host = argument;
	int peer = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (peer >= 0 && (host->client_count >= CLIENTS_MAX || client_new(host, peer)))
		close(peer);
	return 0;
}

static void host_refresh(struct host *host)
{
	struct pt_engine_open held = {};

	host->functions->open(host->engine, &held, host->fds);
	host->held = held;
}

static void host_on_answered(void *argument, int result, const struct message *message)
{
	struct host *host = argument;
	struct client *client = host->publishing;
	struct pt_engine_reply reply = {.verb = PT_ENGINE_PUBLISH, .error = result};

	host_refresh(host);
	host->publishing = NULL;
	if (!client)
		return;
	reply.open = host->held;
	if (result)
		snprintf(reply.text, sizeof(reply.text), "%s", message->text);
	sd_event_source_set_enabled(client->source, SD_EVENT_ON);
	client_reply(client, &reply, NULL);
}

/* The next one who waits to publish. */
static void host_on_ended(void *argument)
{
	struct host *host = argument;
	struct client *client;
	int fd;

	TAILQ_FOREACH(client, &host->clients, link)
	{
		if (client->snapshot_fd < 0)
			continue;
		fd = client->snapshot_fd;
		client->snapshot_fd = -1;
		sd_event_source_set_enabled(client->source, SD_EVENT_ON);
		client_publish(client, fd);
		return;
	}
}

static const struct publisher_events host_events = {
	.answered = host_on_answered,
	.ended = host_on_ended,
};

int host_new(sd_event *loop, const char *socket_path, const char *kept_path, struct host **ret,
	     struct message *message)
{
	struct host *host = calloc(1, sizeof(*host));
	int error = host ? 0 : -ENOMEM;

	if (error)
		return message_set(message, error, "out of memory");
	TAILQ_INIT(&host->clients);
	host->loop = loop;
	host->fds[PT_ENGINE_FD_COUNTERS] = -1;
	host->fds[PT_ENGINE_FD_LATENCY] = -1;
	host->socket = pt_engine_listen(socket_path, 0660);
	if (host->socket < 0) {
		error = host->socket;
		host_free(host);
		return message_set(message, error, "cannot listen on %s: %s", socket_path,
				   error == -EADDRINUSE ? "another engine of this name is running"
							: strerror(-error));
	}
	host->socket_path = strdup(socket_path);
	host->kept_path = strdup(kept_path);
	if (host->socket_path && host->kept_path)
		error = publisher_new(loop, host->kept_path, &host_events, host, &host->publisher);
	else
		error = -ENOMEM;
	if (error) {
		host_free(host);
		return message_set(message, error, "cannot host the engine: %s", strerror(-error));
	}
	*ret = host;
	return 0;
}

static int kept_publish(struct host *host, struct message *message)
{
	void *image;
	size_t bytes;
	int error = kept_load(host->kept_path, &image, &bytes);

	if (error)
		return message_set(message, error, "cannot read it: %s", strerror(-error));
	return publisher_publish(host->publisher, image, bytes, message);
}

/* The set of before a reboot. Without one, or with a bad one, the engine waits for control. */
static void host_restore(struct host *host)
{
	struct message message;
	int error = kept_publish(host, &message);

	if (error && error != -ENOENT)
		fprintf(stderr, "warning: the kept snapshot %s is not used: %s\n", host->kept_path,
			message.text);
	host_refresh(host);
}

int host_start(struct host *host, const struct host_engine *functions, void *engine,
	       struct message *message)
{
	int error;

	host->functions = functions;
	host->engine = engine;
	host_refresh(host);
	publisher_set_engine(
		host->publisher, functions, engine,
		&(struct pt_snapshot_limits){host->held.capacity, host->held.latency_slots});
	if (host->held.set.generation == 0)
		host_restore(host);
	error = sd_event_add_io(host->loop, &host->source, host->socket, EPOLLIN, host_on_connect,
				host);
	return error < 0 ? message_set(message, error, "cannot wait for control: %s",
				       strerror(-error))
			 : 0;
}

void host_stop(struct host *host)
{
	if (host)
		publisher_stop(host->publisher);
}

void host_free(struct host *host)
{
	struct client *client;

	if (!host)
		return;
	publisher_free(host->publisher);
	while ((client = TAILQ_FIRST(&host->clients)))
		client_free(client);
	sd_event_source_disable_unref(host->source);
	if (host->socket >= 0)
		close(host->socket);
	if (host->socket_path)
		unlink(host->socket_path);
	free(host->socket_path);
	free(host->kept_path);
	free(host);
}
