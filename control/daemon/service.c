/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"
#include "alerting.h"
#include "api.h"
#include "log.h"
#include "status.h"

#include "../registry/compile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define MEET_US	     1000000
#define MEET_STEP_US 10000

/* What was last said of an engine, so that nothing is said twice. */
struct engine_note {
	bool up;
	uint64_t generation;
	char failure[256];
	struct pt_engine_status status; /* without workers while it is down */
};

static void tell_engine(struct service *service, const struct engine *engine)
{
	events_emit(service->events, "engine",
		    json_pack("{s:s,s:b,s:I,s:I,s:s}", "engine", engine->name, "up", engine->up,
			      "generation", (json_int_t)engine->held.set.generation,
			      "desired_generation", (json_int_t)engines_desired(service->engines),
			      "error", engine->failure));
	if (engine->failure[0])
		log_error("engine %s: %s", engine->name, engine->failure);
	else if (engines_current(service->engines, engine))
		log_notice("engine %s runs generation %llu", engine->name,
			   (unsigned long long)engine->held.set.generation);
}

static void tell_ports(struct service *service, const struct engine *engine,
		       const struct pt_engine_status *told)
{
	for (size_t i = 0; i < engine->status.port_count; i++) {
		const struct pt_engine_port *port = &engine->status.ports[i];

		if (i < told->port_count && !engine_port_differs(port, &told->ports[i]))
			continue;
		events_emit(service->events, "port",
			    json_pack("{s:s,s:s,s:b,s:s}", "engine", engine->name, "port",
				      port->name, "up", port->up, "mode", port->mode));
	}
}

static void tell_worker(struct service *service, const struct engine *engine,
			const struct pt_engine_worker *worker)
{
	events_emit(service->events, "worker",
		    json_pack("{s:s,s:I,s:o,s:b}", "engine", engine->name, "lcore",
			      (json_int_t)worker->lcore, "queues",
			      status_queues_json(worker->queues), "stuck", worker->stuck != 0));
	if (worker->stuck)
		log_error("engine %s: the worker on lcore %u is stuck: nobody serves %s",
			  engine->name, worker->lcore, worker->queues);
	else
		log_notice("engine %s: the worker on lcore %u goes on", engine->name,
			   worker->lcore);
}

/* A worker that does its work is not worth a word, unless it was stuck before. */
static void tell_workers(struct service *service, const struct engine *engine,
			 const struct pt_engine_status *told)
{
	for (size_t i = 0; i < engine->status.worker_count; i++) {
		const struct pt_engine_worker *worker = &engine->status.workers[i];
		bool was_stuck = i < told->worker_count && told->workers[i].stuck;

		if (!worker->stuck != !was_stuck)
			tell_worker(service, engine, worker);
	}
}

static void tell_status(struct service *service, const struct engine *engine,
			struct pt_engine_status *told)
{
	tell_ports(service, engine, told);
	if (engine->up)
		tell_workers(service, engine, told);
	*told = engine->status;
	if (!engine->up)
		told->worker_count = 0;
}

static void tell_ready(struct service *service)
{
	bool ready = engines_ready(service->engines);

	if (ready == service->ready)
		return;
	service->ready = ready;
	events_emit(service->events, "ready", json_pack("{s:b}", "ready", ready));
}

static struct engine_note *engine_note(struct service *service, const struct engine *engine)
{
	for (size_t i = 0; i < engines_count(service->engines); i++)
		if (engines_at(service->engines, i) == engine)
			return &service->notes[i];
	return NULL;
}

static void engine_changed(void *closure, const struct engine *engine)
{
	struct service *service = closure;
	struct engine_note *note = service->notes ? engine_note(service, engine) : NULL;

	if (!note)
		return;
	latency_engine_changed(service->latency, engine);
	registry_set_table_room(service->registry, engines_table_room(service->engines));
	if (note->up != engine->up || note->generation != engine->held.set.generation ||
	    strcmp(note->failure, engine->failure)) {
		note->up = engine->up;
		note->generation = engine->held.set.generation;
		snprintf(note->failure, sizeof(note->failure), "%s", engine->failure);
		tell_engine(service, engine);
		tell_ready(service);
	}
	tell_status(service, engine, &note->status);
}

struct acknowledgement {
	struct job job;
	struct registry *registry;
	uint64_t generation;
	struct error error;
	bool failed;
};

static void acknowledgement_run(struct job *job)
{
	struct acknowledgement *acknowledgement = (struct acknowledgement *)job;

	acknowledgement->failed = !registry_acknowledged(
		acknowledgement->registry, acknowledgement->generation, &acknowledgement->error);
}

static void acknowledgement_done(struct job *job)
{
	struct acknowledgement *acknowledgement = (struct acknowledgement *)job;

	if (acknowledgement->failed)
		log_error("%s", acknowledgement->error.message);
	free(job);
}

static void engines_acknowledged(void *closure, uint64_t generation)
{
	struct service *service = closure;
	struct acknowledgement *acknowledgement = calloc(1, sizeof(*acknowledgement));

	if (!acknowledgement)
		return; /* the next generation says it again */
	acknowledgement->job.run = acknowledgement_run;
	acknowledgement->job.done = acknowledgement_done;
	acknowledgement->registry = service->registry;
	acknowledgement->generation = generation;
	writer_submit(service->writer, &acknowledgement->job);
}

