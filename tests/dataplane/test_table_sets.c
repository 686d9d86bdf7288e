/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lookups of the engine that this is linked with, in sets of rules that are hard on a table,
 * and in the real world's: packets from and to the addresses around every prefix, against the
 * oracle. All sets are published into one engine, one after the other.
 *
 *     test_table_sets [flat|lpm [OCTETS]]
 *
 * OCTETS, 256 unless given, is for tables that cannot hold all of the real one: see test_asn.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge.h"
#include "random_packet.h"
#include "real_table.h"
#include "table_sets.h"

#define TABLE_ROOM (32 << 20)

static enum pt_config_table kind = PT_TABLE_FLAT;
static unsigned int octets = 256;

struct bench {
	struct pt_offline *offline;
	struct oracle_table *oracle;
	const char *name; /* of the set */
	uint64_t generation;
	uint64_t packets;
};

static void bench_open(struct bench *bench, uint32_t counters)
{
	const struct pt_offline_options options = {.way = PT_OFFLINE_ARRIVING,
						   .table = kind,
						   .forward = PT_FORWARD_DROP,
						   .capacity = counters,
						   .table_room = TABLE_ROOM};
	struct rule_set set = {0};
	struct pt_snapshot *nothing = rule_set_snapshot(&set, 1);
	char message[512] = "";

	*bench = (struct bench){.generation = 1};
	if (pt_offline_open(nothing, nothing->bytes, &options, &bench->offline, message,
			    sizeof(message)))
		fail_msg("pt_offline_open: %s", message);
	free(nothing);
}

static void bench_publish(struct bench *bench, const char *name, const struct rule_set *set)
{
	struct pt_snapshot *snapshot = rule_set_snapshot(set, ++bench->generation);
	char message[512] = "";

	if (pt_offline_publish(bench->offline, snapshot, snapshot->bytes, message, sizeof(message)))
		fail_msg("%s: %s", name, message);
	free(snapshot);
	oracle_table_free(bench->oracle);
	bench->oracle = rule_set_oracle(set);
	bench->name = name;
}

static void bench_close(struct bench *bench)
{
	pt_offline_close(bench->offline);
	oracle_table_free(bench->oracle);
}

/* Addresses that packets go between, and what the oracle says of each. */
struct ends {
	int family;
	size_t count;
	uint8_t (*addrs)[16];
	uint32_t *classes;
};

static void compare(const struct bench *bench, const struct ends *ends, size_t end, uint32_t class)
{
	if (class == ends->classes[end])
		return;
	for (int i = 0; i < (ends->family == 4 ? 4 : 16); i++)
		print_error("%02x", ends->addrs[end][i]);
	fail_msg(": %s: class %u instead of %u", bench->name, class, ends->classes[end]);
}

/* The packets from the ends `first` and the next ones, each to the end that is `shift` further. */
static void run_burst(struct bench *bench, const struct ends *ends, size_t first, size_t shift,
		      size_t count)
{
	static uint8_t frames[PT_OFFLINE_BURST_MAX][RANDOM_PACKET_MAX];
	struct pt_offline_result results[PT_OFFLINE_BURST_MAX];
	struct pt_offline_frame runs[PT_OFFLINE_BURST_MAX];

	for (size_t i = 0; i < count; i++) {
		const uint8_t *to = ends->addrs[(first + i + shift) % ends->count];

		runs[i].bytes = frames[i];
		runs[i].size = plain_packet(ends->family, ends->addrs[first + i], to, frames[i]);
	}
	assert_int_equal(pt_offline_run(bench->offline, runs, count, results), 0);
	for (size_t i = 0; i < count; i++) {
		size_t to = (first + i + shift) % ends->count;
		bool matched = ends->classes[first + i] || ends->classes[to];

		compare(bench, ends, first + i, results[i].source_class);
		compare(bench, ends, to, results[i].destination_class);
		assert_int_equal(results[i].outcome,
				 matched ? PT_OUTCOME_MATCHED : PT_OUTCOME_UNMATCHED);
	}
	bench->packets += count;
}

