/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_wire.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>

#include <peertag/xdp.h>

#include "program.h"
#include "skeleton.h"
#include "xdp_frame.h"
#include "xdp_live.skel.h"
#include "xdp_setup.h"
#include "xdp_veth.h"

struct xdp_live *wire_generator(void)
{
	struct xdp_live *generator = xdp_live__open_and_load();

	if (!generator)
		die("cannot load the generator");
	return generator;
}

void wire_generate(struct xdp_live *generator, const struct frame_bytes *frame, int pair,
		   __u32 frames)
{
	char name[VETH_NAME_BYTES];
	struct xdp_md md = {.data_end = frame->size,
			    .ingress_ifindex = veth_index(VETH_GENERATOR, pair, name)};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes, .data_size_in = frame->size,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = frames,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(bpf_program__fd(generator->progs.generate), &run))
		die("cannot send live frames");
}

int wire_attach(int program, int pair)
{
	char name[VETH_NAME_BYTES];
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int link;

	veth_enter(VETH_RECEIVER);
	link = bpf_link_create(program, veth_index(VETH_RECEIVER, pair, name), BPF_XDP, &options);
	if (link < 0)
		die("cannot attach to %s", name);
	return link;
}

struct peertag *wire_programs(const struct setup *setup, __u32 slot)
{
	struct pt_xdp_options options = setup->options;
	struct peertag *programs;
	struct message message;

	options.slot = slot;
	options.forward = PT_XDP_DROP;
	options.carrier_dscp = 1;
	errno = 0;
	if (program_load(setup->state, &options, PROGRAM_BIT(PROGRAM_XDP), &programs, &message))
		die("%s", message.text);
	return programs;
}
