/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine protocol over a real socket, and the host behind it with an engine made of a few
 * variables: what a peer that sends garbage gets, and that nothing changes by it.
 */
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

static void open_hands_the_counters_over(void **state)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_OPEN};
	struct pt_engine_reply reply;
	struct pt_counters counters;
	int fd = fixture_connect(*state), passed[PT_ENGINE_FDS];

	assert_int_equal(fixture_send(fd, &request, sizeof(request), -1), 0);
	reply = fixture_receive(fd, passed);
	assert_int_equal(reply.error, 0);
	assert_true(passed[PT_ENGINE_FD_COUNTERS] >= 0);
	assert_int_equal(
		pt_engine_map_counters(passed[PT_ENGINE_FD_COUNTERS], &reply.open, &counters), 0);
	assert_int_equal(counters.capacity, CAPACITY);
	pt_engine_unmap_counters(&counters);

	/* A claim of more than there is would end in SIGBUS. */
	reply.open.lane_count = 2;
	assert_int_equal(
		pt_engine_map_counters(passed[PT_ENGINE_FD_COUNTERS], &reply.open, &counters),
		-EBADMSG);
	reply.open.lane_count = ~0u;
	reply.open.capacity = ~0u;
	assert_int_equal(
		pt_engine_map_counters(passed[PT_ENGINE_FD_COUNTERS], &reply.open, &counters),
		-EBADMSG);
	pt_engine_close_fds(passed);
	close(fd);
}

static void open_hands_the_round_trip_times_over(void **state)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_OPEN};
	int fd = fixture_connect(*state), passed[PT_ENGINE_FDS], latency_fd;
	struct pt_engine_reply reply;
	struct pt_latency latency;

	assert_int_equal(fixture_send(fd, &request, sizeof(request), -1), 0);
	reply = fixture_receive(fd, passed);
	latency_fd = passed[PT_ENGINE_FD_LATENCY];
	assert_int_equal(pt_engine_map_latency(latency_fd, &reply.open, &latency), 0);
	assert_int_equal(latency.slots, LATENCY_SLOTS);
	assert_int_equal(latency.window_ms, 1000);
	assert_int_equal(pt_latency_lane(&latency, 0)->lost, 0);
	pt_engine_unmap_latency(&latency);
	assert_null(latency.lanes);

	reply.open.latency_lanes = LATENCY_LANES + 1;
	assert_int_equal(pt_engine_map_latency(latency_fd, &reply.open, &latency), -EBADMSG);
	reply.open.latency_lanes = LATENCY_LANES;
	reply.open.latency_slots = PT_LATENCY_SLOTS_MAX + 1;
	assert_int_equal(pt_engine_map_latency(latency_fd, &reply.open, &latency), -EBADMSG);
	reply.open.latency_slots = LATENCY_SLOTS;
	reply.open.latency_window_ms = 0;
	assert_int_equal(pt_engine_map_latency(latency_fd, &reply.open, &latency), -EBADMSG);
	/* Nothing is measured: there is nothing to map. */
	reply.open.latency_slots = 0;
	assert_int_equal(pt_engine_map_latency(-1, &reply.open, &latency), 0);
	assert_null(latency.lanes);
	pt_engine_close_fds(passed);
	close(fd);
}

/* The packets of the connection at index 1, as somebody counted them in the fixture's memfd. */
static void count_packets(const struct fixture *fixture, __u64 packets)
{
	off_t at = COUNTERS_OFFSET + offsetof(struct pt_lane, connections[1]);

	assert_int_equal(pwrite(fixture->counters, &packets, sizeof(packets), at), sizeof(packets));
}