/* Takes `most` ends at random, or all if there are no more. */
static void thin_out(struct ends *ends, size_t most, struct random *random)
{
	if (ends->count <= most)
		return;
	for (size_t i = 0; i < most; i++) {
		size_t other = i + random_below(random, ends->count - i);
		uint8_t addr[16];

		memcpy(addr, ends->addrs[i], sizeof(addr));
		memcpy(ends->addrs[i], ends->addrs[other], sizeof(addr));
		memcpy(ends->addrs[other], addr, sizeof(addr));
	}
	ends->count = most;
}

static void run_family(struct bench *bench, const struct rule_set *set, int family, size_t most,
		       struct random *random)
{
	struct boundaries boundaries;
	struct ends ends = {.family = family};
	size_t shift, count;

	boundaries_init(&boundaries, set, family);
	/* One is left free, for a set without a rule of this family. */
	random_fill(random, boundaries.addrs[boundaries.count], sizeof(*boundaries.addrs));
	ends.count = boundaries.count + 1;
	ends.addrs = boundaries.addrs;
	thin_out(&ends, most, random);
	ends.classes = malloc(ends.count * sizeof(*ends.classes));
	for (size_t i = 0; i < ends.count; i++)
		ends.classes[i] = oracle_table_lookup(bench->oracle, family, ends.addrs[i]);
	shift = random_below(random, ends.count);
	for (size_t i = 0; i < ends.count; i += count) {
		count = ends.count - i < PT_OFFLINE_BURST_MAX ? ends.count - i
							      : PT_OFFLINE_BURST_MAX;
		run_burst(bench, &ends, i, shift, count);
	}
	free(ends.classes);
	boundaries_done(&boundaries);
}

static void run_set(struct bench *bench, const char *name, const struct rule_set *set, size_t most,
		    struct random *random)
{
	bench_publish(bench, name, set);
	run_family(bench, set, 4, most, random);
	run_family(bench, set, 6, most, random);
}

static void sets_that_are_hard_on_a_table_are_looked_up_right(void **state)
{
	size_t most = kind == PT_TABLE_FLAT ? SIZE_MAX : 4000;
	struct random random;
	struct rule_set set;
	struct bench bench;

	(void)state;
	random_init(&random);
	bench_open(&bench, TABLE_SETS_CLASSES_MAX);
	for (size_t i = 0; i < table_set_count; i++) {
		table_set_make(&table_sets[i], &random, &set);
		run_set(&bench, table_sets[i].name, &set, most, &random);
		rule_set_done(&set);
	}
	print_message("# %zu sets, %llu packets\n", table_set_count,
		      (unsigned long long)bench.packets);
	bench_close(&bench);
}

/* Of the real world's a part, since it is much. */
static void real_tables_are_looked_up_right(void **state)
{
	size_t most = kind == PT_TABLE_FLAT ? 40000 : 10000;
	struct random random;
	uint32_t *networks;
	struct rule_set set;
	struct bench bench;

	(void)state;
	if (!real_table_is_there(REAL_TABLE_NETWORKS) || !real_table_is_there(REAL_TABLE_COUNTRIES))
		skip();
	random_init(&random);
	bench_open(&bench, TABLE_SETS_CLASSES_MAX);
	real_table_networks(octets, &set, &networks);
	run_set(&bench, "networks", &set, most, &random);
	free(networks);
	rule_set_done(&set);
	real_table_countries(&set);
	run_set(&bench, "countries", &set, most, &random);
	rule_set_done(&set);
	print_message("# %llu packets\n", (unsigned long long)bench.packets);
	bench_close(&bench);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_that_are_hard_on_a_table_are_looked_up_right),
		cmocka_unit_test(real_tables_are_looked_up_right),
	};

	if (!judge_is_permitted())
		return 77;
	if (argc > 1 && !strcmp(argv[1], "lpm"))
		kind = PT_TABLE_LPM;
	if (argc > 2)
		octets = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
