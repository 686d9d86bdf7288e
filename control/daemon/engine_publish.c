/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_REFUSED_US 5000000

static uint64_t now_us(const struct engine *engine)
{
	uint64_t now = 0;

	sd_event_now(engine->loop, CLOCK_MONOTONIC, &now);
	return now;
}

void publish_end(struct engine *engine)
{
	engine->publish_io = sd_event_source_disable_unref(engine->publish_io);
	if (engine->publish_socket >= 0)
		close(engine->publish_socket);
	engine->publish_socket = -1;
	engine->publishing = 0;
}

static void publish_refused(struct engine *engine, uint64_t generation, const char *why)
{
	engine->publish_failures++;
	engine->refused_generation = generation;
	engine->retry_us = now_us(engine) + RETRY_REFUSED_US;
	snprintf(engine->failure, sizeof(engine->failure), "%s", why);
	engine->owner->changed(engine);
}

static void publish_taken(struct engine *engine, const struct pt_engine_open *open)
{
	engine_hold(engine, open);
	engine->publish_seconds = (now_us(engine) - engine->publish_started_us) / 1e6;
	engine->refused_generation = 0;
	engine->failure[0] = '\0';
	engine->owner->changed(engine);
	engine_offer(engine);
}

/*
 * Without an answer the engine is about to go away, as the other connection will tell, or has too
 * many connections: the next tick offers again.
 */
static int publish_readable(sd_event_source *source, int socket, uint32_t events, void *userdata)
{
	struct engine *engine = userdata;
	uint64_t generation = engine->publishing;
	struct pt_engine_reply reply;
	int r = pt_engine_receive(socket, &reply, sizeof(reply), NULL);

	(void)source;
	(void)events;
	if (r == -EAGAIN)
		return 0;
	publish_end(engine);
	if (r < 0 || reply.abi != PT_ENGINE_ABI || reply.verb != PT_ENGINE_PUBLISH)
		return 0;
	reply.text[sizeof(reply.text) - 1] = '\0';
	if (reply.error < 0)
		publish_refused(engine, generation, reply.text);
	else
		publish_taken(engine, &reply.open);
	return 0;
}

/* Connects and sends; what fails here is tried again with the next tick. */
static void publish_begin(struct engine *engine, uint64_t generation, int fd)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_PUBLISH};
	const int fds[PT_ENGINE_FDS] = {fd, -1};

	engine->publish_socket = pt_engine_connect(engine->path);
	if (engine->publish_socket < 0)
		return;
	if (sd_event_add_io(engine->loop, &engine->publish_io, engine->publish_socket, EPOLLIN,
			    publish_readable, engine) < 0 ||
	    pt_engine_send(engine->publish_socket, &request, sizeof(request), fds) < 0) {
		publish_end(engine);
		return;
	}
	engine->publishing = generation;
	engine->publish_started_us = now_us(engine);
	engine->owner->publishing(engine);
}

void engine_offer(struct engine *engine)
{
	struct pt_engine_set desired;
	int fd = engine->up && !engine->publishing ? engine->owner->desired(engine, &desired) : -1;

	if (fd < 0 || !memcmp(&engine->held.set, &desired, sizeof(desired)))
		return;
	if (engine->refused_generation == desired.generation && now_us(engine) < engine->retry_us)
		return;
	publish_begin(engine, desired.generation, fd);
}
