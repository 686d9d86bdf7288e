/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler of tables. Whatever rules it is given, the verifier accepts the snapshot, and around
 * every rule the table answers as a scan over all rules does.
 *
 * Input: a byte of flags (bit 0: wide values), the default classes, and rules: a byte whose lowest
 * bit is the family and whose next one says what follows, the length, the class; then the address,
 * or how many prefixes of that length it lies behind the address before.
 */
#include <stdbool.h>
#include <string.h>

#include <peertag/snapshot.h>

#include "rule_set.h"
#include "target.h"

#define RULES_MAX    150
#define CLASSES	     256
#define CLASSES_WIDE 40000

struct reader {
	const uint8_t *at, *end;
};

static uint8_t read_byte(struct reader *reader)
{
	return reader->at < reader->end ? *reader->at++ : 0;
}

typedef unsigned __int128 number;

static number number_of(const uint8_t *addr, int family)
{
	number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | (family == 6 || i < 4 ? addr[i] : 0);
	return n;
}

static void bytes_of(number n, uint8_t ret_addr[16])
{
	for (int i = 15; i >= 0; i--, n >>= 8)
		ret_addr[i] = n;
}

static uint32_t class_of(uint8_t byte, bool wide)
{
	return wide ? 1 + byte * 155u : 1 + byte;
}

static void read_rule(struct reader *reader, struct rule_set *set, number before[2], bool wide)
{
	uint8_t what = read_byte(reader), addr[16] = {0};
	int family = what & 1 ? 6 : 4, width = family == 4 ? 32 : 128;
	int length = 1 + read_byte(reader) % width;
	uint32_t class = class_of(read_byte(reader), wide);
	number *last = &before[what & 1];

	if (what & 2) {
		*last += (number)(int8_t)read_byte(reader) << (128 - length);
	} else {
		for (int i = 0; i < width / 8; i++)
			addr[i] = read_byte(reader);
		*last = number_of(addr, family);
	}
	bytes_of(*last, addr);
	rule_set_add(set, family, addr, length, class);
}

static uint32_t scan(const struct rule_set *set, int family, number addr)
{
	uint32_t class = set->default_class[family == 4 ? PT_IPV4 : PT_IPV6];
	int longest = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct rule *rule = &set->rules[i];
		number apart = number_of(rule->addr, rule->family) ^ addr;

		if (rule->family != family || rule->length <= longest ||
		    apart >> (128 - rule->length))
			continue;
		longest = rule->length;
		class = rule->class;
	}
	return class;
}

static uint32_t lookup(const struct pt_table *table, int family, number addr)
{
	return family == 4 ? pt_table_lookup4(table, addr >> 96)
			   : pt_table_lookup6(table, addr >> 64, addr);
}

static void compare(const struct rule_set *set, const struct pt_table *table)
{
	for (int family = 4; family <= 6; family += 2) {
		struct boundaries boundaries;

		boundaries_init(&boundaries, set, family);
		for (size_t i = 0; i < boundaries.count; i++) {
			number addr = number_of(boundaries.addrs[i], family);

			require(lookup(table, family, addr) == scan(set, family, addr));
		}
		boundaries_done(&boundaries);
		require(lookup(table, family, 0) == scan(set, family, 0));
		require(lookup(table, family, ~(number)0) == scan(set, family, ~(number)0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct reader reader = {input, input + size};
	bool wide = read_byte(&reader) & 1;
	struct rule_set set = {0};
	struct pt_snapshot *snapshot;
	number before[2] = {0};
	const char *why = NULL;

	for (int family = 0; family < PT_FAMILIES; family++) {
		uint8_t byte = read_byte(&reader);

		set.default_class[family] = byte ? class_of(byte, wide) : 0;
	}
	while (reader.at < reader.end && set.count < RULES_MAX)
		read_rule(&reader, &set, before, wide);
	rule_set_sort(&set);
	rule_set_describe(&set, wide ? CLASSES_WIDE : CLASSES);
	snapshot = rule_set_snapshot(&set, 1);
	require(pt_snapshot_verify(snapshot, snapshot->bytes,
				   &(struct pt_snapshot_limits){UINT32_MAX, UINT32_MAX},
				   &why) == 0);
	compare(&set, pt_snapshot_table(snapshot));
	free(snapshot);
	rule_set_done(&set);
	return 0;
}
