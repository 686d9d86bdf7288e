/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wanted.h"

#define LENGTHS		 129
#define GROUP_BITS	 8
#define FIRST_LEVEL_BITS 24
#define GROUP_LEVELS	 13 /* below the first, in an IPv6 address */

/*
 * What rte_lpm_add() takes, as measured (AMD Zen 4): to compare with a rule, and to look whether a
 * group is free. It does as many of either as there are.
 */
#define COMPARE_S 0.3e-9
#define PROBE_S	  7e-9

const char *wanted_family_name(const struct wanted *wanted)
{
	return wanted->family == PT_IPV4 ? "IPv4" : "IPv6";
}

static void wanted_put4(struct pt_rule6 *to, const struct pt_rule4 *rule)
{
	__u32 addr_be = __builtin_bswap32(rule->addr);

	*to = (struct pt_rule6){.class = rule->class, .len = rule->len};
	memcpy(to->addr, &addr_be, sizeof(addr_be));
}

/*
 * A rule longer than 24 bits takes a group at 24 bits, and one more for each 8 bits further that it
 * is longer than; rules that agree up to there share it. `last` is the last rule that was longer
 * than each level: in sorted order, those that share a group follow one another.
 */
static __u32 count_groups(const struct pt_rule6 *rules, __u32 count)
{
	const struct pt_rule6 *last[GROUP_LEVELS] = {};
	__u32 groups = 0;

	for (const struct pt_rule6 *rule = rules; rule < rules + count; rule++) {
		for (int bits = FIRST_LEVEL_BITS; bits < rule->len; bits += GROUP_BITS) {
			int level = (bits - FIRST_LEVEL_BITS) / GROUP_BITS;

			groups += !last[level] || memcmp(last[level]->addr, rule->addr, bits / 8);
			last[level] = rule;
		}
	}
	return groups;
}

/* How many rules have each length; returns the most frequent length. */
static int count_lengths(const struct wanted *wanted, __u32 counts[LENGTHS])
{
	int most = 0;

	memset(counts, 0, LENGTHS * sizeof(*counts));
	for (__u32 i = 0; i < wanted->count; i++)
		counts[wanted->rules[i].len]++;
	for (int len = 1; len < LENGTHS; len++)
		if (counts[len] > counts[most])
			most = len;
	return most;
}

/* The n-th of its kind is preceded by n - 1, so together they take half of a square. */
static double build4_s(const __u32 counts[LENGTHS], __u32 groups)
{
	double s = (double)groups * groups / 2 * PROBE_S;

	for (int len = 1; len < LENGTHS; len++)
		s += (double)counts[len] * counts[len] / 2 * COMPARE_S;
	return s;
}

static int check_time(const struct wanted *wanted, struct message *message)
{
	__u32 counts[LENGTHS];
	int most = count_lengths(wanted, counts);
	double s = build4_s(counts, wanted->groups);

	if (wanted->family != PT_IPV4 || s <= WANTED_BUILD4_MAX_S)
		return 0;
	return message_set(
		message, -E2BIG,
		"%u IPv4 prefixes of one length (/%d) and %u /24s with longer ones keep "
		"rte_lpm busy for %.0f s, and %u are allowed: say `table: flat`, or register "
		"shorter prefixes",
		counts[most], most, wanted->groups, s, WANTED_BUILD4_MAX_S);
}

static int check_numbers(const struct wanted *wanted, __u32 class_count, struct message *message)
{
	const char *name = wanted->family == PT_IPV4 ? "rte_lpm" : "rte_lpm6";
	__u32 classes_max = wanted->family == PT_IPV4 ? WANTED_CLASSES4_MAX : WANTED_CLASSES6_MAX;
	__u32 groups_max = wanted->family == PT_IPV4 ? WANTED_GROUPS4_MAX : WANTED_GROUPS6_MAX;

	if (class_count > classes_max)
		return message_set(
			message, -E2BIG,
			"%u classes are more than the %u that %s can number: say `table: "
			"flat`, or register fewer connections, or select fewer prefixes "
			"for latency",
			class_count, classes_max, name);
	if (wanted->groups > groups_max)
		return message_set(message, -E2BIG,
				   "the %s prefixes longer than /24 take %u groups, and %s has at "
				   "most %u: say `table: flat`, or register shorter prefixes",
				   wanted_family_name(wanted), wanted->groups, name, groups_max);
	return 0;
}

int wanted_init(struct wanted *ret, const struct pt_snapshot *snapshot, enum pt_family family,
		struct message *message)
{
	struct wanted wanted = {.family = family, .count = snapshot->rule_count[family]};
	const struct pt_rule4 *rules4 = pt_snapshot_rules4(snapshot);
	int error;

	wanted.rules = malloc((wanted.count + 1) * sizeof(*wanted.rules));
	if (!wanted.rules)
		return message_set(message, -ENOMEM, "out of memory");
	if (family == PT_IPV6)
		memcpy(wanted.rules, pt_snapshot_rules6(snapshot),
		       wanted.count * sizeof(*wanted.rules));
	for (__u32 i = 0; family == PT_IPV4 && i < wanted.count; i++)
		wanted_put4(&wanted.rules[i], &rules4[i]);
	wanted.groups = count_groups(wanted.rules, wanted.count);
	error = wanted.count ? check_numbers(&wanted, snapshot->class_count, message) : 0;
	if (!error)
		error = check_time(&wanted, message);
	if (error) {
		wanted_done(&wanted);
		return error;
	}
	*ret = wanted;
	return 0;
}

void wanted_done(struct wanted *wanted)
{
	free(wanted->rules);
	wanted->rules = NULL;
}
