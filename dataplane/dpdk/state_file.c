/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "state_file.h"

#define STATE_MAGIC   0x3174617473746770 /* "pgtstat1" */
#define LOCK_ATTEMPTS 20
#define LOCK_PAUSE_US 50000

/* Where the parts are. */
struct layout {
	__u64 owners;
	__u64 lanes;
	__u64 bytes;
};

static __u64 page_up(__u64 bytes)
{
	__u64 page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* Returns whether there can be a file of that size. */
static bool layout_of(__u32 capacity, __u32 lane_count, struct layout *ret)
{
	__u64 lanes_bytes;

	ret->owners = page_up(sizeof(struct state_file));
	ret->lanes = page_up(ret->owners + capacity * sizeof(struct pt_owner));
	return capacity > 0 && lane_count > 0 &&
	       !__builtin_mul_overflow(pt_lane_bytes(capacity), lane_count, &lanes_bytes) &&
	       !__builtin_add_overflow(lanes_bytes, ret->lanes, &ret->bytes) &&
	       ret->bytes <= INT64_MAX;
}

static int refuse(struct message *message, int error, const char *path, const char *why)
{
	return message_set(message, error,
			   "cannot use the counters in %s: %s; move it away, and the counts start "
			   "at 0",
			   path, why);
}

/* Whether `fd` is still what is called `path`. */
static bool has_name(int fd, const char *path)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 && lstat(path, &named) == 0 && mine.st_ino == named.st_ino &&
	       mine.st_dev == named.st_dev;
}

/* Returns the descriptor, -EWOULDBLOCK if someone else has it or has just replaced it, or -errno.
 */
static int lock_once(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		error = -errno;
	else if (!has_name(fd, path))
		error = -EWOULDBLOCK;
	if (!error)
		return fd;
	close(fd);
	return error;
}

