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
	int nothing;		  /* an empty trie: see table_grace() */
	/* Guards what follows, and the images, against table_lookup. */
	pthread_mutex_t lock;
	int rules[PT_XDP_SIDES][PT_FAMILIES]; /* tries; -1: none */
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
 * and it cannot be looked up here, and where the table was another kind, there are none; so it is
 * not claimed, and the next publish mends that.
 */
static int table_take_up(struct table *table, struct message *message)
{
	__u32 active = table->state->shared->active;
	char path[PATH_MAX];
	int fd;

	if (!table->state->dir || !table->state->tries || active >= PT_XDP_SIDES)
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
	static const struct pt_snapshot nothing;
	struct table *table = calloc(1, sizeof(*table));
	int error;

	if (!table)
		return message_set(message, -ENOMEM, "out of memory");
	table->state = state;
	table->set_fds[PT_IPV4] = state_map(state, "sets4");
	table->set_fds[PT_IPV6] = state_map(state, "sets6");
	memset(table->rules, 0xff, sizeof(table->rules));
	pthread_mutex_init(&table->lock, NULL);
	table->nothing = rules_build(state->maps->obj, &nothing, PT_IPV4);
	error = table->nothing < 0 ? message_set(message, table->nothing, "cannot make a trie: %s",
						 strerror(-table->nothing))
				   : table_take_up(table, message);
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
	if (table->nothing >= 0)
		close(table->nothing);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* Whether a side has a trie; of an engine that had tries before, only the pin tells. */
static bool trie_is_there(const struct table *table, __u32 side, enum pt_family family)
{
	char path[PATH_MAX];

	if (table->rules[side][family] >= 0 || !table->state->dir)
		return table->rules[side][family] >= 0;
	rules_pin_path(table, side, family, path, sizeof(path));
	return access(path, F_OK) == 0;
}

/* Takes one family out of a side, and out of everybody's hands. Nobody may be reading it. */
static void trie_drop(struct table *table, __u32 side, enum pt_family family)
{
	char path[PATH_MAX];

	if (!trie_is_there(table, side, family))
		return;
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
static int tries_work(struct table *table, __u32 side, const struct pt_snapshot *snapshot)
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

static void tries_drop(struct table *table, __u32 side)
{
	if (trie_is_there(table, side, PT_IPV4) || trie_is_there(table, side, PT_IPV6))
		tries_work(table, side, NULL);
}

static int image_put(struct table *table, __u32 side, const struct pt_snapshot *snapshot,
		     struct message *message)
{
	const struct pt_table *image = pt_snapshot_table(snapshot);

	if (image->bytes > table->state->table_room)
		return message_set(message, -ENOSPC,
				   "the table of generation %llu has %llu bytes, and there is room "
				   "for %u: raise max_prefixes and restart the engine",
				   (unsigned long long)snapshot->generation,
				   (unsigned long long)image->bytes, table->state->table_room);
	pthread_mutex_lock(&table->lock);
	memcpy(state_table(table->state, side), image, image->bytes);
	pthread_mutex_unlock(&table->lock);
	return 0;
}

static int side_fill(struct table *table, __u32 side, const struct pt_snapshot *snapshot,
		     struct message *message)
{
	int error;

	tries_drop(table, side);
	error = image_put(table, side, snapshot, message);
	if (error || !table->state->tries)
		return error;
	error = tries_work(table, side, snapshot);
	if (!error)
		return 0;
	tries_drop(table, side);
	return message_set(message, error, "cannot build the tables of generation %llu: %s",
			   (unsigned long long)snapshot->generation, strerror(-error));
}

/*
 * Waits until no program runs that began before: an update of a map of maps does. The kernel has
 * nothing to refuse in that but for want of a few bytes.
 */
int table_grace(struct table *table)
{
	__u32 first = 0;

	return bpf_map_update_elem(state_map(table->state, "grace"), &first, &table->nothing,
				   BPF_ANY);
}

/* There is no going on without a grace period. */
static void side_flip(struct table *table, __u32 active)
{
	__atomic_store_n(&table->state->shared->active, active, __ATOMIC_SEQ_CST);
	while (table_grace(table))
		usleep(1000);
}

static void table_flip(struct table *table, __u32 side, const struct pt_snapshot *snapshot)
{
	struct pt_xdp_state *shared = table->state->shared;

	__atomic_store_n(&shared->generation, 0, __ATOMIC_SEQ_CST);
	if (owners_conflict(&table->state->owners, snapshot))
		side_flip(table, PT_XDP_SIDE_NONE);
	owners_take(&table->state->owners, snapshot);
	side_flip(table, side);
	shared->checksum = snapshot->checksum;
	shared->table_bytes = pt_snapshot_table(snapshot)->bytes;
	for (int family = 0; table->state->tries && family < PT_FAMILIES; family++)
		shared->table_bytes += rules_bytes(table->rules[side][family]);
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
		tries_drop(table, side_other(active));
}

static int side_find(const struct table *table, __u32 side, enum pt_family family, const __u8 *addr,
		     __u32 *ret_class)
{
	const struct pt_table *image = state_table(table->state, side);
	int fd = table->rules[side][family];

	*ret_class = 0;
	if (table->state->tries)
		return fd < 0 ? 0 : rules_lookup(fd, family, addr, ret_class);
	*ret_class = pt_table_lookup(image, family, addr);
	return 0;
}

int table_lookup(struct table *table, enum pt_family family, const __u8 *addr, __u32 *ret_class,
		 struct pt_class *ret)
{
	int error = 0;
	__u32 active;

	*ret = (struct pt_class){};
	*ret_class = 0;
	/* Under the lock: the side that is active then is not changed before we are done. */
	pthread_mutex_lock(&table->lock);
	active = __atomic_load_n(&table->state->shared->active, __ATOMIC_SEQ_CST);
	if (active < PT_XDP_SIDES)
		error = side_find(table, active, family, addr, ret_class);
	if (!error && *ret_class)
		*ret = state_table(table->state, active)->classes[*ret_class - 1];
	pthread_mutex_unlock(&table->lock);
	return error;
}
