/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The listening sockets of the API, and who is at the other end. Threading: pure functions.
 */
#ifndef CONTROL_HTTP_LISTEN_H
#define CONTROL_HTTP_LISTEN_H

#include "../registry/error.h"
#include "http.h"

/* Each returns the descriptor, or -errno and a sentence in `error`. */
int http_listen_unix(const char *path, mode_t mode, struct error *error);
int http_listen_tcp(const char *address, struct error *error);

/* Root, the daemon's own user, and members of `group` write; others read. */
enum http_role http_peer_role(int socket, gid_t group, uid_t *ret_uid);

#endif
