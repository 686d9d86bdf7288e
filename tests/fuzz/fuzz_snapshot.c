/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verifier of snapshots. Whatever it accepts must keep every promise of peertag/snapshot.h,
 * which are checked here once more by walking what it let through. Input: a byte whose lowest bit
 * asks for the length and the checksum to be mended, so that what lies behind them is reached, one
 * for the capacity, and the snapshot; where the next bit is set, without its table's roots
 * (roots.h).
 */
#include <stdbool.h>
#include <string.h>

#include <peertag/snapshot.h>

#include "roots.h"
#include "target.h"

#define TABLE_FIRST 128 /* where a table always begins */

static uint64_t gap_end(uint64_t end)
{
	return (end + 7) / 8 * 8;
}

static void require_layout(const struct pt_snapshot *snapshot, size_t size)
{
	uint64_t end = snapshot->connections_offset;

	require(snapshot->bytes == size && snapshot->magic == PT_SNAPSHOT_MAGIC);
	require(snapshot->abi == PT_SNAPSHOT_ABI && snapshot->generation > 0);
	require(snapshot->checksum == pt_snapshot_checksum(snapshot));
	require(snapshot->table_offset == TABLE_FIRST);
	require(end == TABLE_FIRST + pt_snapshot_table(snapshot)->bytes && end % 64 == 0);
	end = gap_end(end + snapshot->class_count * sizeof(__u32));
	require(snapshot->rules_offset[PT_IPV4] == end);
	end = gap_end(end + snapshot->rule_count[PT_IPV4] * sizeof(struct pt_rule4));
	require(snapshot->rules_offset[PT_IPV6] == end);
	require(gap_end(end + snapshot->rule_count[PT_IPV6] * sizeof(struct pt_rule6)) == size);
}

static void require_classes(const struct pt_snapshot *snapshot, uint32_t capacity)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	const __u32 *connections = pt_snapshot_connections(snapshot);

	require(snapshot->counters <= capacity);
	for (uint32_t i = 0; i < snapshot->class_count; i++) {
		require(connections[i] && classes[i].mark);
		require(classes[i].counter < snapshot->counters);
		require(classes[i].vlan <= 4094);
		require(classes[i].dscp < 64 || classes[i].dscp == PT_DSCP_NONE);
	}
	require(snapshot->default_class[PT_IPV4] <= snapshot->class_count);
	require(snapshot->default_class[PT_IPV6] <= snapshot->class_count);
}

static bool bit_of(const uint8_t *addr, int bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

/* The address, then the length, as one string of bytes that sorts as the rules must. */
static void rule_key(const struct pt_snapshot *snapshot, enum pt_family family, uint32_t index,
		     uint8_t ret_key[17])
{
	memset(ret_key, 0, 17);
	if (family == PT_IPV4) {
		const struct pt_rule4 *rule = &pt_snapshot_rules4(snapshot)[index];

		for (int i = 0; i < 4; i++)
			ret_key[i] = rule->addr >> (24 - 8 * i);
		ret_key[16] = rule->len;
		require(rule->class >= 1 && rule->class <= snapshot->class_count);
	} else {
		const struct pt_rule6 *rule = &pt_snapshot_rules6(snapshot)[index];

		memcpy(ret_key, rule->addr, 16);
		ret_key[16] = rule->len;
		require(rule->class >= 1 && rule->class <= snapshot->class_count);
	}
}

static void require_rules(const struct pt_snapshot *snapshot, enum pt_family family)
{
	uint8_t key[17], before[17] = {0};

	for (uint32_t i = 0; i < snapshot->rule_count[family]; i++) {
		rule_key(snapshot, family, i, key);
		require(key[16] >= 1 && key[16] <= (family == PT_IPV4 ? 32 : 128));
		for (int bit = key[16]; bit < 128; bit++)
			require(!bit_of(key, bit));
		require(i == 0 || memcmp(before, key, sizeof(key)) < 0);
		memcpy(before, key, sizeof(key));
	}
}

/* Around every rule: not which class, since the table need not be that of the rules, but one. */
static void require_lookups(const struct pt_snapshot *snapshot)
{
	const struct pt_table *table = pt_snapshot_table(snapshot);

	for (uint32_t i = 0; i < snapshot->rule_count[PT_IPV4]; i++) {
		uint32_t addr = pt_snapshot_rules4(snapshot)[i].addr;

		for (int step = -1; step <= 1; step++)
			require(pt_table_lookup4(table, addr + step) <= snapshot->class_count);
	}
	for (uint32_t i = 0; i < snapshot->rule_count[PT_IPV6]; i++) {
		const uint8_t *addr = pt_snapshot_rules6(snapshot)[i].addr;
		uint64_t high = pt_load_be64(addr), low = pt_load_be64(addr + 8);

		for (int step = -1; step <= 1; step++)
			require(pt_table_lookup6(table, high + step, low + step) <=
				snapshot->class_count);
	}
}

/* In memory of exactly its size. */
static struct pt_snapshot *take(const uint8_t *bytes, size_t size, bool rootless, size_t *ret_size)
{
	size_t whole = rootless ? roots_whole(size) : size;
	struct pt_snapshot *snapshot;

	if (rootless && size < TABLE_FIRST + ROOTS_FIRST)
		return NULL;
	snapshot = malloc(whole);
	if (rootless) {
		memcpy(snapshot, bytes, TABLE_FIRST);
		roots_insert((void *)((char *)snapshot + TABLE_FIRST), bytes + TABLE_FIRST,
			     size - TABLE_FIRST);
	} else if (size) {
		memcpy(snapshot, bytes, size);
	}
	*ret_size = whole;
	return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct pt_snapshot *snapshot;
	const char *why = NULL;
	uint32_t capacity;
	int error;

	if (size < 2)
		return 0;
	capacity = input[1];
	snapshot = take(input + 2, size - 2, input[0] & 2, &size);
	if (!snapshot)
		return 0;
	if (input[0] & 1 && size >= sizeof(*snapshot)) {
		snapshot->bytes = size;
		snapshot->checksum = pt_snapshot_checksum(snapshot);
	}
	error = pt_snapshot_verify(snapshot, size, &(struct pt_snapshot_limits){capacity, capacity},
				   &why);
	require(error ? why != NULL && error < 0 : 1);
	if (!error) {
		require_layout(snapshot, size);
		require_classes(snapshot, capacity);
		require_rules(snapshot, PT_IPV4);
		require_rules(snapshot, PT_IPV6);
		require_lookups(snapshot);
	}
	free(snapshot);
	return 0;
}