static void counters_begin_at_their_offset(void **state)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_OPEN};
	struct pt_connection_counters sum = {};
	struct fixture *fixture = *state;
	struct pt_engine_reply reply;
	struct pt_counters counters;
	int fd = fixture_connect(fixture), passed[PT_ENGINE_FDS];

	assert_int_equal(fixture_send(fd, &request, sizeof(request), -1), 0);
	reply = fixture_receive(fd, passed);
	assert_int_equal(reply.open.counters_offset, COUNTERS_OFFSET);
	assert_int_equal(
		pt_engine_map_counters(passed[PT_ENGINE_FD_COUNTERS], &reply.open, &counters), 0);
	count_packets(fixture, 77);
	pt_counters_connection(&counters, 1, &sum);
	assert_int_equal(sum.direction[PT_RECEIVE].packets, 77);
	assert_int_equal(sum.direction[PT_RECEIVE].bytes, 0);
	pt_engine_unmap_counters(&counters);
	assert_null(counters.lanes);
	pt_engine_close_fds(passed);
	close(fd);
}

/* Of a file that has room for a lane at the first two pages, and not for a byte more. */
static void counters_beyond_their_file_are_refused(void **state)
{
	static const struct {
		__u64 offset;
		int error;
	} cases[] = {
		{0, 0},
		{COUNTERS_OFFSET, 0},
		{COUNTERS_OFFSET + 1, -EBADMSG},
		{2 * COUNTERS_OFFSET, -EBADMSG},
		{64, -EBADMSG}, /* no multiple of a page */
		{COUNTERS_OFFSET / 2, -EBADMSG},
		{1ull << 63, -EBADMSG},
		{-(__u64)COUNTERS_OFFSET, -EBADMSG},
		{~0ull, -EBADMSG},
	};
	struct pt_engine_open open = {.capacity = CAPACITY, .lane_count = 1};
	struct pt_counters counters;
	int fd = memfd_create("counters", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, COUNTERS_OFFSET + pt_lane_bytes(CAPACITY)), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open.counters_offset = cases[i].offset;
		if (pt_engine_map_counters(fd, &open, &counters) != cases[i].error)
			fail_msg("offset %llu", cases[i].offset);
		if (cases[i].error == 0)
			pt_engine_unmap_counters(&counters);
	}
	close(fd);
}

static void status_tells_of_the_workers(void **state)
{
	struct fixture *fixture = *state;
	struct pt_engine_reply reply;
	int fd = fixture_connect(fixture);

	fixture->workers[1] = (struct pt_engine_worker){
		.queues = "port:0 port:1", .lcore = 7, .cpu = -1, .stuck = 1, .packets = 99};
	fixture->worker_count = 2;
	reply = fixture_ask(fd, (struct pt_engine_request){.verb = PT_ENGINE_STATUS}, -1);
	assert_int_equal(reply.status.worker_count, 2);
	assert_memory_equal(&reply.status.workers[1], &fixture->workers[1],
			    sizeof(fixture->workers[1]));
	close(fd);
}

static void publish_is_answered_when_it_is_done_and_kept(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture_connect(fixture);

	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(5)), 0);
	assert_int_equal(fixture->set.generation, 5);
	assert_int_equal(access(fixture->kept, R_OK), 0);
	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(3)), 0);
	assert_int_equal(fixture->set.generation, 3);
	close(fd);
}

/* Of an engine that lost everything but its file. */
static __u64 generation_after_restart(struct fixture *fixture)
{
	__u64 generation;
	int fd;

	fixture->set.generation = 0;
	fixture_start(fixture);
	fd = fixture_connect(fixture);
	generation = fixture_ask(fd, (struct pt_engine_request){.verb = PT_ENGINE_OPEN}, -1)
			     .open.set.generation;
	close(fd);
	return generation;
}

static void a_kept_snapshot_is_published_at_start(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture_connect(fixture);

	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(8)), 0);
	close(fd);
	fixture_stop(fixture);
	assert_int_equal(generation_after_restart(fixture), 8);
}

static void a_torn_kept_snapshot_is_not_used(void **state)
{
	struct fixture *fixture = *state;
	struct stat kept;
	int fd = fixture_connect(fixture);

	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(8)), 0);
	close(fd);
	fixture_stop(fixture);
	assert_int_equal(stat(fixture->kept, &kept), 0);
	assert_int_equal(truncate(fixture->kept, kept.st_size - 1), 0);
	assert_int_equal(generation_after_restart(fixture), 0);
}

