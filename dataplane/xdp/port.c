/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "device.h"
#include "filter.h"
#include "skeleton.h"
#include "port.h"
#include "program.h"

static void pin_path(const char *pins, __u32 slot, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/xdp-%u", pins, slot);
}

int port_init(struct port *port, const struct pt_config_port *config,
	      const struct pt_config_tag *tag, struct state *state, struct message *message)
{
	char path[PATH_MAX];
	int error;

	*port = (struct port){.config = config, .tag = tag, .state = state};
	error = state_port_slot(state, config->name, &port->slot);
	if (error)
		return message_set(message, error,
				   "cannot count on port %s: %u other ports have counters in %s; "
				   "detach all and remove the directory to begin anew",
				   config->name, PT_PORTS_MAX, state->dir);
	pin_path(state->dir, port->slot, path, sizeof(path));
	hook_init(&port->hook, path);
	port->marks = tag->carrier[PT_CARRIER_MARK] && config->forward == PT_FORWARD_PASS;
	return 0;
}

void port_done(struct port *port)
{
	hook_done(&port->hook);
	peertag__destroy(port->programs);
	port->programs = NULL;
}

static __u32 netns_inode(void)
{
	struct stat stat_netns;

	return stat("/proc/self/ns/net", &stat_netns) ? 0 : stat_netns.st_ino;
}

static enum pt_xdp_forward forward_of(const struct pt_config_port *config)
{
	switch (config->forward) {
	case PT_FORWARD_DROP:
		return PT_XDP_DROP;
	case PT_FORWARD_PORT:
		return PT_XDP_REDIRECT;
	case PT_FORWARD_PASS:
		break;
	}
	return PT_XDP_PASS;
}

/* What is dropped needs no tag, and metadata only goes where the tc program reads it. */
static int port_load(struct port *port, struct message *message)
{
	const struct pt_config_port *config = port->config;
	const bool *carrier = port->tag->carrier;
	struct pt_xdp_options options = {
		.capacity = port->state->capacity,
		.slot = port->slot,
		.forward = forward_of(config),
		.carrier_mark = port->marks,
		.carrier_dscp = carrier[PT_CARRIER_DSCP] && config->forward != PT_FORWARD_DROP,
		.carrier_vlan = carrier[PT_CARRIER_VLAN] && config->forward == PT_FORWARD_PORT,
		.mark_mask = port->tag->mark_mask,
		.netns = netns_inode(),
	};

	peertag__destroy(port->programs);
	port->programs = NULL;
	return program_load(port->state, &options,
			    PROGRAM_BIT(PROGRAM_XDP) | PROGRAM_BIT(PROGRAM_XDP_FRAGS) |
				    PROGRAM_BIT(PROGRAM_EGRESS) | PROGRAM_BIT(PROGRAM_MARK),
			    &port->programs, message);
}

/* Tells the other programs which device it is. A slot has one: others of it are gone. */
static void port_name_input(struct port *port, int ifindex)
{
	int map = state_map(port->state, "inputs");
	__u32 keys[PT_PORTS_MAX], slot = port->slot, count = 0;

	while (count < PT_PORTS_MAX &&
	       bpf_map_get_next_key(map, count ? &keys[count - 1] : NULL, &keys[count]) == 0)
		count++;
	for (__u32 i = 0; i < count; i++)
		if (bpf_map_lookup_elem(map, &keys[i], &slot) == 0 && slot == port->slot &&
		    keys[i] != (__u32)ifindex)
			bpf_map_delete_elem(map, &keys[i]);
	bpf_map_update_elem(map, &ifindex, &port->slot, BPF_ANY);
}

static int port_hook(struct port *port, const struct device *device)
{
	const struct hook_programs programs = {
		.plain = program_fd(port->programs, PROGRAM_XDP),
		.frags = program_fd(port->programs, PROGRAM_XDP_FRAGS),
	};

	return hook_attach(&port->hook, device, port->config->mode, &programs, &port->note,
			   &port->problem);
}

/* The filters that the configuration asks for; those of an earlier one go. */
static void port_filter(struct port *port, const struct device *device)
{
	int ifindex = device->ifindex;

	if (port->config->egress)
		filter_attach(ifindex, FILTER_EGRESS, program_fd(port->programs, PROGRAM_EGRESS),
			      &port->note);
	else
		filter_detach(ifindex, FILTER_EGRESS);
	if (!port->marks) {
		filter_detach(ifindex, FILTER_INGRESS);
		return;
	}
	if (filter_attach(ifindex, FILTER_INGRESS, program_fd(port->programs, PROGRAM_MARK),
			  &port->note) == 0)
		return;
	/* Without the tc program the mark would reach nobody. */
	port->marks = false;
	if (port_load(port, &port->problem) == 0)
		port_hook(port, device);
}

