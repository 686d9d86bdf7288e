/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peertag/packet.h>
#include <peertag/tag.h>

#include "../offline.h"
#include "native.h"
#include "skeleton.h"
#include "program.h"
#include "timing.h"

#define FRAME_ROOM 64 /* for metadata and a VLAN tag */

/* Up to here a frame of a test run is in one buffer, whatever the page size. */
#define PLAIN_BYTES_MAX 3072

const struct pt_offline_engine pt_offline_engine = {
	.program = "peertag-xdp",
	.name = "xdp",
	.how = "the XDP program, which is loaded but not attached",
	.ways = {[PT_OFFLINE_ARRIVING] = true,
		 [PT_OFFLINE_SEGMENTS] = true,
		 [PT_OFFLINE_SENT] = true},
	.passes = true,
	.one_cut = true,
	.native = true,
};

struct pt_offline {
	struct state *state;
	struct table *table;
	struct peertag *programs;
	enum pt_offline_way way;
	__u32 first_bytes;
	struct pt_xdp_options options;
	struct pt_xdp_report *report;
	struct pt_counters counters;
	__u8 *output; /* the frames of the last call as they left, each with its room */
	size_t output_bytes;
};

static int offline_verify(const void *snapshot, size_t bytes, __u32 capacity,
			  struct message *message)
{
	const char *why;
	/* Nothing is measured: time does not pass as it did for the capture. */
	const struct pt_snapshot_limits limits = {capacity, UINT32_MAX};
	int error = pt_snapshot_verify(snapshot, bytes, &limits, &why);

	return error ? message_set(message, error, "refused the snapshot: %s", why) : 0;
}

static struct pt_xdp_options make_options(const struct pt_offline_options *options, __u32 capacity,
					  __u32 table_room)
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
		.tries = options->table == PT_TABLE_LPM,
		.table_mask = table_room - 1,
	};
}

/* A redirect needs somewhere to go, though a test run never goes there: the loopback device. */
static void offline_output(const struct pt_offline *offline)
{
	__u32 slot = 0, loopback = 1;

	bpf_map_update_elem(state_map(offline->state, "outputs"), &slot, &loopback, BPF_ANY);
	bpf_map_update_elem(state_map(offline->state, "outputs_frags"), &slot, &loopback, BPF_ANY);
}

static int offline_load(struct pt_offline *offline, struct message *message)
{
	const struct state_options options = {.capacity = offline->options.capacity,
					      .table_room = offline->options.table_mask + 1,
					      .tries = offline->options.tries};
	unsigned int kinds = offline->way == PT_OFFLINE_SENT
				     ? PROGRAM_BIT(PROGRAM_EGRESS)
				     : PROGRAM_BIT(PROGRAM_XDP) | PROGRAM_BIT(PROGRAM_XDP_FRAGS);
	void *report;
	int error = state_open(NULL, &options, &offline->state, message);

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

static int offline_check_buffers(const struct pt_offline_options *options, struct message *message)
{
	if (options->first_bytes && options->first_bytes < PT_ETHERNET_BYTES)
		return message_set(message, -EINVAL,
				   "a test run wants at least %d bytes in the first buffer",
				   PT_ETHERNET_BYTES);
	if (options->next_bytes)
		return message_set(message, -EOPNOTSUPP,
				   "a test run fills all buffers behind the first one");
	return 0;
}

static int offline_open(const void *image, size_t bytes, const struct pt_offline_options *options,
			struct pt_offline **ret, struct message *message)
{
	const struct pt_snapshot *snapshot = image;
	struct pt_offline *offline;
	__u32 capacity = options->capacity, room = 0;
	int error = offline_verify(image, bytes, PT_XDP_CAPACITY_MAX, message);

	if (!error)
		error = offline_check_buffers(options, message);
	if (error)
		return error;
	if (!capacity)
		capacity = snapshot->counters ? snapshot->counters : 1;
	room = state_room_for(options->table_room ?: pt_snapshot_table(snapshot)->bytes);
	if (!room)
		return message_set(message, -ENOSPC, "the table has more bytes than a BPF map");
	offline = calloc(1, sizeof(*offline));
	if (!offline)
		return message_set(message, -ENOMEM, "out of memory");
	program_verbose(options->verbose);
	offline->way = options->way;
	offline->first_bytes = options->first_bytes;
	offline->options = make_options(options, capacity, room);
	error = offline_load(offline, message);
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
	free(offline->output);
	free(offline);
}

static int offline_program(const struct pt_offline *offline, __u32 bytes)
{
	if (offline->way == PT_OFFLINE_SENT)
		return program_fd(offline->programs, PROGRAM_EGRESS);
	if (offline->way == PT_OFFLINE_SEGMENTS || bytes > PLAIN_BYTES_MAX)
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

static int take_xdp_action(__u32 action, enum pt_config_forward *ret)
{
	switch (action) {
	case XDP_PASS:
		*ret = PT_FORWARD_PASS;
		return 0;
	case XDP_DROP:
		*ret = PT_FORWARD_DROP;
		return 0;
	case XDP_REDIRECT:
		*ret = PT_FORWARD_PORT;
		return 0;
	default:
		return -EPROTO; /* which no program of ours does */
	}
}

/* One test run. in, out: the program's context, before and after. */
static int test_run(const struct pt_offline *offline, const struct pt_offline_frame *frame,
		    __u8 *output, const void *in, void *out, __u32 context_bytes,
		    struct bpf_test_run_opts *ret_options)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->size, .data_out = output,
		    .data_size_out = FRAME_ROOM + frame->size, .ctx_in = in,
		    .ctx_size_in = context_bytes, .ctx_out = out, .ctx_size_out = context_bytes);
	int error = bpf_prog_test_run_opts(offline_program(offline, frame->size), &options);

	*ret_options = options;
	return error;
}

