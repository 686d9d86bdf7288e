/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"

/* Our place among the filters: behind the low priorities that people give by hand. */
#define FILTER_PRIORITY 28788
#define FILTER_HANDLE	1

static const char *const direction_names[FILTER_DIRECTIONS] = {"ingress", "egress"};

static struct bpf_tc_hook hook_of(int ifindex, enum filter_direction direction)
{
	return (struct bpf_tc_hook){.sz = sizeof(struct bpf_tc_hook),
				    .ifindex = ifindex,
				    .attach_point = direction == FILTER_INGRESS ? BPF_TC_INGRESS
										: BPF_TC_EGRESS};
}

/* Returns 0 and the id of the program that is at our place, or -errno: -ENOENT for none. */
static int filter_query(int ifindex, enum filter_direction direction, __u32 *ret_program)
{
	struct bpf_tc_hook hook = hook_of(ifindex, direction);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int error = bpf_tc_query(&hook, &options);

	/* Without a clsact qdisc the kernel says EINVAL. */
	if (error)
		return error == -EINVAL ? -ENOENT : error;
	*ret_program = options.prog_id;
	return 0;
}

/*
 * Whether a program is one of ours, by its name. Asking by id takes CAP_SYS_ADMIN; an engine
 * without that has to trust the place, which nobody else has a reason to use.
 */
static bool program_is_ours(__u32 id)
{
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	int error;

	if (fd < 0)
		return fd == -EPERM;
	error = bpf_obj_get_info_by_fd(fd, &info, &bytes);
	close(fd);
	return !error && (!strcmp(info.name, "pt_egress") || !strcmp(info.name, "pt_mark"));
}

static bool filter_present(int ifindex, enum filter_direction direction)
{
	__u32 program;

	return filter_query(ifindex, direction, &program) == 0 && program_is_ours(program);
}

bool filter_holds(int ifindex, enum filter_direction direction, int fd)
{
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info), program;

	return bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 &&
	       filter_query(ifindex, direction, &program) == 0 && program == info.id;
}

int filter_attach(int ifindex, enum filter_direction direction, int fd, struct message *message)
{
	struct bpf_tc_hook hook = hook_of(ifindex, direction);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = fd, .flags = BPF_TC_F_REPLACE);
	const char *name = direction_names[direction];
	__u32 program;
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return message_set(message, error, "cannot add a clsact qdisc: %s",
				   strerror(-error));
	if (filter_query(ifindex, direction, &program) == 0 && !program_is_ours(program))
		return message_set(
			message, -EBUSY,
			"program %u holds tc %s priority %u: tc filter del dev DEVICE %s "
			"pref %u",
			program, name, FILTER_PRIORITY, name, FILTER_PRIORITY);
	error = bpf_tc_attach(&hook, &options);
	return error ? message_set(message, error, "cannot attach to tc %s: %s", name,
				   strerror(-error))
		     : 0;
}

int filter_detach(int ifindex, enum filter_direction direction)
{
	struct bpf_tc_hook hook = hook_of(ifindex, direction);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return filter_present(ifindex, direction) ? bpf_tc_detach(&hook, &options) : 0;
}
