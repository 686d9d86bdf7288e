/* SPDX-License-Identifier: BSD-3-Clause */
#include "edge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>

#include "eal.h"
#include "oracle.h"

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

void edge_open(struct edge *edge)
{
	struct message message;

	memset(edge, 0, sizeof(*edge));
	if (state_open(NULL, EDGE_CAPACITY, EDGE_WORKERS, &edge->state, &message) ||
	    table_new(edge->state, EDGE_WORKERS, &edge->table, &message))
		fail_msg("%s", message.text);
}

void edge_close(struct edge *edge)
{
	table_free(edge->table);
	state_free(edge->state);
}

int edge_try(struct edge *edge, const struct pt_snapshot *snapshot)
{
	return table_publish(edge->table, snapshot, &edge->message);
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

uint32_t edge_worker_class(const struct table_set *set, int family, const uint8_t *addr)
{
	uint32_t addr4 = (uint32_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];
	uint32_t class = 0;
	int32_t found = -1;

	if (!set)
		return 0;
	if (family == 4) {
		if (set->lpm4 && !rte_lpm_lookup(set->lpm4, addr4, &class))
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
	static const struct pt_class none;
	const struct pt_class *class = expected ? &hearing->set->classes[expected - 1] : &none;
	uint32_t number = edge_worker_class(hearing->seen, family, addr);
	struct pt_class told = *class;

	if (hearing->table)
		table_lookup(hearing->table, family == 4 ? PT_IPV4 : PT_IPV6, addr, &told);
	if (number != expected || memcmp(&told, class, sizeof(told)))
		fail_msg("the class of an IPv%d address %02x%02x%02x%02x... should be %u, workers "
			 "see %u, control %u",
			 family, addr[0], addr[1], addr[2], addr[3], expected, number, told.class);
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
