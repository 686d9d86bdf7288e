/* SPDX-License-Identifier: BSD-3-Clause */
#include "draft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void draft_init(struct draft *draft, enum pt_family family, __u64 seed)
{
	*draft = (struct draft){.family = family, .random = {seed}};
}

void draft_done(struct draft *draft)
{
	free(draft->prefixes);
	*draft = (struct draft){};
}

void draft_add(struct draft *draft, workload_addr addr, unsigned int len, __u32 class)
{
	if (draft->count == draft->room) {
		__u32 room = draft->room ? 2 * draft->room : 1024;
		void *larger = reallocarray(draft->prefixes, room, sizeof(*draft->prefixes));

		if (!larger) {
			draft->failed = true;
			return;
		}
		draft->prefixes = larger;
		draft->room = room;
	}
	draft->prefixes[draft->count++] =
		(struct workload_prefix){.addr = addr & addr_mask(len), .len = len, .class = class};
}

static int prefix_compare(const void *a, const void *b)
{
	const struct workload_prefix *x = a, *y = b;

	return x->addr != y->addr ? (x->addr < y->addr ? -1 : 1) : x->len - y->len;
}

void draft_sort(struct draft *draft)
{
	__u32 kept = 0;

	if (draft->count)
		qsort(draft->prefixes, draft->count, sizeof(*draft->prefixes), prefix_compare);
	for (__u32 i = 0; i < draft->count; i++)
		if (!kept || prefix_compare(&draft->prefixes[kept - 1], &draft->prefixes[i]))
			draft->prefixes[kept++] = draft->prefixes[i];
	draft->count = kept;
}

void draft_classes(struct draft *draft, __u32 classes)
{
	for (__u32 i = 0; i < draft->count; i++) {
		bool same = i && random_chance(&draft->random, 50);

		draft->prefixes[i].class = same ? draft->prefixes[i - 1].class
						: 1 + random_below(&draft->random, classes);
	}
}

workload_addr random_addr(struct random *random)
{
	workload_addr high = random_next(random);

	return high << 64 | random_next(random);
}

static void rule6_set(struct pt_rule6 *rule, const struct workload_prefix *prefix)
{
	*rule = (struct pt_rule6){.len = prefix->len, .class = prefix->class};
	for (int byte = 0; byte < 16; byte++)
		rule->addr[byte] = prefix->addr >> (120 - 8 * byte);
}

static void rules_fill(const struct draft *draft, struct workload *workload)
{
	for (__u32 i = 0; i < draft->count; i++) {
		const struct workload_prefix *prefix = &draft->prefixes[i];

		if (prefix->class > workload->classes)
			workload->classes = prefix->class;
		if (draft->family == PT_IPV6)
			rule6_set(&workload->rules6[i], prefix);
		else
			workload->rules4[i] = (struct pt_rule4){.addr = prefix->addr >> 96,
								.len = prefix->len,
								.class = prefix->class};
	}
}

int draft_finish(struct draft *draft, const char *name, struct workload **ret_workload)
{
	size_t bytes = draft->family == PT_IPV4 ? sizeof(struct pt_rule4) : sizeof(struct pt_rule6);
	struct workload *workload = calloc(1, sizeof(*workload));
	int error = 0;

	draft_sort(draft);
	if (workload)
		workload->rules = calloc(draft->count, bytes);
	if (draft->failed || !workload || !workload->rules) {
		workload_free(workload);
		error = -ENOMEM;
		goto out;
	}
	snprintf(workload->name, sizeof(workload->name), "%s %s",
		 draft->family == PT_IPV4 ? "ipv4" : "ipv6", name);
	workload->family = draft->family;
	workload->count = draft->count;
	rules_fill(draft, workload);
	*ret_workload = workload;
out:
	draft_done(draft);
	return error;
}

void workload_free(struct workload *workload)
{
	if (workload)
		free(workload->rules);
	free(workload);
}

struct workload_prefix workload_prefix(const struct workload *workload, __u32 index)
{
	struct workload_prefix prefix = {};

	if (workload->family == PT_IPV4) {
		const struct pt_rule4 *rule = &workload->rules4[index];

		return (struct workload_prefix){.addr = (workload_addr)rule->addr << 96,
						.len = rule->len,
						.class = rule->class};
	}
	for (int byte = 0; byte < 16; byte++)
		prefix.addr = prefix.addr << 8 | workload->rules6[index].addr[byte];
	prefix.len = workload->rules6[index].len;
	prefix.class = workload->rules6[index].class;
	return prefix;
}
