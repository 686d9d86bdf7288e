/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drops.h"
#include "engine.h"
#include "pins.h"
#include "port.h"

/* The slot of a port in the pins of one engine. Returns 0 and *ret_slot, or -errno. */
static int find_slot(const char *dir, const char *port, __u32 *ret_slot)
{
	struct pt_xdp_state state;
	char path[PATH_MAX];
	__u32 first = 0;
	int fd, error;

	if (snprintf(path, sizeof(path), "%s/state", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	error = pins_check_map(fd, sizeof(state));
	if (!error)
		error = bpf_map_lookup_elem(fd, &first, &state);
	close(fd);
	if (error)
		return error;
	for (__u32 slot = 0; slot < PT_PORTS_MAX; slot++) {
		if (strcmp(state.ports[slot], port))
			continue;
		*ret_slot = slot;
		return 0;
	}
	return -ENOENT;
}

/* The counting of lost redirects ends with the last port. */
static void detach_drops(const char *dir)
{
	char path[PATH_MAX];

	for (__u32 slot = 0; slot < PT_PORTS_MAX; slot++) {
		if (snprintf(path, sizeof(path), "%s/xdp-%u", dir, slot) >= (int)sizeof(path) ||
		    access(path, F_OK) == 0)
			return;
	}
	drops_detach(dir);
}

int engine_detach(const struct pt_config *config, const char *port, struct message *message)
{
	int error = -ENOENT;
	char dir[PATH_MAX];
	struct dirent *entry;
	DIR *pins = opendir(config->pins);
	__u32 slot;

	if (!pins)
		return message_set(message, -errno, "cannot look for pins in %s: %s", config->pins,
				   strerror(errno));
	while (error == -ENOENT && (entry = readdir(pins))) {
		if (entry->d_name[0] == '.' || engine_pins(config, entry->d_name, dir, sizeof(dir)))
			continue;
		error = find_slot(dir, port, &slot);
		if (!error)
			error = port_detach(dir, slot);
		if (!error)
			detach_drops(dir);
	}
	closedir(pins);
	if (error == -ENOENT)
		return message_set(message, error,
				   "%s is not attached: nothing is pinned for it "
				   "in %s",
				   port, config->pins);
	return error ? message_set(message, error, "cannot detach %s: %s", port, strerror(-error))
		     : 0;
}
