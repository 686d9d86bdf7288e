/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "owners.h"
#include "skeleton.h"
#include "pins.h"
#include "rules.h"
#include "state.h"
#include "table.h"

struct table {
	struct state *state;
	int set_fds[PT_FAMILIES]; /* the maps of maps */
	/* Guards what follows against table_lookup. */
	pthread_mutex_t lock;
	int rules[PT_XDP_SIDES][PT_FAMILIES]; /* -1: none */
};

static void rules_pin_name(__u32 side, int family, char *name, size_t bytes)
{
	snprintf(name, bytes, "rules%d-%u", family == PT_IPV4 ? 4 : 6, side);
}

static void rules_pin_path(const struct table *table, __u32 side, int family, char *path,
			   size_t bytes)
{
	char name[32];

	rules_pin_name(side, family, name, sizeof(name));
	state_pin_path(table->state, name, path, bytes);
}

static __u32 side_other(__u32 side)
{
	return side == 0 ? 1 : 0;
}

/* The active side's tries, from their pins. Without them nothing could be looked up here. */
static int table_take_up(struct table *table, struct message *message)
{
	__u32 active = table->state->shared->active;
	char path[PATH_MAX];
	int fd;

	if (!table->state->dir || active >= PT_XDP_SIDES)
		return 0;
	for (int family = 0; family < PT_FAMILIES; family++) {
		rules_pin_path(table, active, family, path, sizeof(path));
		fd = bpf_obj_get(path);
		if (fd < 0)
			return message_set(message, fd, "cannot open the pinned table %s: %s", path,
					   strerror(-fd));
		table->rules[active][family] = fd;
	}
	return 0;
}

int table_new(struct state *state, struct table **ret, struct message *message)
{
	struct table *table = calloc(1, sizeof(*table));
	int error;

	if (!table)
		return message_set(message, -ENOMEM, "out of memory");
	table->state = state;
	table->set_fds[PT_IPV4] = state_map(state, "sets4");
	table->set_fds[PT_IPV6] = state_map(state, "sets6");
	memset(table->rules, 0xff, sizeof(table->rules));
	pthread_mutex_init(&table->lock, NULL);
	error = table_take_up(table, message);
	if (error) {
		table_free(table);
		return error;
	}
	*ret = table;
	return 0;
}

