/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pins.h"

#define PINS_MOUNT    "/sys/fs/bpf"
#define LOCK_ATTEMPTS 20
#define LOCK_PAUSE_US 50000

static int is_bpf(const char *path)
{
	struct statfs file_system;

	return statfs(path, &file_system) == 0 && file_system.f_type == BPF_FS_MAGIC;
}

static int mount_bpf(struct message *message)
{
	if (is_bpf(PINS_MOUNT) || mount("bpf", PINS_MOUNT, "bpf", 0, "mode=0700") == 0)
		return 0;
	return message_set(message, -errno,
			   "cannot mount the BPF file system on " PINS_MOUNT
			   ": %s; as root: mount -t bpf bpf " PINS_MOUNT,
			   strerror(errno));
}

/* Makes path and what is missing above it. path is changed meanwhile. */
static int make_path(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int pins_make_dir(const char *dir, struct message *message)
{
	char path[PATH_MAX];
	int error = 0;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path) - 32)
		return message_set(message, -ENAMETOOLONG, "the path of the pins is too long");
	if (!strncmp(dir, PINS_MOUNT "/", strlen(PINS_MOUNT "/")))
		error = mount_bpf(message);
	if (error)
		return error;
	error = make_path(path);
	if (error)
		return message_set(message, error,
				   "cannot make the directory %s for the pins: %s (it must be on a "
				   "BPF file system, and have no dot in its name)",
				   path, strerror(-error));
	if (!is_bpf(dir))
		return message_set(message, -EINVAL,
				   "%s is not on a BPF file system: choose `pins` below " PINS_MOUNT
				   ", or mount -t bpf bpf on a directory above it",
				   dir);
	return 0;
}

/* An engine that was killed this moment may not be gone yet. */
static int lock_wait(int fd)
{
	for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		usleep(LOCK_PAUSE_US);
	}
	return -EBUSY;
}

int pins_lock(const char *dir, struct message *message)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : lock_wait(fd);

	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	return message_set(message, error, "cannot take the pins in %s: %s", dir,
			   error == -EBUSY ? "another engine is running on them"
					   : strerror(-error));
}

int pins_check_map(int fd, size_t value_bytes)
{
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &bytes);

	if (error)
		return error;
	return info.type == BPF_MAP_TYPE_ARRAY && info.value_size == value_bytes ? 0 : -EINVAL;
}
