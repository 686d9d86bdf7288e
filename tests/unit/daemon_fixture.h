/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All of peertagd but its main(), in this process, with the engine of engine_fixture.h under the
 * name "fixture". Its event loop runs only inside of the functions below, one step after the other,
 * so that a test sees what a client could see between any two of them.
 *
 * Threading: the test's thread.
 */
#ifndef PEERTAG_TESTS_DAEMON_FIXTURE_H
#define PEERTAG_TESTS_DAEMON_FIXTURE_H

#include "daemon/service.h"
#include "engine_fixture.h"

/* A registration. */
#define CONTOSO                                                                                    \
	"{\"name\":\"contoso\",\"partner\":\"Lumen\",\"country\":\"GB\","                          \
	"\"prefixes\":[\"203.0.113.0/24\"]}"

struct daemon {
	struct fixture *engine;
	struct pt_config *config;
	struct service service;
};

/* For cmocka: a daemon whose engine is up is the state. */
int daemon_setup(void **state);
int daemon_teardown(void **state);

/* Ends the daemon and starts it anew; the engine runs on. */
void daemon_restart(struct daemon *daemon);

const struct engine *daemon_engine(const struct daemon *daemon);

/* One step of its loop, at most 10 ms. */
void daemon_step(struct daemon *daemon);
void daemon_run_for(struct daemon *daemon, unsigned int ms);
/* Until `holds` does; the test fails where that takes seconds. */
void daemon_wait(struct daemon *daemon, bool (*holds)(const struct daemon *daemon));
bool daemon_is_ready(const struct daemon *daemon);
bool daemon_engine_is_up(const struct daemon *daemon);
bool daemon_engine_is_down(const struct daemon *daemon);

/* Asks over the unix socket; the answer's body, to be freed. `accept` may be NULL. */
char *daemon_get(struct daemon *daemon, const char *path, const char *accept);
/* Posts, and waits for the answer, which is no error; or only posts: the connection, to be closed.
 */
void daemon_post(struct daemon *daemon, const char *path, const char *document);
int daemon_post_only(struct daemon *daemon, const char *path, const char *document);

/* A connection that listens to events; what came on it since the last time, to be freed. */
int daemon_listen(struct daemon *daemon);
char *daemon_heard(int listener);

void assert_has(const char *text, const char *part);

#endif
