/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "rules.h"

#define GROUP_ENTRIES	 256
#define FIRST_LEVEL_BITS 24

/*
 * What rte_lpm costs, as measured (AMD Zen 4): to add a rule, and as much again to delete one, with
 * 1 ns for each entry of the first level that it covers; to clear that level.
 */
#define ADD_NS	 500
#define CLEAR_NS 7000000

static bool is_made(const struct rules *rules)
{
	return rules->family == PT_IPV4 ? rules->lpm4 != NULL : rules->lpm6 != NULL;
}

/* Its name is its own in the process, which is all that DPDK asks of it. */
static void rules_make(struct rules *rules)
{
	static __u32 number;
	char name[RTE_LPM_NAMESIZE];
	struct rte_lpm_config config4 = {rules->rules_max, rules->groups_max, 0};
	struct rte_lpm6_config config6 = {rules->rules_max, rules->groups_max, 0};

	snprintf(name, sizeof(name), "peertag-%u",
		 __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
	if (rules->family == PT_IPV4)
		rules->lpm4 = rte_lpm_create(name, SOCKET_ID_ANY, &config4);
	else
		rules->lpm6 = rte_lpm6_create(name, SOCKET_ID_ANY, &config6);
}

static __u32 room_for(__u64 count, __u32 more, __u32 max)
{
	return RTE_MIN(count + count / 8 + more, (__u64)max);
}

static int refuse_new(const struct rules *rules, const struct wanted *wanted,
		      struct message *message)
{
	char memory[160];

	if (rte_errno != ENOMEM)
		return message_set(message, rte_errno ? -rte_errno : -EIO,
				   "cannot make the table of %u %s prefixes: %s", wanted->count,
				   wanted_family_name(wanted), rte_strerror(rte_errno));
	eal_explain_memory(rules_bytes(rules), memory, sizeof(memory));
	return message_set(message, -ENOMEM, "no memory for the table of %u %s prefixes: %s",
			   wanted->count, wanted_family_name(wanted), memory);
}

/* With room for some more, so that a registry that grows does not take a new one each time. */
static int rules_new(const struct wanted *wanted, struct rules **ret, struct message *message)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int error;

	if (!rules)
		return message_set(message, -ENOMEM, "out of memory");
	rules->family = wanted->family;
	rules->rules_max = room_for(wanted->count, 64, UINT32_MAX / 8);
	rules->groups_max =
		room_for(wanted->groups, 16,
			 wanted->family == PT_IPV4 ? WANTED_GROUPS4_MAX : WANTED_GROUPS6_MAX);
	rules_make(rules);
	if (!is_made(rules)) {
		error = refuse_new(rules, wanted, message);
		free(rules);
		return error;
	}
	*ret = rules;
	return 0;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	rte_lpm_free(rules->lpm4);
	rte_lpm6_free(rules->lpm6);
	free(rules->held);
	free(rules);
}

static __u32 addr4(const __u8 *addr)
{
	return (__u32)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];
}

static int rule_add(const struct rules *rules, const struct pt_rule6 *rule)
{
	if (rules->family == PT_IPV4)
		return rte_lpm_add(rules->lpm4, addr4(rule->addr), rule->len, rule->class);
	return rte_lpm6_add(rules->lpm6, rule->addr, rule->len, rule->class);
}

static int rule_delete(const struct rules *rules, const struct pt_rule6 *rule)
{
	if (rules->family == PT_IPV4)
		return rte_lpm_delete(rules->lpm4, addr4(rule->addr), rule->len);
	return rte_lpm6_delete(rules->lpm6, rule->addr, rule->len);
}

static void rules_clear(struct rules *rules)
{
	if (rules->family == PT_IPV4)
		rte_lpm_delete_all(rules->lpm4);
	else
		rte_lpm6_delete_all(rules->lpm6);
	rules->count = 0;
}

/* Walks what is held and what is wanted side by side. */
struct walk {
	const struct rules *rules;
	const struct wanted *wanted;
	__u32 next_held;
	__u32 next_wanted;
	/* The same prefix in either; NULL: it is not there. */
	const struct pt_rule6 *is;
	const struct pt_rule6 *shall;
};

static int rule_compare(const struct pt_rule6 *a, const struct pt_rule6 *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : a->len - b->len;
}