/* An open of a pipe would wait for its other end, and with it the publish, or the start. */
static void a_pipe_in_the_way_of_the_kept_snapshot_stops_nothing(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture_connect(fixture);
	char temporary[128];

	snprintf(temporary, sizeof(temporary), "%s.new", fixture->kept);
	assert_int_equal(mkfifo(temporary, 0600), 0);
	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(8)), 0);
	close(fd);
	fixture_stop(fixture);
	assert_int_equal(unlink(fixture->kept), 0);
	assert_int_equal(mkfifo(fixture->kept, 0600), 0);
	assert_int_equal(generation_after_restart(fixture), 0);
}

static void refused_snapshots_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct pt_snapshot *snapshot = fixture_snapshot(6);
	int fd = fixture_connect(fixture);

	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(5)), 0);
	/* A wrong checksum; nothing at all; not sealed; not a memfd; the engine's own no. */
	snapshot->checksum ^= 1;
	assert_int_equal(fixture_publish(fd, fixture_snapshot_fd(snapshot, snapshot->bytes, SEALS)),
			 -EBADMSG);
	assert_int_equal(fixture_publish(fd, fixture_snapshot_fd("", 0, SEALS)), -EBADMSG);
	snapshot->checksum ^= 1;
	assert_int_equal(
		fixture_publish(fd, fixture_snapshot_fd(snapshot, snapshot->bytes, F_SEAL_GROW)),
		-EPERM);
	free(snapshot);
	assert_int_equal(fixture_publish(fd, open("/dev/null", O_RDONLY | O_CLOEXEC)), -EPERM);
	assert_int_equal(fixture_publish(fd, fixture_snapshot_of(666)), -ENOMEM);
	assert_int_equal(fixture->set.generation, 5);
	assert_int_equal(fixture->published, 1);
	close(fd);
}

static void garbage_is_answered_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture_connect(fixture), snapshot = fixture_snapshot_of(9);
	char noise[100];

	for (size_t bytes = 1; bytes <= sizeof(noise); bytes++) {
		memset(noise, bytes, sizeof(noise));
		/* 32 bytes of noise are a request, of another version. */
		assert_int_equal(fixture_send(fd, noise, bytes, snapshot), 0);
		assert_int_equal(fixture_receive(fd, NULL).error,
				 bytes == 32 ? -EPROTONOSUPPORT : -EBADMSG);
	}
	close(snapshot);
	assert_int_equal(fixture_ask(fd, (struct pt_engine_request){.verb = 99}, -1).error,
			 -EOPNOTSUPP);
	assert_int_equal(
		fixture_ask(fd, (struct pt_engine_request){.verb = PT_ENGINE_PUBLISH}, -1).error,
		-EBADMSG);
	assert_int_equal(
		fixture_ask(fd, (struct pt_engine_request){.verb = PT_ENGINE_LOOKUP, .family = 5},
			    -1)
			.error,
		-EINVAL);
	assert_int_equal(fixture->published, 0);
	close(fd);
}

static void status_and_lookup_are_answered_during_a_publish(void **state)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_PUBLISH};
	struct fixture *fixture = *state;
	struct pt_engine_reply reply;
	int publisher = fixture_connect(fixture), second = fixture_connect(fixture);
	int other = fixture_connect(fixture), snapshot = fixture_snapshot_of(7),
	    later = fixture_snapshot_of(8);

	fixture->holding = true;
	assert_int_equal(fixture_send(publisher, &request, sizeof(request), snapshot), 0);
	assert_int_equal(fixture_send(second, &request, sizeof(request), later), 0);
	reply = fixture_ask(other, (struct pt_engine_request){.verb = PT_ENGINE_STATUS}, -1);
	assert_int_equal(reply.status.set.generation, 0);
	assert_string_equal(reply.status.ports[0].name, "port");
	reply = fixture_ask(
		other,
		(struct pt_engine_request){.verb = PT_ENGINE_LOOKUP, .family = 6, .addr = {0x20}},
		-1);
	assert_int_equal(reply.lookup.class, 6);
	assert_int_equal(reply.lookup.connection, 0x20);

	/* Both are answered, one after the other. */
	eventfd_write(fixture->hold, 1);
	assert_int_equal(fixture_receive(publisher, NULL).open.set.generation, 7);
	eventfd_write(fixture->hold, 1);
	assert_int_equal(fixture_receive(second, NULL).open.set.generation, 8);
	fixture->holding = false;
	close(snapshot);
	close(later);
	close(publisher);
	close(second);
	close(other);
}