/* Closes what this process holds of a side; what is pinned or in the sets lives on. */
static void side_close(struct table *table, __u32 side)
{
	for (int family = 0; family < PT_FAMILIES; family++) {
		if (table->rules[side][family] >= 0)
			close(table->rules[side][family]);
		table->rules[side][family] = -1;
	}
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (__u32 side = 0; side < PT_XDP_SIDES; side++)
		side_close(table, side);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

struct build {
	const struct bpf_map *pattern;
	const struct pt_snapshot *snapshot;
	int fd;
};

static void *build_ipv6(void *argument)
{
	struct build *build = argument;

	build->fd = rules_build(build->pattern, build->snapshot, PT_IPV6);
	return NULL;
}

/* Both families, one of them in a thread of its own if there can be one. */
static int tries_build(const struct table *table, const struct pt_snapshot *snapshot,
		       int ret_rules[PT_FAMILIES])
{
	const struct peertag *maps = table->state->maps;
	struct build build = {.pattern = maps->maps.rules6, .snapshot = snapshot};
	pthread_t thread;
	bool threaded = pthread_create(&thread, NULL, build_ipv6, &build) == 0;
	int ipv4 = rules_build(maps->maps.rules4, snapshot, PT_IPV4);

	if (threaded)
		pthread_join(thread, NULL);
	else
		build_ipv6(&build);
	if (ipv4 >= 0 && build.fd >= 0) {
		ret_rules[PT_IPV4] = ipv4;
		ret_rules[PT_IPV6] = build.fd;
		return 0;
	}
	if (ipv4 >= 0)
		close(ipv4);
	if (build.fd >= 0)
		close(build.fd);
	return ipv4 < 0 ? ipv4 : build.fd;
}

/* Takes a side out of everybody's hands. Nobody may be reading it. */
static void side_drop(struct table *table, __u32 side)
{
	char path[PATH_MAX];

	for (int family = 0; family < PT_FAMILIES; family++) {
		bpf_map_delete_elem(table->set_fds[family], &side);
		if (!table->state->dir)
			continue;
		rules_pin_path(table, side, family, path, sizeof(path));
		unlink(path);
	}
	pthread_mutex_lock(&table->lock);
	side_close(table, side);
	pthread_mutex_unlock(&table->lock);
}

/* Puts one family's trie into a side: pinned, so that a restart finds it, and in the set. */
static int side_put(const struct table *table, __u32 side, int family, int fd)
{
	char path[PATH_MAX];
	int error = 0;

	if (table->state->dir) {
		rules_pin_path(table, side, family, path, sizeof(path));
		error = unlink(path) && errno != ENOENT ? -errno : bpf_obj_pin(fd, path);
	}
	return error ? error : bpf_map_update_elem(table->set_fds[family], &side, &fd, BPF_ANY);
}

static int side_fill(struct table *table, __u32 side, const struct pt_snapshot *snapshot,
		     struct message *message)
{
	int rules[PT_FAMILIES];
	int error = tries_build(table, snapshot, rules);

	if (error)
		return message_set(message, error, "cannot build the tables of generation %llu: %s",
				   (unsigned long long)snapshot->generation, strerror(-error));
	pthread_mutex_lock(&table->lock);
	side_close(table, side);
	memcpy(table->rules[side], rules, sizeof(rules));
	pthread_mutex_unlock(&table->lock);
	for (int family = 0; !error && family < PT_FAMILIES; family++)
		error = side_put(table, side, family, rules[family]);
	if (!error)
		return 0;
	side_drop(table, side);
	return message_set(message, error, "cannot hand the tables of generation %llu over: %s",
			   (unsigned long long)snapshot->generation, strerror(-error));
}

/*
 * Waits until no program runs that began before: an update of a map of maps does. The side is one
 * that holds its trie already, and gets it again. The kernel has nothing to refuse in that but for
 * want of a few bytes, and there is no going on without it.
 */
static void grace_period(struct table *table, __u32 side)
{
	while (bpf_map_update_elem(table->set_fds[PT_IPV4], &side, &table->rules[side][PT_IPV4],
				   BPF_ANY))
		usleep(1000);
}

static void side_flip(struct table *table, __u32 active, __u32 waited_on)
{
	__atomic_store_n(&table->state->shared->active, active, __ATOMIC_SEQ_CST);
	grace_period(table, waited_on);
}

static void table_flip(struct table *table, __u32 side, const struct pt_snapshot *snapshot)
{
	struct pt_xdp_state *shared = table->state->shared;

	__atomic_store_n(&shared->generation, 0, __ATOMIC_SEQ_CST);
	if (owners_conflict(table->state, snapshot))
		side_flip(table, PT_XDP_SIDE_NONE, side);
	owners_take(table->state, snapshot);
	side_flip(table, side, side);
	shared->checksum = snapshot->checksum;
	shared->table_bytes =
		rules_bytes(table->rules[side][PT_IPV4]) + rules_bytes(table->rules[side][PT_IPV6]);
	__atomic_store_n(&shared->generation, snapshot->generation, __ATOMIC_SEQ_CST);
}

int table_publish(struct table *table, const struct pt_snapshot *snapshot, struct message *message)
{
	__u32 side = side_other(table->state->shared->active);
	bool *mark = calloc(table->state->capacity, sizeof(*mark));
	int error;

	if (!mark)
		return message_set(message, -ENOMEM, "out of memory");
	error = side_fill(table, side, snapshot, message);
	if (!error) {
		table_flip(table, side, snapshot);
		owners_release(table->state, snapshot, mark);
	}
	free(mark);
	return error;
}

void table_settle(struct table *table)
{
	__u32 active = table->state->shared->active;

	if (active < PT_XDP_SIDES)
		side_drop(table, side_other(active));
}

int table_lookup(struct table *table, enum pt_family family, const __u8 *addr, struct pt_class *ret)
{
	__u32 active = table->state->shared->active;
	int fd, error = 0;

	*ret = (struct pt_class){};
	pthread_mutex_lock(&table->lock);
	fd = active < PT_XDP_SIDES ? table->rules[active][family] : -1;
	if (fd >= 0)
		error = rules_lookup(fd, family, addr, ret);
	pthread_mutex_unlock(&table->lock);
	return error;
}