static bool walk_next(struct walk *walk)
{
	int order;

	walk->is =
		walk->next_held < walk->rules->count ? &walk->rules->held[walk->next_held] : NULL;
	walk->shall = walk->next_wanted < walk->wanted->count
			      ? &walk->wanted->rules[walk->next_wanted]
			      : NULL;
	if (walk->is && walk->shall) {
		order = rule_compare(walk->is, walk->shall);
		if (order > 0)
			walk->is = NULL;
		if (order < 0)
			walk->shall = NULL;
	}
	walk->next_held += walk->is != NULL;
	walk->next_wanted += walk->shall != NULL;
	return walk->is || walk->shall;
}

static bool walk_adds(const struct walk *walk)
{
	return walk->shall && (!walk->is || walk->is->class != walk->shall->class);
}

static __u64 rule_ns(const struct pt_rule6 *rule)
{
	return ADD_NS + (rule->len < FIRST_LEVEL_BITS ? 1ull << (FIRST_LEVEL_BITS - rule->len) : 0);
}

static bool is_cheaper_to_clear(const struct rules *rules, const struct wanted *wanted)
{
	struct walk walk = {.rules = rules, .wanted = wanted};
	__u64 change_ns = 0, refill_ns = CLEAR_NS;

	while (walk_next(&walk)) {
		if (!walk.shall)
			change_ns += ADD_NS + rule_ns(walk.is);
		if (walk_adds(&walk))
			change_ns += rule_ns(walk.shall);
		if (walk.shall)
			refill_ns += rule_ns(walk.shall);
	}
	return change_ns > refill_ns;
}

/* Deletes come first: so no more groups are in use at any time than before or behind. */
static int rules_change(const struct rules *rules, const struct wanted *wanted)
{
	struct walk deletes = {.rules = rules, .wanted = wanted};
	struct walk adds = deletes;
	int error = 0;

	while (!error && walk_next(&deletes))
		if (!deletes.shall)
			error = rule_delete(rules, deletes.is);
	while (!error && walk_next(&adds))
		if (walk_adds(&adds))
			error = rule_add(rules, adds.shall);
	return error;
}

/* It has the room, and not so much that holding on to it would be a waste. */
static bool rules_suit(const struct rules *rules, const struct wanted *wanted)
{
	return wanted->count <= rules->rules_max && wanted->groups <= rules->groups_max &&
	       rules->rules_max / 8 <= wanted->count + 1024 &&
	       rules->groups_max / 8 <= wanted->groups + 1024;
}

int rules_fill(struct rules **rules, struct wanted *wanted, struct message *message)
{
	int error = 0;

	if (*rules && (!wanted->count || !rules_suit(*rules, wanted))) {
		rules_free(*rules);
		*rules = NULL;
	}
	if (!*rules && wanted->count)
		error = rules_new(wanted, rules, message);
	if (error || !*rules)
		return error;
	if (is_cheaper_to_clear(*rules, wanted))
		rules_clear(*rules);
	error = rules_change(*rules, wanted);
	if (error) {
		rules_free(*rules);
		*rules = NULL;
		return message_set(message, error, "cannot fill the table of %u %s prefixes: %s",
				   wanted->count, wanted_family_name(wanted), strerror(-error));
	}
	free((*rules)->held);
	(*rules)->held = wanted->rules;
	(*rules)->count = wanted->count;
	wanted->rules = NULL;
	return 0;
}

__u32 rules_lookup(const struct rules *rules, const __u8 *addr)
{
	__u32 class;
	int error = -ENOENT;

	if (rules && rules->family == PT_IPV4)
		error = rte_lpm_lookup(rules->lpm4, addr4(addr), &class);
	else if (rules)
		error = rte_lpm6_lookup(rules->lpm6, addr, &class);
	return error ? 0 : class;
}

static __u64 power_of_two(__u64 number)
{
	__u64 power = 1;

	while (power < number)
		power *= 2;
	return power;
}

/*
 * rte_lpm6 keeps its rules in an rte_hash that is a fifth larger: a key of 32 bytes each, buckets
 * of a cache line for 8, and a ring of the free ones. For each group it has 16 bytes apart.
 */
static __u64 bytes6(__u64 rules, __u64 groups)
{
	__u64 keys = rules * 6 / 5 + 64;

	return 32 * keys + 8 * power_of_two(keys) + 4 * power_of_two(keys + 2) + 16 * groups;
}

__u64 rules_bytes(const struct rules *rules)
{
	__u64 bytes;

	if (!rules)
		return 0;
	bytes = sizeof(struct rte_lpm) + (__u64)rules->groups_max * GROUP_ENTRIES * 4 +
		rules->count * sizeof(*rules->held);
	if (rules->family == PT_IPV4)
		return bytes + rules->rules_max * 8ull;
	return bytes + bytes6(rules->rules_max, rules->groups_max);
}
