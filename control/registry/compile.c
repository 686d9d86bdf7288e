/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"
#include "selection.h"

#include "table/snapshot_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct compiler {
	const struct view *view;
	const struct pt_config_tag *tag;
	const struct connection **by_counter;
	struct pt_class *classes;
	uint32_t *connections; /* their ids, by class */
	struct pt_rule4 *rules4;
	struct pt_rule6 *rules6;
	uint32_t default_class[PT_FAMILIES];
	struct latency_slot *slots;
	uint32_t slot_count;
	uint32_t *own_class;	 /* by counter index: the connection's */
	uint32_t *latency_class; /* by counter index: its next selected prefix's */
};

struct sizes {
	uint64_t classes;
	uint64_t counters;
	uint64_t rules[PT_FAMILIES];
};

static enum pt_family family_of(const struct prefix *prefix)
{
	return prefix->family == 4 ? PT_IPV4 : PT_IPV6;
}

static struct sizes count_sizes(const struct view *view)
{
	struct sizes sizes = {.classes = view->by_name.count};

	for (size_t i = 0; i < view->by_name.count; i++)
		if (view->by_id[i]->counter >= sizes.counters)
			sizes.counters = view->by_id[i]->counter + 1;
	for (size_t i = 0; i < view->table.count; i++) {
		const struct prefix_entry *entry = &view->table.entries[i];

		sizes.classes += entry->connection->prefixes[entry->own].latency;
		sizes.rules[family_of(&entry->prefix)] += entry->prefix.length > 0;
	}
	return sizes;
}

static uint32_t take_slot(struct compiler *compiler, const struct connection *connection,
			  const struct prefix *prefix)
{
	compiler->slots[compiler->slot_count] = (struct latency_slot){connection, prefix};
	return ++compiler->slot_count;
}

static void put_class(struct compiler *compiler, const struct connection *connection,
		      uint32_t number, uint32_t latency_slot)
{
	const struct connection_tag *tag = &connection->tag;
	const bool *carrier = compiler->tag->carrier;

	compiler->connections[number - 1] = connection->id;
	compiler->classes[number - 1] = (struct pt_class){
		.counter = connection->counter,
		.latency_slot = latency_slot,
		.mark = connection_mark(connection),
		.vlan = carrier[PT_CARRIER_VLAN] ? tag->vlan : PT_VLAN_NONE,
		.dscp = carrier[PT_CARRIER_DSCP] && tag->has_dscp ? tag->dscp : PT_DSCP_NONE,
	};
}

/* The classes of a connection's selected prefixes, from number on. Returns the next number. */
static uint32_t put_latency_classes(struct compiler *compiler, const struct connection *connection,
				    uint32_t number)
{
	uint32_t shared_slot = 0; /* of the prefixes that are too fine to be told apart */

	compiler->latency_class[connection->counter] = number;
	for (size_t i = 0; i < connection->prefix_count; i++) {
		const struct connection_prefix *own = &connection->prefixes[i];
		bool too_fine;

		if (!own->latency)
			continue;
		too_fine = selection_is_too_fine(&own->prefix);
		if (too_fine && !shared_slot)
			shared_slot = take_slot(compiler, connection, NULL);
		put_class(compiler, connection, number++,
			  too_fine ? shared_slot : take_slot(compiler, connection, &own->prefix));
	}
	return number;
}

/* The connections' own classes come first, so that most numbers follow their counters'. */
static void write_classes(struct compiler *compiler, const struct sizes *sizes)
{
	const struct view *view = compiler->view;
	uint32_t number = 1;

	for (size_t i = 0; i < view->by_name.count; i++)
		compiler->by_counter[view->by_id[i]->counter] = view->by_id[i];
	for (uint64_t counter = 0; counter < sizes->counters; counter++) {
		if (!compiler->by_counter[counter])
			continue;
		compiler->own_class[counter] = number;
		put_class(compiler, compiler->by_counter[counter], number++, 0);
	}
	for (uint64_t counter = 0; counter < sizes->counters; counter++)
		if (compiler->by_counter[counter])
			number = put_latency_classes(compiler, compiler->by_counter[counter],
						     number);
}

/* In the table's order a connection's selected prefixes come as they do in the connection. */
static uint32_t entry_class(struct compiler *compiler, const struct prefix_entry *entry)
{
	uint32_t counter = entry->connection->counter;

	return entry->connection->prefixes[entry->own].latency ? compiler->latency_class[counter]++
							       : compiler->own_class[counter];
}

static uint32_t ipv4_number(const uint8_t addr[16])
{
	return (uint32_t)addr[0] << 24 | (uint32_t)addr[1] << 16 | (uint32_t)addr[2] << 8 | addr[3];
}

static void write_rules(struct compiler *compiler)
{
	struct pt_rule4 *rule4 = compiler->rules4;
	struct pt_rule6 *rule6 = compiler->rules6;
	const struct prefix_table *table = &compiler->view->table;

	for (size_t i = 0; i < table->count; i++) {
		const struct prefix *prefix = &table->entries[i].prefix;
		uint32_t class = entry_class(compiler, &table->entries[i]);

		if (prefix->length == 0) {
			compiler->default_class[family_of(prefix)] = class;
		} else if (prefix->family == 4) {
			*rule4++ = (struct pt_rule4){
				.addr = ipv4_number(prefix->addr),
				.class = class,
				.len = prefix->length,
			};
		} else {
			*rule6 = (struct pt_rule6){.class = class, .len = prefix->length};
			memcpy(rule6++->addr, prefix->addr, sizeof(prefix->addr));
		}
	}
}

