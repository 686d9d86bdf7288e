/* SPDX-License-Identifier: BSD-3-Clause */
#include "engines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US 1000000 /* with an engine that is asked something */

struct wait {
	LIST_ENTRY(wait) link;
	struct engines *engines;
	uint64_t generation;
	sd_event_source *deadline;
	void (*settled)(void *closure);
	void *closure;
};

struct engines {
	sd_event *loop;
	struct engines_observer observer;
	struct pt_engine_set desired;
	int desired_fd; /* -1: nothing to publish yet */
	uint64_t acknowledged;
	LIST_HEAD(, wait) waits;
	size_t count;
	struct engine engines[];
};

static int engines_tell_desired(struct engine *engine, struct pt_engine_set *ret_set)
{
	struct engines *engines = engine->closure;

	*ret_set = engines->desired;
	return engines->desired_fd;
}

/* Whether the set is one of this registry, of `generation` or later. */
static bool set_is_since(const struct engines *engines, const struct pt_engine_set *set,
			 uint64_t generation)
{
	return !memcmp(set->registry, engines->desired.registry, sizeof(set->registry)) &&
	       set->generation >= generation && set->generation <= engines->desired.generation;
}

static bool engine_holds(const struct engines *engines, const struct engine *engine,
			 uint64_t generation)
{
	return set_is_since(engines, &engine->held.set, generation);
}

static bool engines_settled(const struct engines *engines, uint64_t generation)
{
	for (size_t i = 0; i < engines->count; i++) {
		const struct engine *engine = &engines->engines[i];

		if (engine->up && !engine_holds(engines, engine, generation) &&
		    engine->refused_generation < generation)
			return false;
	}
	return true;
}

static void wait_finish(struct wait *wait)
{
	LIST_REMOVE(wait, link);
	sd_event_source_disable_unref(wait->deadline);
	wait->settled(wait->closure);
	free(wait);
}

static int wait_expired(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	wait_finish(userdata);
	return 0;
}

static void engines_release_waits(struct engines *engines)
{
	struct wait *wait = LIST_FIRST(&engines->waits);

	while (wait) {
		struct wait *next = LIST_NEXT(wait, link);

		if (engines_settled(engines, wait->generation))
			wait_finish(wait);
		wait = next;
	}
}

static void engines_note_acknowledged(struct engines *engines)
{
	uint64_t lowest = engines->desired.generation;

	for (size_t i = 0; i < engines->count; i++) {
		if (!engine_holds(engines, &engines->engines[i], 1))
			return;
		if (engines->engines[i].held.set.generation < lowest)
			lowest = engines->engines[i].held.set.generation;
	}
	if (lowest <= engines->acknowledged)
		return;
	engines->acknowledged = lowest;
	engines->observer.acknowledged(engines->observer.closure, lowest);
}

static void engines_changed(struct engine *engine)
{
	struct engines *engines = engine->closure;

	engines->observer.changed(engines->observer.closure, engine);
	engines_note_acknowledged(engines);
	engines_release_waits(engines);
}

static void engines_publishing(struct engine *engine)
{
	struct engines *engines = engine->closure;

	engines->observer.publishing(engines->observer.closure, engine);
}

static const struct engine_owner owner = {
	.desired = engines_tell_desired,
	.publishing = engines_publishing,
	.changed = engines_changed,
};

int engines_new(sd_event *loop, const struct pt_config *config,
		const struct engines_observer *observer, struct engines **ret_engines)
{
	struct engines *engines =
		calloc(1, sizeof(*engines) + config->engine_count * sizeof(struct engine));
	char path[108];
	int r;

	if (!engines)
		return -ENOMEM;
	engines->loop = loop;
	engines->observer = *observer;
	engines->desired_fd = -1;
	LIST_INIT(&engines->waits);

	for (size_t i = 0; i < config->engine_count; i++) {
		const char *name = config->engines[i].name;

		r = pt_config_engine_socket(config, name, path, sizeof(path));
		if (r == 0)
			r = engine_start(&engines->engines[i], loop, name, path, &owner, engines);
		if (r < 0) {
			engines_free(engines);
			return r;
		}
		engines->count++;
	}
	*ret_engines = engines;
	return 0;
}

void engines_free(struct engines *engines)
{
	struct wait *wait;

	if (!engines)
		return;
	while ((wait = LIST_FIRST(&engines->waits)))
		wait_finish(wait);
	for (size_t i = 0; i < engines->count; i++)
		engine_stop(&engines->engines[i]);
	if (engines->desired_fd >= 0)
		close(engines->desired_fd);
	free(engines);
}

