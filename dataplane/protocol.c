/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <peertag/engine.h>

static int address_fill(struct sockaddr_un *address, const char *path)
{
	size_t bytes = strlen(path);

	if (bytes == 0)
		return -EINVAL;
	if (bytes >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, bytes);
	return 0;
}

static int socket_open(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int pt_engine_connect(const char *path)
{
	struct sockaddr_un address;
	int error = address_fill(&address, path);
	int fd;

	if (error)
		return error;
	fd = socket_open();
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* Removes a socket file that nobody listens on. Anything else at that path stays. */
static int socket_clear(const char *path)
{
	struct stat stat;
	int fd;

	if (lstat(path, &stat))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -ENOTSOCK;
	fd = pt_engine_connect(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd != -ECONNREFUSED)
		return fd == -EAGAIN ? -EADDRINUSE : fd;
	return unlink(path) ? -errno : 0;
}

static int socket_bind(int fd, const struct sockaddr_un *address, mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;

	umask(old);
	if (!error && listen(fd, SOMAXCONN))
		error = -errno;
	return error;
}

int pt_engine_listen(const char *path, mode_t mode)
{
	struct sockaddr_un address;
	int error = address_fill(&address, path);
	int fd;

	if (!error)
		error = socket_clear(path);
	if (error)
		return error;
	fd = socket_open();
	if (fd < 0)
		return fd;
	error = socket_bind(fd, &address, mode);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

union fds_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(PT_ENGINE_FDS * sizeof(int))];
};

void pt_engine_close_fds(int *fds)
{
	for (int i = 0; i < PT_ENGINE_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int pt_engine_send(int socket, const void *message, size_t bytes, const int *fds)
{
	struct iovec part = {.iov_base = (void *)message, .iov_len = bytes};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	union fds_control control = {};
	size_t count = 0;

	while (fds && count < PT_ENGINE_FDS && fds[count] >= 0)
		count++;
	if (count) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(*fds));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(*fds));
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
	}
	return sendmsg(socket, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The descriptors in a received packet; -1 where there is none. */
static void packet_fds(struct msghdr *packet, int *ret_fds)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(packet);

	for (int i = 0; i < PT_ENGINE_FDS; i++)
		ret_fds[i] = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
}

int pt_engine_receive(int socket, void *message, size_t bytes, int *ret_fds)
{
	struct iovec part = {.iov_base = message, .iov_len = bytes};
	union fds_control control = {};
	/* CMSG_LEN, not _SPACE, which may have room for more: what does not fit, the kernel closes.
	 */
	struct msghdr packet = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control.bytes,
				.msg_controllen = CMSG_LEN(PT_ENGINE_FDS * sizeof(int))};
	ssize_t received = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
	int fds[PT_ENGINE_FDS];

	if (received < 0)
		return -errno;
	packet_fds(&packet, fds);
	if (received == 0 || (size_t)received != bytes || packet.msg_flags & MSG_TRUNC) {
		pt_engine_close_fds(fds);
		return received == 0 ? -ECONNRESET : -EBADMSG;
	}
	if (ret_fds)
		memcpy(ret_fds, fds, sizeof(fds));
	else
		pt_engine_close_fds(fds);
	return 0;
}

/* Whether `bytes` bytes can be mapped: past the end of a file a reader would get SIGBUS. */
static int mappable_check(int fd, __u64 bytes)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return -errno;
	return S_ISREG(stat.st_mode) && (__u64)stat.st_size < bytes ? -EBADMSG : 0;
}

int pt_engine_map_counters(int fd, const struct pt_engine_open *open, struct pt_counters *ret)
{
	size_t bytes, end;
	void *lanes;
	int error;

	if (open->lane_count == 0 ||
	    __builtin_mul_overflow(pt_lane_bytes(open->capacity), open->lane_count, &bytes) ||
	    __builtin_add_overflow(bytes, open->counters_offset, &end))
		return -EBADMSG;
	error = mappable_check(fd, end);
	if (error)
		return error;
	lanes = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, open->counters_offset);
	if (lanes == MAP_FAILED)
		return errno == EINVAL ? -EBADMSG : -errno;
	*ret = (struct pt_counters){
		.lanes = lanes, .lane_count = open->lane_count, .capacity = open->capacity};
	return 0;
}

void pt_engine_unmap_counters(struct pt_counters *counters)
{
	if (counters->lanes)
		munmap((void *)counters->lanes,
		       counters->lane_count * pt_lane_bytes(counters->capacity));
	*counters = (struct pt_counters){};
}

int pt_engine_map_latency(int fd, const struct pt_engine_open *open, struct pt_latency *ret)
{
	size_t bytes;
	void *lanes;
	int error;

	*ret = (struct pt_latency){};
	if (open->latency_slots == 0)
		return 0;
	if (open->latency_slots > PT_LATENCY_SLOTS_MAX || open->latency_lanes == 0 ||
	    open->latency_window_ms == 0 ||
	    __builtin_mul_overflow(pt_latency_lane_bytes(open->latency_slots), open->latency_lanes,
				   &bytes))
		return -EBADMSG;
	error = mappable_check(fd, bytes);
	if (error)
		return error;
	lanes = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (lanes == MAP_FAILED)
		return errno == EINVAL ? -EBADMSG : -errno;
	*ret = (struct pt_latency){.lanes = lanes,
				   .lane_count = open->latency_lanes,
				   .slots = open->latency_slots,
				   .window_ms = open->latency_window_ms};
	return 0;
}

void pt_engine_unmap_latency(struct pt_latency *latency)
{
	if (latency->lanes)
		munmap((void *)latency->lanes,
		       latency->lane_count * pt_latency_lane_bytes(latency->slots));
	*latency = (struct pt_latency){};
}
