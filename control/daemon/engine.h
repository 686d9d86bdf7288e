/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One engine as control sees it: a connection to its socket that is made again whenever it breaks,
 * what the engine says that it holds, and its counters, which stay readable while the process is
 * gone (they are the kernel's).
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_ENGINE_H
#define CONTROL_ENGINE_H

#include <peertag/engine.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

struct engine;

/* What the engines' keeper learns of, and gives. */
struct engine_owner {
	/* The set that the engine shall hold, and a memfd with it that stays the owner's; -1: none
	 * yet. */
	int (*desired)(struct engine *engine, struct pt_engine_set *ret_set);
	/* The desired set is on its way: from now on the engine may use it. */
	void (*publishing)(struct engine *engine);
	/* Up, down, holds another set, refused one, or a port or a worker changed. */
	void (*changed)(struct engine *engine);
};

TAILQ_HEAD(engine_calls, engine_call);

struct engine {
	const struct engine_owner *owner;
	void *closure; /* the owner's */
	const char *name;
	bool up;			/* connected, and it answered OPEN and STATUS */
	struct pt_engine_open held;	/* valid once seen; what it said last */
	struct pt_engine_set counted;	/* whose the counters are; see engine_hold() */
	struct pt_engine_status status; /* what it said last */
	struct pt_counters counters;	/* lanes NULL: never seen */
	struct pt_latency latency;	/* lanes NULL: never seen, or nothing is measured */
	char failure[256];	     /* why it is down or refused the desired set; "" if neither */
	uint64_t refused_generation; /* 0: none */
	uint64_t publish_failures;
	double publish_seconds; /* of the last publish that succeeded */

	/* Private to engine.c and engine_publish.c. */
	char path[108];
	sd_event *loop;
	sd_event_source *io;
	sd_event_source *timer;
	int socket;
	struct pt_engine_open opened; /* what OPEN told, until STATUS is there as well */
	struct pt_counters opened_counters;
	struct pt_latency opened_latency;
	bool waiting;	    /* for the answer to the first of the calls */
	uint64_t asked_us;  /* when that was sent */
	int publish_socket; /* -1: nothing is being published */
	sd_event_source *publish_io;
	uint64_t publishing; /* the generation that was sent and not answered; 0: none */
	uint64_t publish_started_us;
	uint64_t retry_us;
	struct engine_calls calls;
};

/* `reply` is NULL if the engine went away. */
typedef void engine_answer(void *closure, const struct pt_engine_reply *reply);

/* Starts connecting at once. `name` and `path` are copied by reference and by value. */
int engine_start(struct engine *engine, sd_event *loop, const char *name, const char *path,
		 const struct engine_owner *owner, void *closure);
void engine_stop(struct engine *engine);

/* The desired set changed: publish it unless the engine holds it. */
void engine_offer(struct engine *engine);

/* Whether an operator would want to hear of the difference. */
bool engine_port_differs(const struct pt_engine_port *a, const struct pt_engine_port *b);

/*
 * Asks STATUS, which also brings engine->status up to date, or LOOKUP. Returns -ENOTCONN if the
 * engine is down, and then `answer` is not called.
 */
int engine_ask(struct engine *engine, const struct pt_engine_request *question,
	       engine_answer *answer, void *closure);

#endif
