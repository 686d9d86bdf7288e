/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <peertag/engine.h>

#include "engine_fixture.h"
#include "host.h"
#include "table/snapshot_build.h"

static void engine_open(void *engine, struct pt_engine_open *ret, int *ret_fds)
{
	const struct fixture *fixture = engine;

	ret->set = fixture->set;
	ret->capacity = CAPACITY;
	ret->lane_count = 1;
	ret->counters_offset = COUNTERS_OFFSET;
	ret->latency_slots = LATENCY_SLOTS;
	ret->latency_lanes = LATENCY_LANES;
	ret->latency_window_ms = 1000;
	ret_fds[PT_ENGINE_FD_COUNTERS] = fixture->counters;
	ret_fds[PT_ENGINE_FD_LATENCY] = fixture->latency;
}

static void engine_status(void *engine, struct pt_engine_status *ret)
{
	const struct fixture *fixture = engine;

	snprintf(ret->ports[0].name, sizeof(ret->ports[0].name), "port");
	ret->ports[0].slot = fixture->port_slot;
	ret->port_count = 1;
	ret->cycles_hz = 1000000000;
	ret->worker_count = fixture->worker_count;
	memcpy(ret->workers, fixture->workers, sizeof(ret->workers));
}

static int engine_lookup(void *engine, enum pt_family family, const __u8 *addr,
			 struct pt_engine_lookup *ret)
{
	(void)engine;
	ret->class = family == PT_IPV4 ? 4 : 6;
	ret->connection = addr[0];
	return 0;
}

static int engine_publish(void *engine, const struct pt_snapshot *snapshot, struct message *message)
{
	struct fixture *fixture = engine;
	eventfd_t value;

	if (fixture->holding)
		eventfd_read(fixture->hold, &value);
	if (snapshot->generation == 666)
		return message_set(message, -ENOMEM, "no room for 666");
	memcpy(fixture->set.registry, snapshot->registry, sizeof(fixture->set.registry));
	fixture->set.generation = snapshot->generation;
	fixture->set.checksum = snapshot->checksum;
	fixture->published++;
	return 0;
}

static void engine_settle(void *engine)
{
	(void)engine;
}

static const struct host_engine engine_functions = {
	.open = engine_open,
	.status = engine_status,
	.lookup = engine_lookup,
	.publish = engine_publish,
	.settle = engine_settle,
};

static int end_loop(sd_event_source *source, int fd, uint32_t events, void *argument)
{
	(void)fd;
	(void)events;
	(void)argument;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* Everything of the host in one thread, as in an engine. */
static void *fixture_run(void *argument)
{
	struct fixture *fixture = argument;
	struct message message = {};
	struct host *host;

	if (host_new(fixture->loop, fixture->socket, fixture->kept, &host, &message) ||
	    host_start(host, &engine_functions, fixture, &message))
		fprintf(stderr, "host: %s\n", message.text);
	else
		sd_event_loop(fixture->loop);
	host_stop(host);
	host_free(host);
	return NULL;
}

void fixture_make_counters(struct fixture *fixture)
{
	char before[COUNTERS_OFFSET];

	if (fixture->counters > 0)
		close(fixture->counters);
	fixture->counters = memfd_create("counters", MFD_CLOEXEC);
	memset(before, 0xff, sizeof(before));
	assert_int_equal(write(fixture->counters, before, sizeof(before)), sizeof(before));
	assert_int_equal(ftruncate(fixture->counters, COUNTERS_OFFSET + pt_lane_bytes(CAPACITY)),
			 0);
}

void fixture_start(struct fixture *fixture)
{
	assert_true(sd_event_new(&fixture->loop) >= 0);
	fixture->quit = eventfd(0, EFD_CLOEXEC);
	assert_true(sd_event_add_io(fixture->loop, NULL, fixture->quit, POLLIN, end_loop, NULL) >=
		    0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, fixture_run, fixture), 0);
}

void fixture_stop(struct fixture *fixture)
{
	eventfd_write(fixture->quit, 1);
	pthread_join(fixture->thread, NULL);
	sd_event_unref(fixture->loop);
	close(fixture->quit);
}

int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/peertag-protocol-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->socket, sizeof(fixture->socket), "%s/engine-fixture.sock",
		 fixture->folder);
	snprintf(fixture->kept, sizeof(fixture->kept), "%s/engine.snapshot", fixture->folder);
	fixture->hold = eventfd(0, EFD_CLOEXEC);
	fixture_make_counters(fixture);
	fixture->latency = memfd_create("latency", MFD_CLOEXEC);
	assert_int_equal(
		ftruncate(fixture->latency, LATENCY_LANES * pt_latency_lane_bytes(LATENCY_SLOTS)),
		0);
	fixture_start(fixture);
	*state = fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	/* A test that failed may have left a publish waiting. */
	eventfd_write(fixture->hold, 1);
	fixture_stop(fixture);
	close(fixture->counters);
	close(fixture->latency);
	close(fixture->hold);
	unlink(fixture->kept);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

/* The engine's thread may be a moment behind. */
int fixture_connect(const struct fixture *fixture)
{
	int fd = -ENOENT;

	for (int tries = 0; fd < 0 && tries < 500; tries++) {
		fd = pt_engine_connect(fixture->socket);
		if (fd < 0)
			usleep(10000);
	}
	assert_true(fd >= 0);
	return fd;
}

static void wait_readable(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poller, 1, 5000), 1);
}

struct pt_engine_reply fixture_receive(int fd, int *ret_fds)
{
	struct pt_engine_reply reply;

	wait_readable(fd);
	assert_int_equal(pt_engine_receive(fd, &reply, sizeof(reply), ret_fds), 0);
	assert_int_equal(reply.abi, PT_ENGINE_ABI);
	return reply;
}

int fixture_send(int fd, const void *message, size_t bytes, int passed)
{
	const int fds[PT_ENGINE_FDS] = {passed, -1};

	return pt_engine_send(fd, message, bytes, fds);
}

struct pt_engine_reply fixture_ask(int fd, struct pt_engine_request request, int passed)
{
	if (!request.abi)
		request.abi = PT_ENGINE_ABI;
	assert_int_equal(fixture_send(fd, &request, sizeof(request), passed), 0);
	return fixture_receive(fd, NULL);
}

int fixture_snapshot_fd(const void *bytes, size_t count, unsigned int seals)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

struct pt_snapshot *fixture_snapshot(__u64 generation)
{
	const struct snapshot_parts parts = {.generation = generation};
	struct pt_snapshot *snapshot;

	assert_int_equal(snapshot_build(&parts, &snapshot), 0);
	return snapshot;
}

int fixture_snapshot_of(__u64 generation)
{
	struct pt_snapshot *snapshot = fixture_snapshot(generation);
	int fd = fixture_snapshot_fd(snapshot, snapshot->bytes, SEALS);

	free(snapshot);
	return fd;
}

int fixture_publish(int fd, int snapshot)
{
	struct pt_engine_reply reply =
		fixture_ask(fd, (struct pt_engine_request){.verb = PT_ENGINE_PUBLISH}, snapshot);

	close(snapshot);
	return reply.error;
}