static int port_attach(struct port *port, const struct device *device)
{
	bool was_attached = port->hook.link >= 0 && hook_ifindex(&port->hook) == device->ifindex;
	int error = port->programs ? 0 : port_load(port, &port->problem);

	if (!error)
		error = port_hook(port, device);
	if (error)
		return error;
	port_name_input(port, device->ifindex);
	port_filter(port, device);
	port->ifindex = device->ifindex;
	if (!was_attached)
		port->state->shared->nic_base[port->slot] = device->received_packets;
	return 0;
}

/* Where packets are forwarded to. Without that device the program passes them to the host. */
static void port_output(struct port *port)
{
	static const char *const maps[] = {"outputs", "outputs_frags"};
	struct device device = {};

	if (port->config->forward != PT_FORWARD_PORT)
		return;
	if (device_find(port->config->forward_port, 0, &device))
		message_set(&port->remark, 0, "%s is missing, so packets pass to the host",
			    port->config->forward_port);
	if (device.ifindex == port->output && device.ifindex)
		return;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		if (device.ifindex)
			bpf_map_update_elem(state_map(port->state, maps[i]), &port->slot,
					    &device.ifindex, BPF_ANY);
		else
			bpf_map_delete_elem(state_map(port->state, maps[i]), &port->slot);
	}
	port->output = device.ifindex;
}

/* The device has not the name that it should have: renamed, or gone. */
static void port_check_absent(struct port *port)
{
	struct device device;
	int ifindex = hook_ifindex(&port->hook);

	if (ifindex && device_find(NULL, ifindex, &device) == 0) {
		message_set(&port->remark, 0, "now called %s", device.name);
		return;
	}
	if (port->hook.link >= 0)
		hook_detach(&port->hook);
	port->ifindex = 0;
	port->detached = false;
	message_set(&port->problem, -ENODEV, "no such device; waiting for it");
}

static void port_check_present(struct port *port, const struct device *device)
{
	if (device->ifindex != port->ifindex)
		port->detached = false;
	else if (!port->detached && hook_ifindex(&port->hook) == port->ifindex)
		return;
	else
		port->detached = true;

	if (port->detached) {
		hook_done(&port->hook);
		message_set(&port->problem, -ENOLINK, "detached; restart the engine to attach it");
		return;
	}
	port->note.text[0] = '\0';
	port_attach(port, device);
}

bool port_check(struct port *port)
{
	struct message problem = port->problem, note = port->note, remark = port->remark;
	struct device device;

	port->problem.text[0] = '\0';
	port->remark.text[0] = '\0';
	if (device_find(port->config->name, 0, &device)) {
		port_check_absent(port);
	} else {
		port_check_present(port, &device);
		port_output(port);
	}
	return strcmp(problem.text, port->problem.text) || strcmp(note.text, port->note.text) ||
	       strcmp(remark.text, port->remark.text);
}

void port_mode(const struct port *port, char *mode, size_t bytes)
{
	const char *word = port->hook.generic ? "generic" : "native";
	const char *note = port->note.text, *remark = port->remark.text;

	if (port->problem.text[0])
		snprintf(mode, bytes, "%s", port->problem.text);
	else if (note[0] || remark[0])
		snprintf(mode, bytes, "%s (%s%s%s)", word, note, note[0] && remark[0] ? "; " : "",
			 remark);
	else
		snprintf(mode, bytes, "%s", word);
}

void port_status(const struct port *port, struct pt_engine_port *ret)
{
	__u64 base = port->state->shared->nic_base[port->slot];
	struct device device;

	snprintf(ret->name, sizeof(ret->name), "%s", port->config->name);
	port_mode(port, ret->mode, sizeof(ret->mode));
	ret->slot = port->slot;
	if (!port->ifindex || device_find(NULL, port->ifindex, &device))
		return;
	device_driver(device.name, ret->driver, sizeof(ret->driver));
	ret->up = port->hook.link >= 0 && device.up;
	/* A device that was replaced by another begins at 0. */
	ret->nic_packets = device.received_packets - (device.received_packets < base ? 0 : base);
}

int port_detach(const char *pins, __u32 slot, const char *name)
{
	char path[PATH_MAX];
	struct device device;
	struct hook hook;
	int error;

	pin_path(pins, slot, path, sizeof(path));
	hook_init(&hook, path);
	if (hook.link < 0)
		return -ENOENT;
	error = hook_detach(&hook);
	if (device_find(name, 0, &device))
		return error;
	for (int direction = 0; direction < FILTER_DIRECTIONS; direction++)
		filter_detach(device.ifindex, direction);
	return error;
}