static const char *owner_problem(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return strerror(errno);
	if (!S_ISREG(stat.st_mode))
		return "it is not a file";
	if (stat.st_uid != geteuid())
		return "it belongs to another user";
	if (stat.st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	return stat.st_nlink == 1 ? NULL : "it has another name as well";
}

/* An engine that was killed this moment may not be gone yet. Returns the descriptor, or -errno. */
static int lock_wait(const char *path, int flags, struct message *message)
{
	const char *why;
	int fd = -EWOULDBLOCK;

	for (int attempt = 0; fd == -EWOULDBLOCK && attempt < LOCK_ATTEMPTS; attempt++) {
		if (attempt)
			usleep(LOCK_PAUSE_US);
		fd = lock_once(path, flags);
	}
	if (fd == -EWOULDBLOCK)
		return message_set(
			message, -EBUSY,
			"cannot use the counters in %s: another engine is running on them", path);
	if (fd == -ELOOP || fd == -EISDIR || fd == -ENXIO)
		return refuse(message, fd, path, "it is not a file");
	if (fd < 0)
		return message_set(message, fd, "cannot open the counters in %s: %s", path,
				   strerror(-fd));
	why = owner_problem(fd);
	if (!why)
		return fd;
	close(fd);
	return refuse(message, -EPERM, path, why);
}

static int allocate(int fd, __u64 bytes)
{
	int error;

	do
		error = posix_fallocate(fd, 0, bytes);
	while (error == EINTR);
	return -error;
}

static int map(int fd, int flags, struct state **ret)
{
	struct state *state;
	struct stat stat;
	void *memory;

	if (fstat(fd, &stat))
		return -errno;
	memory = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	state = calloc(1, sizeof(*state));
	if (!state) {
		munmap(memory, stat.st_size);
		return -ENOMEM;
	}
	state->file = memory;
	state->bytes = stat.st_size;
	state->lock = fd;
	state->counters_fd = -1;
	*ret = state;
	return 0;
}

/* Points to the parts, once the head is known to be good. */
static void find_parts(struct state *state)
{
	const struct state_file *file = state->file;
	char *start = (char *)state->file;

	state->capacity = file->capacity;
	state->lane_count = file->lane_count;
	state->counters_offset = file->lanes_offset;
	state->lanes = (struct pt_lane *)(start + file->lanes_offset);
	state->owners.registry = state->file->registry;
	state->owners.owners = (struct pt_owner *)(start + file->owners_offset);
	state->owners.capacity = file->capacity;
}

static const char *head_problem(const struct state_file *head, __u64 bytes)
{
	struct layout layout;

	if (!layout_of(head->capacity, head->lane_count, &layout) || head->reserved ||
	    head->owners_offset != layout.owners || head->lanes_offset != layout.lanes)
		return "its head is damaged";
	if (bytes != layout.bytes)
		return bytes < layout.bytes ? "it is cut off" : "it is longer than its head says";
	for (int slot = 0; slot < PT_PORTS_MAX; slot++)
		if (!memchr(head->ports[slot], '\0', STATE_PORT_BYTES))
			return "its names of ports are damaged";
	return NULL;
}

static const char *owners_problem(const struct owners *owners)
{
	const struct pt_owner *owner;

	for (__u32 counter = 0; counter < owners->capacity; counter++) {
		owner = &owners->owners[counter];
		if (owner->in_use > 1 || (owner->in_use && !owner->connection))
			return "its owners of counters are damaged";
	}
	return NULL;
}

/* Whether the file is one, before any of it beyond the head is looked at. */
static int check_head(int fd, const char *path, struct message *message)
{
	struct state_file head;
	ssize_t got = pread(fd, &head, sizeof(head), 0);
	struct stat stat;
	const char *why;

	if (got < 0 || fstat(fd, &stat))
		return message_set(message, -errno, "cannot read the counters in %s: %s", path,
				   strerror(errno));
	if ((size_t)got >= offsetof(struct state_file, capacity) && head.magic == STATE_MAGIC &&
	    head.abi != STATE_ABI)
		return refuse(message, -EPROTONOSUPPORT, path, "it is of another version");
	if ((size_t)got < sizeof(head))
		return refuse(message, -EBADMSG, path, "it is cut off");
	if (head.magic != STATE_MAGIC)
		return refuse(message, -EBADMSG, path, "it is not a file of counters");
	why = head_problem(&head, stat.st_size);
	return why ? refuse(message, -EBADMSG, path, why) : 0;
}

static int open_locked(int fd, const char *path, struct state **ret, struct message *message)
{
	struct state *state;
	const char *why;
	struct stat stat;
	int error = check_head(fd, path, message);

	if (error)
		return error;
	/* A file that was copied may have holes. */
	error = fstat(fd, &stat) ? -errno : allocate(fd, stat.st_size);
	if (!error)
		error = map(fd, MAP_POPULATE, &state);
	if (error)
		return message_set(message, error, "cannot map the counters in %s: %s", path,
				   strerror(-error));
	find_parts(state);
	why = owners_problem(&state->owners);
	if (!why) {
		*ret = state;
		return 0;
	}
	munmap(state->file, state->bytes);
	free(state);
	return refuse(message, -EBADMSG, path, why);
}

int state_file_open(const char *path, struct state **ret, struct message *message)
{
	int fd = lock_wait(path, 0, message);
	int error;

	if (fd < 0)
		return fd;
	error = open_locked(fd, path, ret, message);
	if (error)
		close(fd);
	return error;
}

static int fill(int fd, int flags, const struct state_file *head, struct state **ret)
{
	int error = map(fd, flags, ret);

	if (error)
		return error;
	*(*ret)->file = *head;
	find_parts(*ret);
	return 0;
}

/* Sized, but not allocated: what is not used of memory that nobody else has, costs nothing. */
static int make_memory(const struct state_file *head, __u64 bytes, struct state **ret,
		       struct message *message)
{
	int fd = memfd_create("peertag-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error = fd < 0 || ftruncate(fd, bytes) ? -errno : 0;

	if (!error)
		error = fill(fd, 0, head, ret);
	/* What is mapped stays writable. */
	if (!error && fcntl(fd, F_ADD_SEALS,
			    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) {
		error = -errno;
		munmap((*ret)->file, bytes);
		free(*ret);
	}
	if (!error)
		return 0;
	if (fd >= 0)
		close(fd);
	return message_set(message, error, "cannot make %llu bytes of counters: %s", bytes,
			   strerror(-error));
}

static int make_file(int fd, const char *path, const struct state_file *head, __u64 bytes,
		     struct state **ret, struct message *message)
{
	struct statvfs room = {};
	int error = ftruncate(fd, 0) || fchmod(fd, 0600) || fstatvfs(fd, &room) ? -errno : 0;

	if (!error)
		error = allocate(fd, bytes);
	if (!error)
		error = fill(fd, MAP_POPULATE, head, ret);
	if (error == -ENOSPC)
		return message_set(message, error,
				   "cannot make %s: %llu bytes are needed, and %llu are free; make "
				   "room there, or lower max_connections or the number of workers",
				   path, bytes, (__u64)room.f_bavail * room.f_frsize);
	return error ? message_set(message, error, "cannot make %s of %llu bytes: %s", path, bytes,
				   strerror(-error))
		     : 0;
}

int state_file_make(const char *path, __u32 capacity, __u32 lane_count, struct state **ret,
		    struct message *message)
{
	struct state_file head = {.magic = STATE_MAGIC,
				  .abi = STATE_ABI,
				  .capacity = capacity,
				  .lane_count = lane_count};
	struct layout layout;
	int fd, error;

	if (!layout_of(capacity, lane_count, &layout))
		return message_set(message, -EINVAL,
				   "there cannot be counters of %u connections for %u workers",
				   capacity, lane_count);
	head.owners_offset = layout.owners;
	head.lanes_offset = layout.lanes;
	if (!path)
		return make_memory(&head, layout.bytes, ret, message);
	fd = lock_wait(path, O_CREAT, message);
	if (fd < 0)
		return fd;
	error = make_file(fd, path, &head, layout.bytes, ret, message);
	if (error) {
		unlink(path);
		close(fd);
	}
	return error;
}

void state_file_sweep(const char *path)
{
	int fd = lock_once(path, 0);

	if (fd < 0)
		return;
	if (!owner_problem(fd))
		unlink(path);
	close(fd);
}
