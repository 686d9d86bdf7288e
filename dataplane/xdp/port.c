/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device.h"
#include "filter.h"
#include "skeleton.h"
#include "port.h"
#include "program.h"

#define MODE_BYTES 1024

static void pin_path(const char *pins, __u32 slot, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/xdp-%u", pins, slot);
}

static bool port_wants_marks(const struct port *port)
{
	return port->tag->carrier[PT_CARRIER_MARK] && port->config->forward == PT_FORWARD_PASS;
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
	port->marks = port_wants_marks(port);
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
		.tries = port->state->tries,
		.table_mask = port->state->table_room - 1,
		.latency_slots = port->state->latency_slots,
		.latency_window_ms = port->state->latency_window_ms,
		.latency_secret = port->state->shared->latency_secret,
	};

	peertag__destroy(port->programs);
	port->programs = NULL;
	return program_load(port->state, &options,
			    PROGRAM_BIT(PROGRAM_XDP) | PROGRAM_BIT(PROGRAM_XDP_FRAGS) |
				    PROGRAM_BIT(PROGRAM_EGRESS) | PROGRAM_BIT(PROGRAM_MARK),
			    &port->programs, message);
}

/* Takes all devices of a slot but `ifindex` out of the map `inputs`. */
static void inputs_forget(int map, __u32 slot, int ifindex)
{
	__u32 keys[PT_PORTS_MAX], there, count = 0;

	while (count < PT_PORTS_MAX &&
	       bpf_map_get_next_key(map, count ? &keys[count - 1] : NULL, &keys[count]) == 0)
		count++;
	for (__u32 i = 0; i < count; i++)
		if (bpf_map_lookup_elem(map, &keys[i], &there) == 0 && there == slot &&
		    keys[i] != (__u32)ifindex)
			bpf_map_delete_elem(map, &keys[i]);
}

/* Tells the other programs which device it is, 0 for none. A slot has one: others are gone. */
static void port_name_input(struct port *port, int ifindex)
{
	int map = state_map(port->state, "inputs");

	inputs_forget(map, port->slot, ifindex);
	if (ifindex)
		bpf_map_update_elem(map, &ifindex, &port->slot, BPF_ANY);
}

/* Linux before 6.3 loses the frames of several buffers that are redirected, and tells nobody. */
static bool kernel_redirects_frags(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname kernel;

	if (uname(&kernel) == 0)
		sscanf(kernel.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 3);
}

static int port_hook(struct port *port, const struct device *device)
{
	bool frags = port->config->forward != PT_FORWARD_PORT || kernel_redirects_frags();
	const struct hook_programs programs = {
		.plain = program_fd(port->programs, PROGRAM_XDP),
		.frags = frags ? program_fd(port->programs, PROGRAM_XDP_FRAGS) : -1,
	};

	return hook_attach(&port->hook, device, port->config->mode, &programs, &port->note,
			   &port->problem);
}

/* Puts one filter where it is wanted and not there yet; one of an earlier configuration goes. */
static int port_filter(struct port *port, int ifindex, enum filter_direction direction,
		       enum program_kind kind, bool wanted)
{
	int fd = program_fd(port->programs, kind);

	if (!wanted)
		return filter_detach(ifindex, direction);
	if (filter_holds(ifindex, direction, fd))
		return 0;
	/* Whoever deletes a clsact qdisc deletes our filters with it. */
	if (port->filtered)
		message_set(&port->remark, 0, "a tc filter was removed, and is put back");
	return filter_attach(ifindex, direction, fd, &port->filters);
}

/* Without the tc program the mark would reach nobody: then it is not written. */
static void port_set_marks(struct port *port, const struct device *device, bool marks)
{
	if (port->marks == marks)
		return;
	port->marks = marks;
	if (port_load(port, &port->problem) == 0)
		port_hook(port, device);
}

static void port_filters(struct port *port, const struct device *device)
{
	bool wants_marks = port_wants_marks(port);
	int error;

	port->filters.text[0] = '\0';
	port_filter(port, device->ifindex, FILTER_EGRESS, PROGRAM_EGRESS, port->config->egress);
	error = port_filter(port, device->ifindex, FILTER_INGRESS, PROGRAM_MARK, wants_marks);
	port_set_marks(port, device, wants_marks && !error);
	port->filtered = !port->filters.text[0];
}

/* The device that held this name before, if it is still there, has another name by now. */
static void port_leave_other(struct port *port, const struct device *device)
{
	int ifindex = hook_ifindex(&port->hook);
	struct device other;

	if (!ifindex || ifindex == device->ifindex || device_find(NULL, ifindex, &other) ||
	    !hook_is_on(&port->hook, &other))
		return;
	for (int direction = 0; direction < FILTER_DIRECTIONS; direction++)
		filter_detach(ifindex, direction);
}

