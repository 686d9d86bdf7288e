/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads the round-trip times of an engine as control does, and shows what control never would:
 *
 *     latency_reader SOCKET
 *
 * One JSON document: the windows of each slot that has any sample, all lanes together: "bins" of
 * [from ns, to ns, count, places], and "hosts", bits that are set.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peertag/engine.h>

static void die(const char *what, int error)
{
	fprintf(stderr, "latency_reader: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void open_engine(const char *path, struct pt_latency *ret_latency)
{
	struct pt_engine_request request = {.abi = PT_ENGINE_ABI, .verb = PT_ENGINE_OPEN};
	int socket = pt_engine_connect(path), error, fds[PT_ENGINE_FDS];
	struct pollfd poll_socket = {.fd = socket, .events = POLLIN};
	struct pt_engine_reply reply;

	if (socket < 0)
		die(path, socket);
	error = pt_engine_send(socket, &request, sizeof(request), NULL);
	if (!error && poll(&poll_socket, 1, 5000) != 1)
		error = -ETIMEDOUT;
	if (!error)
		error = pt_engine_receive(socket, &reply, sizeof(reply), fds);
	if (!error)
		error = reply.error;
	if (!error)
		error = pt_engine_map_latency(fds[PT_ENGINE_FD_LATENCY], &reply.open, ret_latency);
	if (error)
		die("open", error);
	pt_engine_close_fds(fds);
	close(socket);
}

static const struct pt_latency_window *window_of(const struct pt_latency *latency, __u32 lane,
						 __u32 slot, __u32 parity)
{
	return &pt_latency_lane(latency, lane)->slots[slot - 1].windows[parity];
}

/* The newest window number of this parity in any lane. */
static __u32 newest(const struct pt_latency *latency, __u32 slot, __u32 parity)
{
	__u32 number = 0;

	for (__u32 lane = 0; lane < latency->lane_count; lane++) {
		__u32 of_lane = window_of(latency, lane, slot, parity)->number;

		number = of_lane > number ? of_lane : number;
	}
	return number;
}

/* Returns the window's document, or NULL where it has no sample. */
static json_t *window_document(const struct pt_latency *latency, __u32 slot, __u32 parity)
{
	__u32 number = newest(latency, slot, parity);
	__u64 hosts[PT_LATENCY_HOST_WORDS] = {0};
	json_t *bins = json_array();
	int host_count = 0;

	for (__u32 bin = 0; bin < PT_HISTOGRAM_BINS; bin++) {
		json_int_t count = 0, places = 0;

		for (__u32 lane = 0; lane < latency->lane_count; lane++) {
			const struct pt_latency_window *window =
				window_of(latency, lane, slot, parity);

			if (window->number != number)
				continue;
			count += window->bins[bin].count;
			places += window->bins[bin].places;
			for (int i = 0; i < PT_LATENCY_HOST_WORDS; i++)
				hosts[i] |= window->hosts[i];
		}
		if (count)
			json_array_append_new(bins, json_pack("[I,I,I,I]",
							      (json_int_t)pt_bin_start_ns(bin),
							      (json_int_t)pt_bin_start_ns(bin + 1),
							      count, places));
	}
	for (int i = 0; i < PT_LATENCY_HOST_WORDS; i++)
		host_count += __builtin_popcountll(hosts[i]);
	if (json_array_size(bins))
		return json_pack("{s:I,s:i,s:o}", "number", (json_int_t)number, "hosts", host_count,
				 "bins", bins);
	json_decref(bins);
	return NULL;
}

static json_t *slots_document(const struct pt_latency *latency)
{
	json_t *slots = json_object();

	for (__u32 slot = 1; slot <= latency->slots; slot++) {
		json_t *windows = json_array();
		char name[16];

		for (__u32 parity = 0; parity < PT_LATENCY_WINDOWS; parity++) {
			json_t *window = window_document(latency, slot, parity);

			if (window)
				json_array_append_new(windows, window);
		}
		snprintf(name, sizeof(name), "%u", slot);
		if (json_array_size(windows))
			json_object_set(slots, name, windows);
		json_decref(windows);
	}
	return slots;
}

int main(int argc, char **argv)
{
	struct pt_latency latency;
	json_int_t lost = 0;
	json_t *document;

	if (argc != 2) {
		fprintf(stderr, "usage: latency_reader SOCKET\n");
		return 2;
	}
	open_engine(argv[1], &latency);
	for (__u32 lane = 0; lane < latency.lane_count; lane++)
		lost += pt_latency_lane(&latency, lane)->lost;
	document = json_pack("{s:I,s:I,s:I,s:o}", "window_ms", (json_int_t)latency.window_ms,
			     "lanes", (json_int_t)latency.lane_count, "lost", lost, "slots",
			     slots_document(&latency));
	json_dumpf(document, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(document);
	pt_engine_unmap_latency(&latency);
	return 0;
}
