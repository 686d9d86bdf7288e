/* SPDX-License-Identifier: BSD-3-Clause */
#include "http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GROUPS_MAX 1024

static int listen_error(struct error *error, const char *where, const char *hint)
{
	int r = -errno;

	error_set(error, ERROR_INTERNAL, "cannot listen on %s: %s", where, strerror(-r));
	if (hint)
		error_set_hint(error, "%s", hint);
	return r;
}

/* A socket file that nobody answers on is left over from a process that was killed. */
static bool socket_is_stale(const struct sockaddr_un *address)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat file;
	bool stale;

	if (probe < 0)
		return false;
	stale = lstat(address->sun_path, &file) == 0 && S_ISSOCK(file.st_mode) &&
		connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		errno == ECONNREFUSED;
	close(probe);
	return stale;
}

int http_listen_unix(const char *path, mode_t mode, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return listen_error(error, path, "set a shorter path as `api`");
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (socket_is_stale(&address))
		unlink(path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return listen_error(error, path, NULL);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 ||
	    listen(fd, SOMAXCONN) < 0) {
		int r = listen_error(error, path,
				     errno == EADDRINUSE
					     ? "another peertagd answers there: stop it, "
					       "or set another path as `api`"
					     : "does its folder exist, and is it writable?");
		close(fd);
		return r;
	}
	return fd;
}

/* "127.0.0.1:9471" or "[::1]:9471". */
static bool address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_bytes)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (!length || length >= sizeof(host))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (text[0] == '[' && text[length - 1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)length - 2, text + 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(colon + 1));
		*ret_bytes = sizeof(*v6);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	snprintf(host, sizeof(host), "%.*s", (int)length, text);
	v4->sin_family = AF_INET;
	v4->sin_port = htons(atoi(colon + 1));
	*ret_bytes = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

int http_listen_tcp(const char *text, struct error *error)
{
	struct sockaddr_storage address;
	socklen_t bytes;
	int fd, on = 1, r;

	if (!address_parse(text, &address, &bytes)) {
		errno = EINVAL;
		return listen_error(error, text, "`listen` is ADDRESS:PORT, as in 127.0.0.1:9471");
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return listen_error(error, text, NULL);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, bytes) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;

	r = listen_error(error, text,
			 errno == EADDRINUSE
				 ? "another program has the port: set another as `listen`"
				 : "is it an address of this host, and its interface up?");
	close(fd);
	return r;
}

static bool peer_in_group(int socket, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t bytes = sizeof(groups);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) < 0)
		return false;
	for (size_t i = 0; i < bytes / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

enum http_role http_peer_role(int socket, gid_t group, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	*ret_uid = (uid_t)-1;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		return HTTP_READER;
	*ret_uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == group ||
	    peer_in_group(socket, group))
		return HTTP_WRITER;
	return HTTP_READER;
}