static void a_peer_that_leaves_during_its_publish_is_not_missed(void **state)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_PUBLISH};
	struct fixture *fixture = *state;
	int fd = fixture_connect(fixture), snapshot = fixture_snapshot_of(7), other;

	fixture->holding = true;
	assert_int_equal(fixture_send(fd, &request, sizeof(request), snapshot), 0);
	other = fixture_connect(fixture);
	fixture_ask(other, (struct pt_engine_request){.verb = PT_ENGINE_STATUS}, -1);
	close(fd);
	fixture->holding = false;
	eventfd_write(fixture->hold, 1);
	assert_int_equal(fixture_publish(other, snapshot), 0);
	assert_int_equal(fixture_publish(other, fixture_snapshot_of(9)), 0);
	assert_int_equal(fixture->set.generation, 9);
	close(other);
}

static void listen_replaces_only_a_dead_socket(void **state)
{
	const struct fixture *fixture = *state;
	char path[128];
	struct stat before, after;
	int fd;

	close(fixture_connect(fixture));
	assert_int_equal(pt_engine_listen(fixture->socket, 0660), -EADDRINUSE);

	snprintf(path, sizeof(path), "%s/other", fixture->folder);
	fd = pt_engine_listen(path, 0640);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0640);
	close(fd);
	fd = pt_engine_listen(path, 0660);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(fstat(fd, &before), 0);
	close(fd);
	assert_int_equal(pt_engine_listen(path, 0660), -ENOTSOCK);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	unlink(path);
}

static unsigned int open_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void no_more_descriptors_are_taken_from_a_message_than_it_may_have(void **state)
{
	char control[CMSG_SPACE(3 * sizeof(int))] = {};
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_STATUS};
	struct iovec part = {&request, sizeof(request)};
	struct msghdr packet = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	int pair[2], fds[3] = {0, 0, 0}, got[PT_ENGINE_FDS];
	unsigned int before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = open_descriptors();
	CMSG_FIRSTHDR(&packet)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&packet)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&packet)->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&packet)), fds, sizeof(fds));
	assert_int_equal(sendmsg(pair[0], &packet, 0), sizeof(request));
	assert_int_equal(pt_engine_receive(pair[1], &request, sizeof(request), got), 0);
	assert_int_equal(open_descriptors(), before + PT_ENGINE_FDS);
	pt_engine_close_fds(got);
	assert_int_equal(open_descriptors(), before);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(open_hands_the_round_trip_times_over, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(open_hands_the_counters_over, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(counters_begin_at_their_offset, fixture_setup,
						fixture_teardown),
		cmocka_unit_test(counters_beyond_their_file_are_refused),
		cmocka_unit_test_setup_teardown(status_tells_of_the_workers, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(publish_is_answered_when_it_is_done_and_kept,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_kept_snapshot_is_published_at_start,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_torn_kept_snapshot_is_not_used, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_pipe_in_the_way_of_the_kept_snapshot_stops_nothing, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(refused_snapshots_change_nothing, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(garbage_is_answered_and_changes_nothing,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(status_and_lookup_are_answered_during_a_publish,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_leaves_during_its_publish_is_not_missed,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(listen_replaces_only_a_dead_socket, fixture_setup,
						fixture_teardown),
		cmocka_unit_test(no_more_descriptors_are_taken_from_a_message_than_it_may_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