void service_publish(struct service *service, struct view *view, int fd)
{
	view_unref(service->view);
	service->view = view;
	latency_set_view(service->latency, view);
	engines_publish(service->engines, view, fd);
	tell_ready(service);
}

/* The set that was current when the last daemon ended; an engine that holds it is left alone. */
static int service_publish_first(struct service *service)
{
	struct view *view = registry_view(service->registry);
	int fd = compiled_memfd(view->compiled);

	if (fd < 0) {
		view_unref(view);
		log_error("cannot hand over the registry's snapshot: %s", strerror(-fd));
		return fd;
	}
	service_publish(service, view, fd);
	return 0;
}

static int service_open_registry(struct service *service)
{
	struct error error;

	service->settings = (struct registry_settings){
		.policy = policy_from_config(service->config),
		.tag = service->config->tag,
	};
	service->registry = registry_open(service->config->registry, &service->settings, &error);
	if (service->registry)
		return 0;
	log_error("%s%s%s", error.message, error.hint[0] ? ": " : "", error.hint);
	return -EIO;
}

static void engine_publishing(void *closure, const struct engine *engine)
{
	struct service *service = closure;

	latency_engine_publishing(service->latency, engine);
}

/* No figures: those are read where they are kept. */
static void window_ended(void *closure, size_t published, size_t withheld)
{
	struct service *service = closure;

	events_emit(service->events, "latency",
		    json_pack("{s:I,s:I}", "published", (json_int_t)published, "withheld",
			      (json_int_t)withheld));
}

static void window_closed(void *closure, const struct connection *connection, double p90_seconds)
{
	struct service *service = closure;

	if (service->alerting)
		alerts_latency(alerting_alerts(service->alerting), connection, p90_seconds);
}

static int service_start_latency(struct service *service)
{
	struct latency_observer observer = {window_closed, window_ended, service};
	int r = latency_new(service->loop, service->config, service->engines, &observer,
			    &service->latency);

	if (r < 0)
		log_error("cannot set up the measurement of latency: %s", strerror(-r));
	return r;
}

static int service_start_engines(struct service *service)
{
	struct engines_observer observer = {engine_publishing, engine_changed, engines_acknowledged,
					    service};
	int r = engines_new(service->loop, service->config, &observer, &service->engines);

	if (r < 0) {
		log_error("cannot set up the engines: %s", strerror(-r));
		return r;
	}
	r = service_start_latency(service);
	if (r < 0)
		return r;
	service->notes = calloc(engines_count(service->engines) + 1, sizeof(*service->notes));
	return service->notes ? service_publish_first(service) : -ENOMEM;
}

/*
 * Nobody is answered before the engines that are there have been met: a scrape in between would
 * find every counter at 0, which was more before control was started anew.
 */
static int service_meet_engines(struct service *service)
{
	uint64_t now, deadline;
	int r = sd_event_now(service->loop, CLOCK_MONOTONIC, &now);

	deadline = now + MEET_US;
	while (r >= 0 && now < deadline && !engines_met(service->engines)) {
		r = sd_event_run(service->loop, MEET_STEP_US);
		sd_event_now(service->loop, CLOCK_MONOTONIC, &now);
	}
	return r < 0 ? r : 0;
}

int service_start(struct service *service)
{
	struct error error;
	int r = service_open_registry(service);

	if (r == 0)
		r = writer_new(service->loop, &service->writer);
	if (r == 0)
		r = events_new(service->loop, &service->events);
	if (r == 0)
		r = service_start_engines(service);
	if (r == 0)
		r = service_meet_engines(service);
	if (r == 0)
		r = alerting_new(service, &service->alerting);
	if (r < 0)
		return r;

	struct http_handler handler = api_handler;

	handler.closure = service;
	r = http_new(service->loop, service->config, &handler, &service->http, &error);
	if (r < 0)
		log_error("%s%s%s", error.message, error.hint[0] ? ": " : "", error.hint);
	return r;
}

/* Requests that wait are answered first, then those who answer them go. */
void service_stop(struct service *service)
{
	writer_free(service->writer);
	engines_free(service->engines);
	alerting_free(service->alerting);
	http_free(service->http);
	latency_free(service->latency);
	events_free(service->events);
	view_unref(service->view);
	registry_close(service->registry);
	free(service->notes);
}

static int stop_asked(sd_event_source *source, const struct signalfd_siginfo *siginfo,
		      void *userdata)
{
	(void)siginfo;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

int service_run(struct service *service)
{
	static const int signals[] = {SIGINT, SIGTERM};
	int r;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		r = sd_event_add_signal(service->loop, NULL, signals[i], stop_asked, NULL);
		if (r < 0)
			return r;
	}
	sd_event_set_watchdog(service->loop, true);
	sd_notify(false, "READY=1");
	log_notice("%zu connections, revision %llu, API on %s", service->view->by_name.count,
		   (unsigned long long)service->view->revision, service->config->api);
	return sd_event_loop(service->loop);
}