static int run_xdp(const struct pt_offline *offline, const struct pt_offline_frame *frame,
		   __u8 *output, struct pt_offline_result *ret)
{
	__u32 first = offline->first_bytes;
	struct xdp_md in = {.data_end = first && first < frame->size ? first : frame->size};
	struct xdp_md out = {};
	struct bpf_test_run_opts run;
	int error = test_run(offline, frame, output, &in, &out, sizeof(in), &run);

	if (error)
		return error;
	/* The output begins with the metadata. */
	*ret = (struct pt_offline_result){.frame = output + out.data,
					  .bytes = run.data_size_out - out.data};
	take_metadata(output, out.data, ret);
	return take_xdp_action(run.retval, &ret->forward);
}

static int run_egress(const struct pt_offline *offline, const struct pt_offline_frame *frame,
		      __u8 *output, struct pt_offline_result *ret)
{
	struct __sk_buff in = {}, out = {};
	struct bpf_test_run_opts run;
	int error = test_run(offline, frame, output, &in, &out, sizeof(in), &run);

	if (error)
		return error;
	*ret = (struct pt_offline_result){.frame = output,
					  .bytes = run.data_size_out,
					  .mark = out.mark,
					  .forward = PT_FORWARD_PASS};
	return (int)run.retval == TC_ACT_UNSPEC ? 0 : -EPROTO;
}

/* What the test run says of frames that are too short or too long for it. */
static bool is_refusal(int error)
{
	return error == -EINVAL || error == -ENOMEM || error == -E2BIG;
}

static int run_frame(struct pt_offline *offline, const struct pt_offline_frame *frame, __u8 *output,
		     struct pt_offline_result *ret)
{
	int error = -EINVAL;

	*offline->report = (struct pt_xdp_report){};
	if (frame->size >= PT_ETHERNET_BYTES)
		error = offline->way == PT_OFFLINE_SENT ? run_egress(offline, frame, output, ret)
							: run_xdp(offline, frame, output, ret);
	if (!error) {
		take_report(offline, ret);
		return 0;
	}
	if (offline->way == PT_OFFLINE_SENT || !is_refusal(error))
		return error;
	memcpy(output + FRAME_ROOM, frame->bytes, frame->size);
	return native_run(offline->state, offline->table, &offline->options, output + FRAME_ROOM,
			  frame->size, ret);
}

/* The room is kept from one call to the next, so that most calls find enough of it. */
static int output_reserve(struct pt_offline *offline, const struct pt_offline_frame *frames,
			  __u32 count)
{
	size_t bytes = 0;

	for (__u32 i = 0; i < count; i++) {
		if (frames[i].size > PT_OFFLINE_FRAME_MAX)
			return -EMSGSIZE;
		bytes += FRAME_ROOM + frames[i].size;
	}
	if (bytes <= offline->output_bytes)
		return 0;
	free(offline->output);
	offline->output = malloc(bytes);
	offline->output_bytes = offline->output ? bytes : 0;
	return offline->output ? 0 : -ENOMEM;
}

/* A test run is of one frame, so a burst is one after the other. */
int pt_offline_run(struct pt_offline *offline, const struct pt_offline_frame *frames, __u32 count,
		   struct pt_offline_result *ret)
{
	int error = count && count <= PT_OFFLINE_BURST_MAX ? 0 : -EINVAL;
	__u8 *output;

	if (!error)
		error = output_reserve(offline, frames, count);
	output = offline->output;
	for (__u32 i = 0; !error && i < count; i++) {
		error = run_frame(offline, &frames[i], output, &ret[i]);
		output += FRAME_ROOM + frames[i].size;
	}
	return error;
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
