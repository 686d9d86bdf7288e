/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peertag/packet.h>
#include <peertag/tag.h>

#include "native.h"
#include "offline.h"
#include "skeleton.h"
#include "program.h"

#define FRAME_BYTES_MAX 262144
#define FRAME_ROOM	64 /* in front: for metadata and a VLAN tag */

/* Up to here a frame of a test run is in one buffer, whatever the page size. */
#define PLAIN_BYTES_MAX 3072

struct pt_offline {
	struct state *state;
	struct table *table;
	struct peertag *programs;
	enum pt_offline_hook hook;
	__u32 first_bytes;
	struct pt_xdp_options options;
	struct pt_xdp_report *report;
	struct pt_counters counters;
	__u8 output[FRAME_ROOM + FRAME_BYTES_MAX];
};

static int offline_verify(const void *snapshot, size_t bytes, __u32 capacity,
			  struct message *message)
{
	const char *why;
	int error = pt_snapshot_verify(snapshot, bytes, capacity, &why);

	return error ? message_set(message, error, "refused the snapshot: %s", why) : 0;
}

static struct pt_xdp_options make_options(const struct pt_offline_options *options, __u32 capacity)
{
	const bool *carrier = options->tag.carrier;

	return (struct pt_xdp_options){
		.capacity = capacity,
		.forward = options->forward == PT_FORWARD_DROP	 ? PT_XDP_DROP
			   : options->forward == PT_FORWARD_PORT ? PT_XDP_REDIRECT
								 : PT_XDP_PASS,
		.carrier_mark = carrier[PT_CARRIER_MARK],
		.carrier_dscp = carrier[PT_CARRIER_DSCP],
		.carrier_vlan = carrier[PT_CARRIER_VLAN],
		.mark_mask = options->tag.mark_mask,
		.report = 1,
	};
}

/* A redirect needs somewhere to go, though a test run never goes there: the loopback device. */
static void offline_output(const struct pt_offline *offline)
{
	__u32 slot = 0, loopback = 1;

	bpf_map_update_elem(state_map(offline->state, "outputs"), &slot, &loopback, BPF_ANY);
	bpf_map_update_elem(state_map(offline->state, "outputs_frags"), &slot, &loopback, BPF_ANY);
}

static int offline_load(struct pt_offline *offline, __u32 capacity, struct message *message)
{
	unsigned int kinds = offline->hook == PT_OFFLINE_EGRESS
				     ? PROGRAM_BIT(PROGRAM_EGRESS)
				     : PROGRAM_BIT(PROGRAM_XDP) | PROGRAM_BIT(PROGRAM_XDP_FRAGS);
	void *report;
	int error = state_open(NULL, capacity, &offline->state, message);

	if (!error)
		error = table_new(offline->state, &offline->table, message);
	if (!error)
		error = program_load(offline->state, &offline->options, kinds, &offline->programs,
				     message);
	if (error)
		return error;
	report = mmap(NULL, sizeof(*offline->report), PROT_READ | PROT_WRITE, MAP_SHARED,
		      state_map(offline->state, "report"), 0);
	if (report == MAP_FAILED)
		return message_set(message, -errno, "cannot map the report: %s", strerror(errno));
	offline->report = report;
	offline->counters = state_counters(offline->state);
	offline_output(offline);
	return 0;
}

static int offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes,
			   struct message *message)
{
	int error = offline_verify(snapshot, bytes, offline->state->capacity, message);

	/* The set before stays until the next publish takes its place: there is no hurry here. */
	return error ? error : table_publish(offline->table, snapshot, message);
}

static int offline_open(const void *image, size_t bytes, const struct pt_offline_options *options,
			struct pt_offline **ret, struct message *message)
{
	const struct pt_snapshot *snapshot = image;
	struct pt_offline *offline;
	__u32 capacity = options->capacity;
	int error = offline_verify(image, bytes, PT_XDP_CAPACITY_MAX, message);

	if (error)
		return error;
	if (!capacity)
		capacity = snapshot->counters ? snapshot->counters : 1;
	offline = calloc(1, sizeof(*offline));
	if (!offline)
		return message_set(message, -ENOMEM, "out of memory");
	offline->hook = options->hook;
	offline->first_bytes = options->first_bytes;
	offline->options = make_options(options, capacity);
	error = offline_load(offline, capacity, message);
	if (!error)
		error = offline_publish(offline, image, bytes, message);
	if (error) {
		pt_offline_close(offline);
		return error;
	}
	*ret = offline;
	return 0;
}

int pt_offline_open(const void *snapshot, size_t bytes, const struct pt_offline_options *options,
		    struct pt_offline **ret, char *text, size_t text_bytes)
{
	struct message message;
	int error = offline_open(snapshot, bytes, options, ret, &message);

	if (error)
		snprintf(text, text_bytes, "%s", message.text);
	return error;
}