static int write_all(struct compiler *compiler, const struct sizes *sizes,
		     struct compiled *ret_compiled)
{
	const struct view *view = compiler->view;
	struct snapshot_parts parts = {
		.generation = view->generation,
		.counters = (uint32_t)sizes->counters,
		.class_count = (uint32_t)sizes->classes,
		.classes = compiler->classes,
		.connections = compiler->connections,
		.rule_count = {(uint32_t)sizes->rules[PT_IPV4], (uint32_t)sizes->rules[PT_IPV6]},
		.rules4 = compiler->rules4,
		.rules6 = compiler->rules6,
	};
	int r;

	write_classes(compiler, sizes);
	write_rules(compiler);
	memcpy(parts.registry, view->uuid, sizeof(parts.registry));
	memcpy(parts.default_class, compiler->default_class, sizeof(parts.default_class));
	r = snapshot_build(&parts, &ret_compiled->snapshot);
	if (r < 0)
		return r;
	ret_compiled->slots = compiler->slots;
	ret_compiled->slot_count = compiler->slot_count;
	compiler->slots = NULL;
	return 0;
}

static bool compiler_init(struct compiler *compiler, const struct sizes *sizes)
{
	compiler->by_counter = calloc(sizes->counters + 1, sizeof(*compiler->by_counter));
	compiler->classes = calloc(sizes->classes + 1, sizeof(*compiler->classes));
	compiler->connections = calloc(sizes->classes + 1, sizeof(*compiler->connections));
	compiler->rules4 = calloc(sizes->rules[PT_IPV4] + 1, sizeof(*compiler->rules4));
	compiler->rules6 = calloc(sizes->rules[PT_IPV6] + 1, sizeof(*compiler->rules6));
	compiler->slots = calloc(sizes->classes + 1, sizeof(*compiler->slots));
	compiler->own_class = calloc(sizes->counters + 1, sizeof(*compiler->own_class));
	compiler->latency_class = calloc(sizes->counters + 1, sizeof(*compiler->latency_class));
	return compiler->by_counter && compiler->classes && compiler->connections &&
	       compiler->rules4 && compiler->rules6 && compiler->slots && compiler->own_class &&
	       compiler->latency_class;
}

static void compiler_done(struct compiler *compiler)
{
	free(compiler->by_counter);
	free(compiler->classes);
	free(compiler->connections);
	free(compiler->rules4);
	free(compiler->rules6);
	free(compiler->slots);
	free(compiler->own_class);
	free(compiler->latency_class);
}

int compile(const struct view *view, const struct pt_config_tag *tag, struct compiled *ret_compiled)
{
	struct sizes sizes = count_sizes(view);
	struct compiler compiler = {.view = view, .tag = tag};
	int r;

	if (sizes.classes > UINT32_MAX || view->table.count > UINT32_MAX)
		return -E2BIG;
	r = compiler_init(&compiler, &sizes) ? write_all(&compiler, &sizes, ret_compiled) : -ENOMEM;
	compiler_done(&compiler);
	return r;
}

void compiled_done(struct compiled *compiled)
{
	free(compiled->snapshot);
	free(compiled->slots);
	memset(compiled, 0, sizeof(*compiled));
}

static int compare_rule4(const void *key, const void *element)
{
	const struct prefix *prefix = key;
	const struct pt_rule4 *rule = element;
	uint32_t addr = ipv4_number(prefix->addr);

	if (addr != rule->addr)
		return addr < rule->addr ? -1 : 1;
	return prefix->length - rule->len;
}

static int compare_rule6(const void *key, const void *element)
{
	const struct prefix *prefix = key;
	const struct pt_rule6 *rule = element;
	int order = memcmp(prefix->addr, rule->addr, sizeof(rule->addr));

	return order ? order : prefix->length - rule->len;
}

uint32_t compiled_class(const struct compiled *compiled, const struct prefix *prefix)
{
	const struct pt_snapshot *snapshot = compiled->snapshot;

	if (prefix->length == 0)
		return snapshot->default_class[family_of(prefix)];
	if (prefix->family == 4) {
		const struct pt_rule4 *rule =
			bsearch(prefix, pt_snapshot_rules4(snapshot), snapshot->rule_count[PT_IPV4],
				sizeof(*rule), compare_rule4);

		return rule ? rule->class : 0;
	}
	const struct pt_rule6 *rule =
		bsearch(prefix, pt_snapshot_rules6(snapshot), snapshot->rule_count[PT_IPV6],
			sizeof(*rule), compare_rule6);

	return rule ? rule->class : 0;
}

static int write_whole(int fd, const void *bytes, size_t size)
{
	const char *at = bytes, *end = at + size;

	while (at < end) {
		ssize_t written = write(fd, at, (size_t)(end - at));

		if (written < 0 && errno != EINTR)
			return -errno;
		at += written > 0 ? written : 0;
	}
	return 0;
}

int compiled_memfd(const struct compiled *compiled)
{
	int fd = memfd_create("peertag-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result;

	if (fd < 0)
		return -errno;
	result = write_whole(fd, compiled->snapshot, compiled->snapshot->bytes);
	if (result == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		result = -errno;
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

uint64_t compiled_bytes(const struct compiled *compiled)
{
	return pt_snapshot_table(compiled->snapshot)->bytes;
}