void engines_publish(struct engines *engines, const struct view *view, int fd)
{
	if (engines->desired_fd >= 0)
		close(engines->desired_fd);
	engines->desired_fd = fd;
	memcpy(engines->desired.registry, view->uuid, sizeof(engines->desired.registry));
	engines->desired.generation = view->generation;
	engines->desired.checksum = view->checksum;

	for (size_t i = 0; i < engines->count; i++)
		engine_offer(&engines->engines[i]);
	engines_note_acknowledged(engines);
}

size_t engines_count(const struct engines *engines)
{
	return engines->count;
}

const struct engine *engines_at(const struct engines *engines, size_t at)
{
	return &engines->engines[at];
}

uint64_t engines_table_room(const struct engines *engines)
{
	uint64_t least = 0;

	for (size_t i = 0; i < engines->count; i++) {
		uint64_t room = engines->engines[i].held.table_room;

		if (room && (!least || room < least))
			least = room;
	}
	return least;
}

uint64_t engines_desired(const struct engines *engines)
{
	return engines->desired.generation;
}

bool engines_current(const struct engines *engines, const struct engine *engine)
{
	return engine->up &&
	       !memcmp(&engine->held.set, &engines->desired, sizeof(engines->desired));
}

bool engines_ready(const struct engines *engines)
{
	if (engines->desired_fd < 0)
		return false;
	for (size_t i = 0; i < engines->count; i++)
		if (!engines_current(engines, &engines->engines[i]))
			return false;
	return true;
}

bool engines_met(const struct engines *engines)
{
	for (size_t i = 0; i < engines->count; i++)
		if (!engines->engines[i].up && !engines->engines[i].failure[0])
			return false;
	return true;
}

void engines_connection_counters(const struct engines *engines, const struct connection *connection,
				 struct pt_connection_counters *sum)
{
	for (size_t i = 0; i < engines->count; i++) {
		const struct engine *engine = &engines->engines[i];

		if (engine->counters.lanes && connection->counter < engine->counters.capacity &&
		    set_is_since(engines, &engine->counted, connection->since))
			pt_counters_connection(&engine->counters, connection->counter, sum);
	}
}

void engines_wait(struct engines *engines, uint64_t generation, uint64_t timeout_us,
		  void (*settled)(void *closure), void *closure)
{
	struct wait *wait = engines_settled(engines, generation) ? NULL : calloc(1, sizeof(*wait));

	if (!wait) {
		settled(closure);
		return;
	}
	wait->engines = engines;
	wait->generation = generation;
	wait->settled = settled;
	wait->closure = closure;
	LIST_INSERT_HEAD(&engines->waits, wait, link);
	sd_event_add_time_relative(engines->loop, &wait->deadline, CLOCK_MONOTONIC, timeout_us,
				   1000, wait_expired, wait);
}

/* A question that is under way to one engine. */
struct asked {
	struct round *round;
	const struct engine *engine;
};

/* A question that is under way. */
struct round {
	struct engines_question question;
	sd_event_source *deadline;
	unsigned pending; /* engines that have not answered, and one for who asks them */
	bool done;
	struct asked asked[];
};

static void round_finish(struct round *round)
{
	if (round->done)
		return;
	round->done = true;
	round->deadline = sd_event_source_disable_unref(round->deadline);
	round->question.done(round->question.closure);
}

static int round_expired(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	round_finish(userdata);
	return 0;
}

/* One answer fewer to wait for. */
static void round_release(struct round *round)
{
	if (--round->pending)
		return;
	round_finish(round);
	free(round);
}

static void round_answered(void *closure, const struct pt_engine_reply *reply)
{
	const struct asked *asked = closure;
	struct round *round = asked->round;
	const struct engines_question *question = &round->question;

	if (!round->done && question->told && reply && reply->error == 0)
		question->told(question->closure, asked->engine, reply);
	round_release(round);
}

void engines_ask(struct engines *engines, const struct engines_question *question)
{
	struct round *round = calloc(1, sizeof(*round) + engines->count * sizeof(struct asked));

	if (!round) {
		question->done(question->closure);
		return;
	}
	round->question = *question;
	round->pending = 1; /* ours, so that an early answer does not finish it */
	sd_event_add_time_relative(engines->loop, &round->deadline, CLOCK_MONOTONIC, PATIENCE_US,
				   1000, round_expired, round);
	for (size_t i = 0; i < engines->count; i++) {
		struct engine *engine = &engines->engines[i];

		round->asked[i] = (struct asked){round, engine};
		round->pending++;
		if (engine_ask(engine, &round->question.request, round_answered, &round->asked[i]) <
		    0)
			round->pending--;
	}
	round_release(round);
}