static int port_attach(struct port *port, const struct device *device)
{
	bool was_attached = port->hook.link >= 0 && hook_ifindex(&port->hook) == device->ifindex;
	int error = port->programs ? 0 : port_load(port, &port->problem);

	if (!error)
		port_leave_other(port, device);
	if (!error)
		error = port_hook(port, device);
	if (error)
		return error;
	port_name_input(port, device->ifindex);
	port->filtered = false;
	port_filters(port, device);
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

static void port_check_absent(struct port *port)
{
	if (port->hook.link >= 0)
		hook_detach(&port->hook);
	port_name_input(port, 0);
	port->ifindex = 0;
	port->detached = false;
	message_set(&port->problem, -ENODEV, "no such device; waiting for it");
}

/* Pinned again where the directory is still there; where not, the maps are not pinned either. */
static void port_check_pin(struct port *port)
{
	if (access(port->hook.pin, F_OK) == 0)
		return;
	if (bpf_obj_pin(port->hook.link, port->hook.pin))
		message_set(&port->remark, 0,
			    "its pins are gone: counting will end with the engine; restart it");
	else
		message_set(&port->remark, 0, "its pin was removed, and is put back");
}

static void port_check_present(struct port *port, const struct device *device)
{
	if (device->ifindex != port->ifindex)
		port->detached = false;
	else if (port->detached || hook_ifindex(&port->hook) != port->ifindex)
		port->detached = true;
	else if (port->programs) {
		port_check_pin(port);
		port_filters(port, device);
		return;
	}

	if (port->detached) {
		hook_done(&port->hook);
		port_name_input(port, 0);
		message_set(&port->problem, -ENOLINK, "detached; restart the engine to attach it");
		return;
	}
	port->note.text[0] = '\0';
	port_attach(port, device);
}

/* The port's device: the one of its name, or else the one that we are on and that was renamed. */
static int port_find(struct port *port, struct device *ret)
{
	int ifindex = hook_ifindex(&port->hook);

	if (device_find(port->config->name, 0, ret) == 0)
		return 0;
	if (!ifindex || device_find(NULL, ifindex, ret) || !hook_is_on(&port->hook, ret))
		return -ENODEV;
	message_set(&port->remark, 0, "now called %s", ret->name);
	return 0;
}

bool port_check(struct port *port)
{
	char before[MODE_BYTES], after[MODE_BYTES];
	struct device device;

	port_mode(port, before, sizeof(before));
	port->problem.text[0] = '\0';
	port->remark.text[0] = '\0';
	if (port_find(port, &device)) {
		port_check_absent(port);
	} else {
		port_check_present(port, &device);
		port_output(port);
	}
	port_mode(port, after, sizeof(after));
	return strcmp(before, after) != 0;
}

void port_mode(const struct port *port, char *mode, size_t bytes)
{
	const struct message *said[] = {&port->note, &port->filters, &port->remark};
	const char *between = " (";
	size_t end;

	if (port->problem.text[0]) {
		snprintf(mode, bytes, "%s", port->problem.text);
		return;
	}
	end = snprintf(mode, bytes, "%s", port->hook.generic ? "generic" : "native");
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		if (!said[i]->text[0] || end >= bytes)
			continue;
		end += snprintf(mode + end, bytes - end, "%s%s", between, said[i]->text);
		between = "; ";
	}
	if (between[0] == ';' && end < bytes)
		snprintf(mode + end, bytes - end, ")");
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

/* What arrives by the device is not counted any more, so the other ports count it as sent. */
static void pinned_inputs_forget(const char *pins, __u32 slot)
{
	char path[PATH_MAX];
	int map;

	if (snprintf(path, sizeof(path), "%s/inputs", pins) >= (int)sizeof(path))
		return;
	map = bpf_obj_get(path);
	if (map < 0)
		return;
	inputs_forget(map, slot, 0);
	close(map);
}

int port_detach(const char *pins, __u32 slot)
{
	char path[PATH_MAX];
	struct device device;
	struct hook hook;
	bool found;
	int error;

	pin_path(pins, slot, path, sizeof(path));
	hook_init(&hook, path);
	if (hook.link < 0)
		return -ENOENT;
	found = device_find(NULL, hook_ifindex(&hook), &device) == 0 && hook_is_on(&hook, &device);
	error = hook_detach(&hook);
	pinned_inputs_forget(pins, slot);
	for (int direction = 0; found && direction < FILTER_DIRECTIONS; direction++)
		filter_detach(device.ifindex, direction);
	return error;
}