int pt_offline_publish(struct pt_offline *offline, const void *snapshot, size_t bytes, char *text,
		       size_t text_bytes)
{
	struct message message;
	int error = offline_publish(offline, snapshot, bytes, &message);

	if (error)
		snprintf(text, text_bytes, "%s", message.text);
	return error;
}

void pt_offline_close(struct pt_offline *offline)
{
	if (!offline)
		return;
	if (offline->report)
		munmap(offline->report, sizeof(*offline->report));
	peertag__destroy(offline->programs);
	table_free(offline->table);
	state_free(offline->state);
	free(offline);
}

static int offline_program(const struct pt_offline *offline, __u32 bytes)
{
	if (offline->hook == PT_OFFLINE_EGRESS)
		return program_fd(offline->programs, PROGRAM_EGRESS);
	if (offline->hook == PT_OFFLINE_XDP_FRAGS || bytes > PLAIN_BYTES_MAX)
		return program_fd(offline->programs, PROGRAM_XDP_FRAGS);
	return program_fd(offline->programs, PROGRAM_XDP);
}

/* What the program told of itself. */
static void take_report(const struct pt_offline *offline, struct pt_offline_result *ret)
{
	const struct pt_xdp_report *report = offline->report;

	ret->outcome = report->outcome;
	ret->source_class = report->source_class;
	ret->destination_class = report->destination_class;
	for (int carrier = 0; carrier < PT_CARRIERS; carrier++) {
		ret->tagged[carrier] = report->tagged[carrier];
		ret->failed[carrier] = report->failed[carrier];
	}
}

static void take_metadata(const __u8 *output, __u32 metadata_bytes, struct pt_offline_result *ret)
{
	struct pt_metadata metadata;

	if (metadata_bytes < sizeof(metadata))
		return;
	memcpy(&metadata, output, sizeof(metadata));
	if (metadata.magic == PT_METADATA_MAGIC)
		ret->mark = metadata.mark;
}

/* One test run, its output in offline->output. in, out: the program's context, before and after. */
static int test_run(struct pt_offline *offline, const void *frame, __u32 bytes, const void *in,
		    void *out, __u32 context_bytes, struct pt_offline_result *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = bytes,
		    .data_out = offline->output, .data_size_out = sizeof(offline->output),
		    .ctx_in = in, .ctx_size_in = context_bytes, .ctx_out = out,
		    .ctx_size_out = context_bytes);
	int error = bpf_prog_test_run_opts(offline_program(offline, bytes), &options);

	if (error)
		return error;
	*ret = (struct pt_offline_result){.action = (int)options.retval,
					  .frame = offline->output,
					  .bytes = options.data_size_out};
	return 0;
}

static int run_xdp(struct pt_offline *offline, const void *frame, __u32 bytes,
		   struct pt_offline_result *ret)
{
	__u32 first = offline->first_bytes;
	struct xdp_md in = {.data_end = first && first < bytes ? first : bytes}, out = {};
	int error = test_run(offline, frame, bytes, &in, &out, sizeof(in), ret);

	if (error)
		return error;
	/* The output begins with the metadata. */
	ret->frame += out.data;
	ret->bytes -= out.data;
	take_metadata(offline->output, out.data, ret);
	return 0;
}

static int run_egress(struct pt_offline *offline, const void *frame, __u32 bytes,
		      struct pt_offline_result *ret)
{
	struct __sk_buff in = {}, out = {};
	int error = test_run(offline, frame, bytes, &in, &out, sizeof(in), ret);

	if (!error)
		ret->mark = out.mark;
	return error;
}

/* What the test run says of frames that are too short or too long for it. */
static bool is_refusal(int error)
{
	return error == -EINVAL || error == -ENOMEM || error == -E2BIG;
}

int pt_offline_run(struct pt_offline *offline, const void *frame, __u32 bytes,
		   struct pt_offline_result *ret)
{
	int error = -EINVAL;

	if (bytes > FRAME_BYTES_MAX)
		return -EMSGSIZE;
	*offline->report = (struct pt_xdp_report){};
	if (bytes >= PT_ETHERNET_BYTES)
		error = offline->hook == PT_OFFLINE_EGRESS ? run_egress(offline, frame, bytes, ret)
							   : run_xdp(offline, frame, bytes, ret);
	if (!error) {
		take_report(offline, ret);
		return 0;
	}
	if (offline->hook == PT_OFFLINE_EGRESS || !is_refusal(error))
		return error;
	memcpy(offline->output + FRAME_ROOM, frame, bytes);
	return native_run(offline->state, offline->table, &offline->options,
			  offline->output + FRAME_ROOM, bytes, ret);
}

int pt_offline_time(struct pt_offline *offline, const void *frame, __u32 bytes, __u32 repeat,
		    __u32 *ret_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = bytes,
		    .repeat = repeat);
	int error = bpf_prog_test_run_opts(offline_program(offline, bytes), &options);

	if (!error)
		*ret_ns = options.duration;
	return error;
}

const struct pt_counters *pt_offline_counters(const struct pt_offline *offline)
{
	return &offline->counters;
}
