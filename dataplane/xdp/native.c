/* SPDX-License-Identifier: BSD-3-Clause */
#include <peertag/packet.h>
#include <peertag/tag.h>

#include "native.h"

/* What the lookup of an address gave; a number of 0: nothing. */
struct native_class {
	__u32 number;
	struct pt_class class;
};

static __u32 native_counter(const struct native_class *found)
{
	return found->number ? found->class.counter : PT_COUNTER_NONE;
}

static const struct pt_class *native_descriptor(const struct native_class *found)
{
	return found->number ? &found->class : NULL;
}

static int native_lookup(struct table *table, const struct pt_packet *packet,
			 struct native_class *source, struct native_class *destination)
{
	enum pt_family family = packet->family == 4 ? PT_IPV4 : PT_IPV6;
	unsigned int addrs = family == PT_IPV4 ? 12 : 8;
	unsigned int addr_bytes = family == PT_IPV4 ? 4 : 16;
	int error =
		table_lookup(table, family, packet->ip + addrs, &source->number, &source->class);

	return error ? error
		     : table_lookup(table, family, packet->ip + addrs + addr_bytes,
				    &destination->number, &destination->class);
}

static void native_count(struct pt_offline_result *result, struct pt_port_counters *port,
			 enum pt_carrier carrier)
{
	result->tagged[carrier] = true;
	port->tagged[carrier]++;
}

static void native_tag(const struct pt_xdp_options *options, struct pt_packet *packet,
		       const struct pt_class *class, struct pt_port_counters *port,
		       struct pt_offline_result *result)
{
	__u8 *frame = (__u8 *)result->frame;

	if (options->carrier_dscp && class->dscp != PT_DSCP_NONE) {
		pt_tag_dscp(packet, class->dscp);
		native_count(result, port, PT_CARRIER_DSCP);
	}
	if (options->carrier_vlan && class->vlan != PT_VLAN_NONE) {
		result->frame = frame - PT_VLAN_BYTES;
		result->bytes += PT_VLAN_BYTES;
		pt_tag_vlan(frame - PT_VLAN_BYTES, class->vlan);
		native_count(result, port, PT_CARRIER_VLAN);
	}
	if (options->carrier_mark) {
		result->mark = class->mark;
		native_count(result, port, PT_CARRIER_MARK);
	}
}

static enum pt_config_forward native_forward(const struct pt_xdp_options *options)
{
	switch (options->forward) {
	case PT_XDP_DROP:
		return PT_FORWARD_DROP;
	case PT_XDP_REDIRECT:
		return PT_FORWARD_PORT;
	default:
		return PT_FORWARD_PASS;
	}
}

int native_run(const struct state *state, struct table *table, const struct pt_xdp_options *options,
	       __u8 *frame, __u32 bytes, struct pt_offline_result *ret)
{
	struct pt_lane *lane = state_lane(state, state->lane_count - 1);
	struct native_class source = {}, destination = {};
	const struct pt_class *class;
	struct pt_packet packet;
	int error = 0;

	*ret = (struct pt_offline_result){
		.native = true, .frame = frame, .bytes = bytes, .forward = native_forward(options)};
	ret->outcome = pt_packet_parse(&packet, frame, frame + bytes);
	if (ret->outcome == PT_OUTCOME_UNMATCHED)
		error = native_lookup(table, &packet, &source, &destination);
	if (error)
		return error;
	ret->source_class = source.number;
	ret->destination_class = destination.number;
	if (ret->outcome == PT_OUTCOME_UNMATCHED)
		ret->outcome = pt_count_classes(lane, state->capacity, native_counter(&source),
						native_counter(&destination), 1, bytes);
	pt_count_add(&lane->ports[options->slot].received[ret->outcome], 1, bytes);
	class = pt_tag_class(native_descriptor(&source), native_descriptor(&destination));
	if (class)
		native_tag(options, &packet, class, &lane->ports[options->slot], ret);
	return 0;
}
