/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hook.h"

/*
 * Whether the frames may be what is in the way of a plain program, so that the one for several
 * buffers is worth a try. Drivers say EINVAL, ERANGE or others, and a veth looks at its peer's MTU.
 */
static bool may_want_frags(const struct hook_programs *programs, int error)
{
	return programs->frags >= 0 && error < 0 && error != -EOPNOTSUPP && error != -EBUSY &&
	       error != -EEXIST;
}

void hook_init(struct hook *hook, const char *pin)
{
	*hook = (struct hook){};
	snprintf(hook->pin, sizeof(hook->pin), "%s", pin);
	hook->link = bpf_obj_get(pin);
	if (hook->link < 0)
		hook->link = -1;
}

void hook_done(struct hook *hook)
{
	if (hook->link >= 0)
		close(hook->link);
	hook->link = -1;
}

static struct bpf_link_info hook_info(const struct hook *hook)
{
	struct bpf_link_info info = {};
	__u32 bytes = sizeof(info);

	if (hook->link < 0 || bpf_obj_get_info_by_fd(hook->link, &info, &bytes) ||
	    info.type != BPF_LINK_TYPE_XDP)
		return (struct bpf_link_info){};
	return info;
}

int hook_ifindex(const struct hook *hook)
{
	return hook_info(hook).xdp.ifindex;
}

bool hook_is_on(const struct hook *hook, const struct device *device)
{
	struct bpf_link_info info = hook_info(hook);

	return info.xdp.ifindex == (__u32)device->ifindex && info.prog_id == device->xdp_program;
}

int hook_detach(struct hook *hook)
{
	int error = hook->link >= 0 ? bpf_link_detach(hook->link) : 0;

	if (unlink(hook->pin) && errno != ENOENT && !error)
		error = -errno;
	hook_done(hook);
	return error;
}

/* Tries the plain program, then the other one. */
static int hook_update(struct hook *hook, const struct hook_programs *programs)
{
	int error = bpf_link_update(hook->link, programs->plain, NULL);

	hook->frags = false;
	if (!may_want_frags(programs, error) || hook->generic)
		return error;
	hook->frags = true;
	return bpf_link_update(hook->link, programs->frags, NULL);
}

static int link_create(int program, int ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(program, ifindex, BPF_XDP, &options);
}

static int hook_create(struct hook *hook, const struct device *device, bool generic,
		       const struct hook_programs *programs)
{
	__u32 flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	int link = link_create(programs->plain, device->ifindex, flags);
	bool frags = !generic && may_want_frags(programs, link);
	int error;

	if (frags)
		link = link_create(programs->frags, device->ifindex, flags);
	if (link < 0)
		return link;
	error = unlink(hook->pin) && errno != ENOENT ? -errno : bpf_obj_pin(link, hook->pin);
	if (error) {
		close(link);
		return error;
	}
	hook->link = link;
	hook->generic = generic;
	hook->frags = frags;
	return 0;
}

/* The name of a program, for the message; asking for it takes CAP_SYS_ADMIN. */
static void program_name(__u32 id, char *name, size_t bytes)
{
	struct bpf_prog_info info = {};
	__u32 info_bytes = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, bytes, "?");
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0 && info.name[0])
		snprintf(name, bytes, "%s", info.name);
	close(fd);
}

static int message_held(const struct device *device, struct message *message)
{
	const char *mode = device->xdp_mode == XDP_ATTACHED_SKB ? "xdpgeneric" : "xdpdrv";
	char name[BPF_OBJ_NAME_LEN];

	program_name(device->xdp_program, name, sizeof(name));
	return message_set(message, -EBUSY,
			   "XDP is held by program %u (%s): ip link set dev %s %s off, or stop "
			   "what attached it",
			   device->xdp_program, name, device->name, mode);
}

static const char *refusal(int error)
{
	if (error == -EOPNOTSUPP)
		return "the driver has none";
	return error == -ERANGE ? "the MTU, or the peer's, is too large" : strerror(-error);
}

static int hook_attach_new(struct hook *hook, const struct device *device, enum pt_config_mode mode,
			   const struct hook_programs *programs, struct message *note,
			   struct message *message)
{
	int native = -EOPNOTSUPP, error;

	if (device->xdp_program)
		return message_held(device, message);
	if (mode != PT_MODE_GENERIC) {
		native = hook_create(hook, device, false, programs);
		if (!native)
			return 0;
	}
	if (mode == PT_MODE_NATIVE)
		return message_set(message, native,
				   "native XDP refused (MTU %u): %s; `mode: generic` would work",
				   device->mtu, refusal(native));
	error = hook_create(hook, device, true, programs);
	if (error)
		return message_set(message, error, "XDP refused: %s", strerror(-error));
	if (mode == PT_MODE_AUTO)
		message_set(note, 0, "native refused: %s", refusal(native));
	return 0;
}

int hook_attach(struct hook *hook, const struct device *device, enum pt_config_mode mode,
		const struct hook_programs *programs, struct message *note, struct message *message)
{
	bool generic = device->xdp_mode == XDP_ATTACHED_SKB;
	struct device freed = *device;
	int error;

	if (hook->link < 0 || hook_ifindex(hook) != device->ifindex) {
		hook_done(hook);
		return hook_attach_new(hook, device, mode, programs, note, message);
	}
	hook->generic = generic;
	if ((mode == PT_MODE_NATIVE && generic) || (mode == PT_MODE_GENERIC && !generic)) {
		hook_detach(hook);
		freed.xdp_program = 0;
		return hook_attach_new(hook, &freed, mode, programs, note, message);
	}
	error = hook_update(hook, programs);
	if (error)
		return message_set(message, error, "the attached program cannot be updated: %s",
				   strerror(-error));
	if (mode == PT_MODE_AUTO && generic)
		message_set(note, 0, "native refused when it was attached");
	return 0;
}
