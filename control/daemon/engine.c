/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"
#include "engine_publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_US	  250000
#define ANSWER_US 5000000

static const struct pt_engine_request status_question = {.verb = PT_ENGINE_STATUS};

struct engine_call {
	TAILQ_ENTRY(engine_call) link;
	struct pt_engine_request request;
	engine_answer *answer;
	void *closure;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void engine_down(struct engine *engine, const char *why)
{
	struct engine_calls lost = TAILQ_HEAD_INITIALIZER(lost);
	struct engine_call *call;
	bool was_up = engine->up;

	engine->io = sd_event_source_disable_unref(engine->io);
	if (engine->socket >= 0)
		close(engine->socket);
	engine->socket = -1;
	engine->up = false;
	engine->waiting = false;
	publish_end(engine);
	pt_engine_unmap_counters(&engine->opened_counters);
	pt_engine_unmap_latency(&engine->opened_latency);
	snprintf(engine->failure, sizeof(engine->failure), "%s", why);

	TAILQ_CONCAT(&lost, &engine->calls, link);
	while ((call = TAILQ_FIRST(&lost))) {
		TAILQ_REMOVE(&lost, call, link);
		if (call->answer)
			call->answer(call->closure, NULL);
		free(call);
	}
	if (was_up)
		engine->owner->changed(engine);
}

/* One request is on its way at a time: the first of the calls. */
static void engine_pump(struct engine *engine)
{
	struct engine_call *call = TAILQ_FIRST(&engine->calls);

	if (!call || engine->waiting)
		return;
	engine->waiting = true;
	engine->asked_us = now_us();
	if (pt_engine_send(engine->socket, &call->request, sizeof(call->request), NULL) < 0)
		engine_down(engine, "cannot send to the engine");
}

static int engine_call(struct engine *engine, const struct pt_engine_request *request,
		       engine_answer *answer, void *closure)
{
	struct engine_call *call;

	if (engine->socket < 0)
		return -ENOTCONN;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->request = *request;
	call->request.abi = PT_ENGINE_ABI;
	call->answer = answer;
	call->closure = closure;
	TAILQ_INSERT_TAIL(&engine->calls, call, link);
	engine_pump(engine);
	return 0;
}

/* Where it holds no set now, the last one that we know of still says whose the counters are: no
 * index of that one has gone to another connection since. */
void engine_hold(struct engine *engine, const struct pt_engine_open *open)
{
	engine->held = *open;
	/* Texts came from another process: their ends are made sure of. */
	engine->held.kind[sizeof(engine->held.kind) - 1] = '\0';
	engine->held.table[sizeof(engine->held.table) - 1] = '\0';
	if (engine->held.set.generation)
		engine->counted = engine->held.set;
}

/*
 * What OPEN tells counts for nothing before STATUS is there: a port's counters are found by the
 * slot that STATUS gives it, so the two are taken up together or not at all.
 */
static void engine_opened(struct engine *engine, const struct pt_engine_reply *reply,
			  const int *fds)
{
	if (reply->error < 0) {
		engine_down(engine, reply->text);
		return;
	}
	if (pt_engine_map_counters(fds[PT_ENGINE_FD_COUNTERS], &reply->open,
				   &engine->opened_counters) < 0 ||
	    pt_engine_map_latency(fds[PT_ENGINE_FD_LATENCY], &reply->open,
				  &engine->opened_latency) < 0) {
		engine_down(engine, "the engine's counters cannot be mapped");
		return;
	}
	engine->opened = reply->open;
	if (engine_call(engine, &status_question, NULL, NULL) < 0)
		engine_down(engine, "out of memory");
}

/* The counters of a restarted engine come by another descriptor, but go on where they were. */
static void engine_take_up(struct engine *engine)
{
	pt_engine_unmap_counters(&engine->counters);
	engine->counters = engine->opened_counters;
	engine->opened_counters = (struct pt_counters){};
	pt_engine_unmap_latency(&engine->latency);
	engine->latency = engine->opened_latency;
	engine->opened_latency = (struct pt_latency){};
	engine_hold(engine, &engine->opened);
	engine->up = true;
	engine->failure[0] = '\0';
	engine->refused_generation = 0;
	engine->retry_us = 0;
}

bool engine_port_differs(const struct pt_engine_port *a, const struct pt_engine_port *b)
{
	return a->up != b->up || strcmp(a->mode, b->mode) || strcmp(a->name, b->name);
}

/* Not by its figures: those differ whenever it is asked. */
static bool worker_differs(const struct pt_engine_worker *a, const struct pt_engine_worker *b)
{
	return a->lcore != b->lcore || !a->stuck != !b->stuck;
}

static bool status_differs(const struct pt_engine_status *a, const struct pt_engine_status *b)
{
	if (a->port_count != b->port_count || a->worker_count != b->worker_count)
		return true;
	for (uint32_t i = 0; i < a->port_count; i++)
		if (engine_port_differs(&a->ports[i], &b->ports[i]))
			return true;
	for (uint32_t i = 0; i < a->worker_count; i++)
		if (worker_differs(&a->workers[i], &b->workers[i]))
			return true;
	return false;
}

/* As in engine_hold(). */
static void terminate_texts(struct pt_engine_status *status)
{
	for (uint32_t i = 0; i < status->port_count; i++) {
		struct pt_engine_port *port = &status->ports[i];

		port->name[sizeof(port->name) - 1] = '\0';
		port->mode[sizeof(port->mode) - 1] = '\0';
		port->driver[sizeof(port->driver) - 1] = '\0';
	}
	for (uint32_t i = 0; i < status->worker_count; i++) {
		struct pt_engine_worker *worker = &status->workers[i];

		worker->queues[sizeof(worker->queues) - 1] = '\0';
	}
}

static bool status_fits(const struct pt_engine_status *status)
{
	return status->port_count <= PT_PORTS_MAX && status->worker_count <= PT_WORKERS_MAX;
}

static void engine_told_status(struct engine *engine, const struct pt_engine_reply *reply)
{
	struct pt_engine_status status = reply->status;
	bool opening = !engine->up;
	bool differs;

	if (reply->error < 0 || !status_fits(&status)) {
		if (opening)
			engine_down(engine, "the engine does not tell its status");
		return;
	}
	terminate_texts(&status);
	differs = status_differs(&engine->status, &status);
	engine->status = status;
	if (opening)
		engine_take_up(engine);
	if (opening || differs)
		engine->owner->changed(engine);
	if (opening)
		engine_offer(engine);
}

static void engine_answered(struct engine *engine, const struct pt_engine_reply *reply,
			    const int *fds)
{
	struct engine_call *call = TAILQ_FIRST(&engine->calls);
	uint32_t verb = call->request.verb;

	TAILQ_REMOVE(&engine->calls, call, link);
	engine->waiting = false;
	if (verb == PT_ENGINE_OPEN)
		engine_opened(engine, reply, fds);
	else if (verb == PT_ENGINE_STATUS)
		engine_told_status(engine, reply);
	if (call->answer)
		call->answer(call->closure, reply);
	free(call);
	engine_pump(engine);
}

static bool reply_fits(struct engine *engine, struct pt_engine_reply *reply)
{
	struct engine_call *call = TAILQ_FIRST(&engine->calls);

	reply->text[sizeof(reply->text) - 1] = '\0';
	return call && reply->abi == PT_ENGINE_ABI && reply->verb == call->request.verb;
}

static int engine_readable(sd_event_source *source, int socket, uint32_t events, void *userdata)
{
	struct engine *engine = userdata;
	struct pt_engine_reply reply;
	int fds[PT_ENGINE_FDS] = {-1, -1};
	int r = pt_engine_receive(socket, &reply, sizeof(reply), fds);

	(void)source;
	(void)events;
	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		engine_down(engine, "the engine closed its socket: is it running?");
	else if (!reply_fits(engine, &reply))
		engine_down(engine, "the engine speaks another version of the protocol");
	else
		engine_answered(engine, &reply, fds);
	pt_engine_close_fds(fds);
	return 0;
}

static void engine_absent(struct engine *engine, int error)
{
	char failure[sizeof(engine->failure)];

	snprintf(failure, sizeof(failure), "cannot connect to %s: %s", engine->path,
		 strerror(error));
	if (!strcmp(failure, engine->failure))
		return;
	memcpy(engine->failure, failure, sizeof(failure));
	engine->owner->changed(engine);
}

static void engine_connect(struct engine *engine)
{
	struct pt_engine_request open = {.verb = PT_ENGINE_OPEN};
	int socket = pt_engine_connect(engine->path);

	if (socket < 0) {
		engine_absent(engine, -socket);
		return;
	}
	engine->socket = socket;
	if (sd_event_add_io(engine->loop, &engine->io, socket, EPOLLIN, engine_readable, engine) <
	    0) {
		engine_down(engine, "out of memory");
		return;
	}
	engine_call(engine, &open, NULL, NULL);
}

/* One that hangs is as good as gone: those who ask must not wait for it, nor queue up. */
static bool engine_hangs(const struct engine *engine)
{
	return engine->waiting && now_us() - engine->asked_us > ANSWER_US;
}

static int engine_tick(sd_event_source *timer, uint64_t usec, void *userdata)
{
	struct engine *engine = userdata;

	(void)usec;
	if (engine_hangs(engine))
		engine_down(engine, "the engine does not answer: does it hang?");
	else if (engine->socket < 0)
		engine_connect(engine);
	else if (engine->up && TAILQ_EMPTY(&engine->calls))
		engine_ask(engine, &status_question, NULL, NULL);
	engine_offer(engine);

	sd_event_source_set_time_relative(timer, TICK_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

int engine_start(struct engine *engine, sd_event *loop, const char *name, const char *path,
		 const struct engine_owner *owner, void *closure)
{
	*engine = (struct engine){
		.owner = owner,
		.closure = closure,
		.name = name,
		.loop = loop,
		.socket = -1,
		.publish_socket = -1,
	};
	TAILQ_INIT(&engine->calls);
	snprintf(engine->path, sizeof(engine->path), "%s", path);
	return sd_event_add_time_relative(loop, &engine->timer, CLOCK_MONOTONIC, 0, 1000,
					  engine_tick, engine);
}

void engine_stop(struct engine *engine)
{
	engine->timer = sd_event_source_disable_unref(engine->timer);
	engine->up = false;
	engine_down(engine, "stopping");
	pt_engine_unmap_counters(&engine->counters);
	pt_engine_unmap_latency(&engine->latency);
}

int engine_ask(struct engine *engine, const struct pt_engine_request *question,
	       engine_answer *answer, void *closure)
{
	return engine->up ? engine_call(engine, question, answer, closure) : -ENOTCONN;
}
