/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static size_t lanes_bytes(const struct latency *latency)
{
	return latency->lane_count * pt_latency_lane_bytes(latency->slots);
}

static int make_lanes(struct latency *latency)
{
	void *lanes;

	latency->fd = memfd_create("peertag-latency", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (latency->fd < 0 || ftruncate(latency->fd, lanes_bytes(latency)))
		return -errno;
	lanes = mmap(NULL, lanes_bytes(latency), PROT_READ | PROT_WRITE, MAP_SHARED, latency->fd,
		     0);
	if (lanes == MAP_FAILED)
		return -errno;
	latency->lanes = lanes;
	/* What is mapped stays writable. */
	return fcntl(latency->fd, F_ADD_SEALS,
		     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)
		       ? -errno
		       : 0;
}

static int make_flows(struct latency *latency)
{
	latency->flows = aligned_alloc(sizeof(struct pt_rtt_line), sizeof(*latency->flows));
	if (!latency->flows)
		return -ENOMEM;
	memset(latency->flows, 0, sizeof(*latency->flows));
	while (getrandom(&latency->secret, sizeof(latency->secret), 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int latency_new(__u32 lane_count, __u32 slots, __u32 window_ms, struct latency **ret,
		struct message *message)
{
	struct latency *latency = calloc(1, sizeof(*latency));
	int error;

	if (!latency)
		return message_set(message, -ENOMEM, "out of memory");
	latency->lane_count = lane_count;
	latency->slots = slots;
	latency->window_ms = window_ms;
	latency->fd = -1;
	error = make_lanes(latency);
	if (!error)
		error = make_flows(latency);
	if (!error) {
		*ret = latency;
		return 0;
	}
	message_set(message, error, "cannot make %zu bytes for round-trip times: %s",
		    lanes_bytes(latency), strerror(-error));
	latency_free(latency);
	return error;
}

void latency_free(struct latency *latency)
{
	if (!latency)
		return;
	if (latency->lanes)
		munmap(latency->lanes, lanes_bytes(latency));
	if (latency->fd >= 0)
		close(latency->fd);
	free(latency->flows);
	free(latency);
}

struct pt_rtt latency_rtt(const struct latency *latency, __u32 lane)
{
	char *lanes = latency->lanes;

	return (struct pt_rtt){
		.table = latency->flows,
		.lane = (void *)(lanes + lane * pt_latency_lane_bytes(latency->slots)),
		.slots = latency->slots,
		.window_ms = latency->window_ms,
		.secret = latency->secret,
	};
}
