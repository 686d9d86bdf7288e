/* SPDX-License-Identifier: BSD-3-Clause */
#include "edge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>

#include "batch.h"
#include "eal.h"
#include "oracle.h"

const enum pt_config_table edge_flat = PT_TABLE_FLAT, edge_lpm = PT_TABLE_LPM;

int edge_start(unsigned int mib)
{
	char prefix[32], arguments[32];
	struct eal_options options = {.program = "test",
				      .prefix = prefix,
				      .arguments = arguments,
				      .quiet = true,
				      .offline = true};
	struct message message;

	snprintf(prefix, sizeof(prefix), "peertag-test-%d", getpid());
	snprintf(arguments, sizeof(arguments), "-m %u", mib);
	if (eal_start(&options, &message)) {
		print_error("%s\n", message.text);
		return -1;
	}
	return 0;
}

/* A copy of what was published. */
struct edge_snapshot {
	struct edge_snapshot *before;
	void *bytes; /* of mmap() */
	size_t size;
};

void edge_open(struct edge *edge, enum pt_config_table kind)
{
	struct message message;

	memset(edge, 0, sizeof(*edge));
	edge->kind = kind;
	if (state_open(NULL, EDGE_CAPACITY, EDGE_WORKERS, &edge->state, &message) ||
	    table_new(edge->state, EDGE_WORKERS, kind, &edge->table, &message))
		fail_msg("%s", message.text);
}

static struct edge_snapshot *snapshot_copy(const struct pt_snapshot *snapshot)
{
	struct edge_snapshot *copy = malloc(sizeof(*copy));

	assert_non_null(copy);
	copy->size = snapshot->bytes;
	copy->bytes =
		mmap(NULL, copy->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(copy->bytes != MAP_FAILED);
	memcpy(copy->bytes, snapshot, copy->size);
	return copy;
}

/* At once, as whoever reads in it sees it. */
static void snapshot_clear(struct edge_snapshot *copy)
{
	void *zeroes = mmap(copy->bytes, copy->size, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	assert_true(zeroes == copy->bytes);
}

static void snapshot_free(struct edge_snapshot *copy)
{
	munmap(copy->bytes, copy->size);
	free(copy);
}

void edge_close(struct edge *edge)
{
	table_free(edge->table);
	state_free(edge->state);
	while (edge->snapshots) {
		struct edge_snapshot *copy = edge->snapshots;

		edge->snapshots = copy->before;
		snapshot_free(copy);
	}
}

int edge_try(struct edge *edge, const struct pt_snapshot *snapshot)
{
	struct edge_snapshot *copy = snapshot_copy(snapshot);
	int error = table_publish(edge->table, copy->bytes, &edge->message);

	if (error) {
		snapshot_free(copy);
		return error;
	}
	if (edge->snapshots)
		snapshot_clear(edge->snapshots);
	copy->before = edge->snapshots;
	edge->snapshots = copy;
	return 0;
}

void edge_publish(struct edge *edge, const struct rule_set *set)
{
	struct pt_snapshot *snapshot = rule_set_snapshot(set, ++edge->generation);
	int error = edge_try(edge, snapshot);

	if (error)
		fail_msg("%d: %s", error, edge->message.text);
	table_settle(edge->table);
	assert_int_equal(edge_generation(edge), edge->generation);
	free(snapshot);
}

uint64_t edge_generation(struct edge *edge)
{
	__u64 generation, checksum, bytes;

	table_held(edge->table, &generation, &checksum, &bytes);
	return generation;
}

static uint32_t addr_number(const uint8_t *addr)
{
	return (uint32_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];
}

static uint32_t class_of_image(const struct table_set *set, int family, const uint8_t *addr)
{
	uint32_t class, addr4 = addr_number(addr);

	if (family == 4)
		set->batch->lookup4(set->image, &addr4, &class, 1);
	else
		set->batch->lookup6(set->image, (const uint8_t(*)[16])addr, &class, 1);
	return class;
}

uint32_t edge_worker_class(const struct table_set *set, int family, const uint8_t *addr)
{
	uint32_t class = 0;
	int32_t found = -1;

	if (!set)
		return 0;
	if (set->image)
		return class_of_image(set, family, addr);
	if (family == 4) {
		if (set->lpm4 && !rte_lpm_lookup(set->lpm4, addr_number(addr), &class))
			return class;
		return set->default_class[PT_IPV4];
	}
	if (set->lpm6)
		rte_lpm6_lookup_bulk_func(set->lpm6, (uint8_t(*)[16])addr, &found, 1);
	return found >= 0 ? (uint32_t)found : set->default_class[PT_IPV6];
}

/* Who is asked, and for what. */
struct hearing {
	const struct table_set *seen; /* by workers */
	struct table *table;	      /* NULL: control is not asked */
	const struct rule_set *set;
};

static void hear(const struct hearing *hearing, int family, const uint8_t *addr, uint32_t expected)
{
	const struct pt_class *class = expected ? &hearing->set->classes[expected - 1] : NULL;
	uint32_t connection = expected ? rule_set_connection(class) : 0;
	uint32_t number = edge_worker_class(hearing->seen, family, addr);
	uint32_t told = expected, told_connection = connection;

	if (hearing->table)
		table_lookup(hearing->table, family == 4 ? PT_IPV4 : PT_IPV6, addr, &told,
			     &told_connection);
	if (number != expected || told != expected || told_connection != connection)
		fail_msg("the class of an IPv%d address %02x%02x%02x%02x... should be %u, of "
			 "connection %u: workers see %u, control %u of %u",
			 family, addr[0], addr[1], addr[2], addr[3], expected, connection, number,
			 told, told_connection);
	if (number)
		assert_memory_equal(&hearing->seen->classes[number - 1], class, sizeof(*class));
}

static void hear_all(const struct hearing *hearing)
{
	static const uint8_t others[2][16] = {{198, 51, 100, 7}, {0x20, 1, 0x0d, 0xb8}};
	struct oracle_table *oracle = rule_set_oracle(hearing->set);
	struct boundaries boundaries;

	for (int family = 4; family <= 6; family += 2) {
		boundaries_init(&boundaries, hearing->set, family);
		for (size_t i = 0; i < boundaries.count + 2; i++) {
			const uint8_t *addr = i < boundaries.count ? boundaries.addrs[i]
								   : others[i - boundaries.count];

			hear(hearing, family, addr, oracle_table_lookup(oracle, family, addr));
		}
		boundaries_done(&boundaries);
	}
	oracle_table_free(oracle);
}

void edge_judge(struct edge *edge, const struct rule_set *set)
{
	hear_all(&(struct hearing){*table_active(edge->table), edge->table, set});
}

void edge_judge_seen(const struct table_set *seen, const struct rule_set *set)
{
	hear_all(&(struct hearing){seen, NULL, set});
}

uint64_t edge_heap_bytes(void)
{
	struct rte_malloc_socket_stats stats = {};

	rte_malloc_get_socket_stats(0, &stats);
	return stats.heap_allocsz_bytes;
}
