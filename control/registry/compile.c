/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FINEST_LENGTH_IPV4 24
#define FINEST_LENGTH_IPV6 48

struct compiler {
	const struct view *view;
	const struct pt_config_tag *tag;
	struct pt_snapshot *snapshot;
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

static uint64_t align8(uint64_t offset)
{
	return (offset + 7) & ~7ull;
}

/* The header and the place of everything, without contents. */
static struct pt_snapshot *lay_out(const struct view *view, const struct sizes *sizes)
{
	struct pt_snapshot header = {
		.magic = PT_SNAPSHOT_MAGIC,
		.abi = PT_SNAPSHOT_ABI,
		.generation = view->generation,
		.class_count = (uint32_t)sizes->classes,
		.counters = (uint32_t)sizes->counters,
		.rule_count = {(uint32_t)sizes->rules[PT_IPV4], (uint32_t)sizes->rules[PT_IPV6]},
		.classes_offset = sizeof(header),
	};
	uint64_t end = header.classes_offset + sizes->classes * sizeof(struct pt_class);
	struct pt_snapshot *snapshot;

	header.rules_offset[PT_IPV4] = align8(end);
	end = header.rules_offset[PT_IPV4] + sizes->rules[PT_IPV4] * sizeof(struct pt_rule4);
	header.rules_offset[PT_IPV6] = align8(end);
	header.bytes =
		header.rules_offset[PT_IPV6] + sizes->rules[PT_IPV6] * sizeof(struct pt_rule6);
	memcpy(header.registry, view->uuid, sizeof(header.registry));
	snapshot = calloc(1, header.bytes);
	if (snapshot)
		*snapshot = header;
	return snapshot;
}

static uint32_t take_slot(struct compiler *compiler, const struct connection *connection,
			  const struct prefix *prefix)
{
	compiler->slots[compiler->slot_count] = (struct latency_slot){connection, prefix};
	return ++compiler->slot_count;
}

static bool too_fine(const struct prefix *prefix)
{
	return prefix->length > (prefix->family == 4 ? FINEST_LENGTH_IPV4 : FINEST_LENGTH_IPV6);
}

/* The class of @connection and those of its selected prefixes, from class @number on. */
static uint32_t write_classes(struct compiler *compiler, const struct connection *connection,
			      uint32_t number)
{
	struct pt_class *classes = (struct pt_class *)pt_snapshot_classes(compiler->snapshot);
	const struct connection_tag *tag = &connection->tag;
	struct pt_class class = {
		.class = number,
		.connection = connection->id,
		.counter = connection->counter,
		.mark = connection_mark(connection),
		.vlan = compiler->tag->carrier[PT_CARRIER_VLAN] ? tag->vlan : PT_VLAN_NONE,
		.dscp = compiler->tag->carrier[PT_CARRIER_DSCP] && tag->has_dscp ? tag->dscp
										 : PT_DSCP_NONE,
	};
	uint32_t shared_slot = 0; /* of the prefixes that are too fine to be told apart */

	compiler->own_class[connection->counter] = number;
	compiler->latency_class[connection->counter] = number + 1;
	classes[number - 1] = class;
	for (size_t i = 0; i < connection->prefix_count; i++) {
		const struct connection_prefix *own = &connection->prefixes[i];

		if (!own->latency)
			continue;
		if (too_fine(&own->prefix) && !shared_slot)
			shared_slot = take_slot(compiler, connection, NULL);
		class.class = ++number;
		class.latency_slot = too_fine(&own->prefix)
					     ? shared_slot
					     : take_slot(compiler, connection, &own->prefix);
		classes[number - 1] = class;
	}
	return number + 1;
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
	struct pt_snapshot *snapshot = compiler->snapshot;
	struct pt_rule4 *rule4 = (struct pt_rule4 *)pt_snapshot_rules4(snapshot);
	struct pt_rule6 *rule6 = (struct pt_rule6 *)pt_snapshot_rules6(snapshot);
	const struct prefix_table *table = &compiler->view->table;

	for (size_t i = 0; i < table->count; i++) {
		const struct prefix *prefix = &table->entries[i].prefix;
		uint32_t class = entry_class(compiler, &table->entries[i]);

		if (prefix->length == 0) {
			snapshot->default_class[family_of(prefix)] = class;
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

static void write_all(struct compiler *compiler)
{
	const struct view *view = compiler->view;
	uint32_t number = 1;

	for (size_t i = 0; i < view->by_name.count; i++)
		number = write_classes(compiler, view->by_id[i], number);
	write_rules(compiler);
	compiler->snapshot->checksum = pt_snapshot_checksum(compiler->snapshot);
}

int compile(const struct view *view, const struct pt_config_tag *tag, struct compiled *ret_compiled)
{
	struct sizes sizes = count_sizes(view);
	struct compiler compiler = {.view = view, .tag = tag};
	bool whole;

	if (sizes.classes > UINT32_MAX || view->table.count > UINT32_MAX)
		return -E2BIG;
	compiler.snapshot = lay_out(view, &sizes);
	compiler.slots = calloc(sizes.classes + 1, sizeof(*compiler.slots));
	compiler.own_class = calloc(sizes.counters + 1, sizeof(*compiler.own_class));
	compiler.latency_class = calloc(sizes.counters + 1, sizeof(*compiler.latency_class));
	whole = compiler.snapshot && compiler.slots && compiler.own_class && compiler.latency_class;
	if (whole) {
		write_all(&compiler);
		ret_compiled->snapshot = compiler.snapshot;
		ret_compiled->slots = compiler.slots;
		ret_compiled->slot_count = compiler.slot_count;
	} else {
		free(compiler.snapshot);
		free(compiler.slots);
	}
	free(compiler.own_class);
	free(compiler.latency_class);
	return whole ? 0 : -ENOMEM;
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

int compile_memfd(const struct view *view, const struct pt_config_tag *tag,
		  struct compiled *ret_compiled)
{
	int r = compile(view, tag, ret_compiled);
	int fd = r < 0 ? r : compiled_memfd(ret_compiled);

	if (r == 0 && fd < 0)
		compiled_done(ret_compiled);
	return fd;
}
