/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void rules_pin_path(const struct table *table, __u32 side, int family, char *path,
			   size_t bytes)
{
	char name[32];

	snprintf(name, sizeof(name), "rules%d-%u", family == PT_IPV4 ? 4 : 6, side);
	state_pin_path(table->state, name, path, bytes);
}

static __u32 side_other(__u32 side)
{
	return side == 0 ? 1 : 0;
}

/*
 * The active side's tries, from their pins. Where somebody removed a pin, packets still see the set
 * and it cannot be looked up here; so it is not claimed, and the next publish mends that.
 */
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
		if (fd == -ENOENT) {
			table->state->shared->generation = 0;
			continue;
		}
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

/* Holds a trie for lookups, or -1 for none, instead of the one before. */
static void table_hold(struct table *table, __u32 side, enum pt_family family, int fd)
{
	int old;

	pthread_mutex_lock(&table->lock);
	old = table->rules[side][family];
	table->rules[side][family] = fd;
	pthread_mutex_unlock(&table->lock);
	if (old >= 0)
		close(old);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (__u32 side = 0; side < PT_XDP_SIDES; side++)
		for (int family = 0; family < PT_FAMILIES; family++)
			table_hold(table, side, family, -1);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* Takes one family out of a side, and out of everybody's hands. Nobody may be reading it. */
static void trie_drop(struct table *table, __u32 side, enum pt_family family)
{
	char path[PATH_MAX];

	bpf_map_delete_elem(table->set_fds[family], &side);
	if (table->state->dir) {
		rules_pin_path(table, side, family, path, sizeof(path));
		unlink(path);
	}
	table_hold(table, side, family, -1);
}

/* Puts a trie into a side: pinned, so that a restart finds it, and where packets look. */
static int trie_put(struct table *table, __u32 side, enum pt_family family, int fd)
{
	char path[PATH_MAX];
	int error = 0;

	table_hold(table, side, family, fd);
	if (table->state->dir) {
		rules_pin_path(table, side, family, path, sizeof(path));
		error = unlink(path) && errno != ENOENT ? -errno : bpf_obj_pin(fd, path);
	}
	return error ? error : bpf_map_update_elem(table->set_fds[family], &side, &fd, BPF_ANY);
}

/* What is done to one family of a side, in a thread of its own. */
struct work {
	struct table *table;
	const struct pt_snapshot *snapshot; /* NULL: drop */
	__u32 side;
	enum pt_family family;
	int error;
};

static void *work_run(void *argument)
{
	struct work *work = argument;
	int fd;

	if (!work->snapshot) {
		trie_drop(work->table, work->side, work->family);
		return NULL;
	}
	fd = rules_build(work->table->state->maps->obj, work->snapshot, work->family);
	work->error = fd < 0 ? fd : trie_put(work->table, work->side, work->family, fd);
	return NULL;
}

/*
 * Works on both families at once: they take their time to build, and then to wait for a grace
 * period each, which they share. Returns 0 or the first error.
 */
static int side_work(struct table *table, __u32 side, const struct pt_snapshot *snapshot)
{
	struct work ipv4 = {table, snapshot, side, PT_IPV4, 0};
	struct work ipv6 = {table, snapshot, side, PT_IPV6, 0};
	pthread_t thread;
	bool threaded = pthread_create(&thread, NULL, work_run, &ipv6) == 0;

	work_run(&ipv4);
	if (threaded)
		pthread_join(thread, NULL);
	else
		work_run(&ipv6);
	return ipv4.error ? ipv4.error : ipv6.error;
}

static void side_drop(struct table *table, __u32 side)
{
	side_work(table, side, NULL);
}

static int side_fill(struct table *table, __u32 side, const struct pt_snapshot *snapshot,
		     struct message *message)
{
	int error = side_work(table, side, snapshot);

	if (!error)
		return 0;
	side_drop(table, side);
	return message_set(message, error, "cannot build the tables of generation %llu: %s",
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

/* With a trie that is there for nothing else, in the side that nobody reads. */
int table_grace(struct table *table)
{
	static const struct pt_snapshot nothing;
	__u32 side = side_other(table->state->shared->active);
	int fd = rules_build(table->state->maps->obj, &nothing, PT_IPV4);
	int error;

	if (fd < 0)
		return fd;
	error = bpf_map_update_elem(table->set_fds[PT_IPV4], &side, &fd, BPF_ANY);
	bpf_map_delete_elem(table->set_fds[PT_IPV4], &side);
	close(fd);
	return error;
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
	if (owners_conflict(&table->state->owners, snapshot))
		side_flip(table, PT_XDP_SIDE_NONE, side);
	owners_take(&table->state->owners, snapshot);
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
		owners_release(&table->state->owners, snapshot, mark);
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
	int fd, error = 0;
	__u32 active;

	*ret = (struct pt_class){};
	/* Under the lock: the side that is active then is not dropped before we are done. */
	pthread_mutex_lock(&table->lock);
	active = __atomic_load_n(&table->state->shared->active, __ATOMIC_SEQ_CST);
	fd = active < PT_XDP_SIDES ? table->rules[active][family] : -1;
	if (fd >= 0)
		error = rules_lookup(fd, family, addr, ret);
	pthread_mutex_unlock(&table->lock);
	return error;
}
