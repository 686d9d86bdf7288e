/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept.h"

static int write_all(int fd, const char *from, size_t bytes)
{
	ssize_t written;

	while (bytes) {
		written = write(fd, from, bytes);
		if (written < 0 && errno != EINTR)
			return -errno;
		if (written < 0)
			continue;
		from += written;
		bytes -= written;
	}
	return fsync(fd) ? -errno : 0;
}

int kept_save(const char *path, const void *image, size_t bytes)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	/* Whoever may write to the directory could have put a link or a pipe there. */
	if (unlink(temporary) && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, image, bytes);
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(temporary, path))
		error = -errno;
	if (error)
		unlink(temporary);
	return error;
}

static int read_all(int fd, char *to, size_t bytes)
{
	ssize_t got;

	while (bytes) {
		got = read(fd, to, bytes);
		if (got == 0)
			return -EBADMSG;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		to += got;
		bytes -= got;
	}
	return 0;
}

static int load_from(int fd, void **ret, size_t *ret_bytes)
{
	struct stat stat;
	void *image;
	int error;

	if (fstat(fd, &stat))
		return -errno;
	if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
		return -EBADMSG;
	image = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (image == MAP_FAILED)
		return -errno;
	error = read_all(fd, image, stat.st_size);
	if (error) {
		munmap(image, stat.st_size);
		return error;
	}
	*ret = image;
	*ret_bytes = stat.st_size;
	return 0;
}

int kept_load(const char *path, void **ret, size_t *ret_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error;

	if (fd < 0)
		return -errno;
	error = load_from(fd, ret, ret_bytes);
	close(fd);
	return error;
}
