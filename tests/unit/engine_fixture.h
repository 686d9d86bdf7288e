/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine host in a thread of its own, around an engine that only remembers, and the other end
 * of its socket. Threading: the fixture's functions from the test's thread.
 */
#ifndef PEERTAG_TESTS_ENGINE_FIXTURE_H
#define PEERTAG_TESTS_ENGINE_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include <peertag/engine.h>

#define CAPACITY	4
#define LATENCY_SLOTS	3
#define LATENCY_LANES	2
#define COUNTERS_OFFSET 4096 /* of the lane in the memfd; before it is something else */
#define SEALS		(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* An engine in another thread, and the folder it lives in. */
struct fixture {
	char folder[64];
	char socket[96];
	char kept[96];
	sd_event *loop;
	pthread_t thread;
	int quit; /* eventfd: ends the loop */
	int hold; /* eventfd: a publish waits for it while `holding` */
	bool holding;
	int counters; /* memfd */
	int latency;  /* likewise */
	struct pt_engine_set set;
	__u64 published;
	__u32 port_slot;
	__u32 worker_count;
	struct pt_engine_worker workers[PT_WORKERS_MAX];
};

/* For cmocka: a started fixture is the state. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Its counters begin anew, at 0. Not while it runs. */
void fixture_make_counters(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);

/* Each fails the test where it does not succeed. */
int fixture_connect(const struct fixture *fixture);
struct pt_engine_reply fixture_receive(int fd, int *ret_fds);

/* As pt_engine_send(), with at most one descriptor. */
int fixture_send(int fd, const void *message, size_t bytes, int passed);
struct pt_engine_reply fixture_ask(int fd, struct pt_engine_request request, int passed);
int fixture_snapshot_fd(const void *bytes, size_t count, unsigned int seals);
/* Without a rule or a class; to be freed by free(). */
struct pt_snapshot *fixture_snapshot(__u64 generation);
int fixture_snapshot_of(__u64 generation);
int fixture_publish(int fd, int snapshot);

#endif
