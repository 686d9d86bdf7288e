/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

/* A reference has 32 bits. */
#define TABLE_BYTES_MAX UINT32_MAX

static __u64 align_up(__u64 offset, __u64 step)
{
	return (offset + step - 1) / step * step;
}

static __u32 highest_slot(const struct snapshot_parts *parts)
{
	__u32 highest = 0;

	for (__u32 i = 0; i < parts->class_count; i++)
		if (parts->classes[i].latency_slot > highest)
			highest = parts->classes[i].latency_slot;
	return highest;
}

/* The header, with the place of everything. */
static struct pt_snapshot lay_out(const struct snapshot_parts *parts, __u64 table_bytes)
{
	struct pt_snapshot header = {
		.magic = PT_SNAPSHOT_MAGIC,
		.abi = PT_SNAPSHOT_ABI,
		.generation = parts->generation,
		.class_count = parts->class_count,
		.counters = parts->counters,
		.latency_slots = highest_slot(parts),
		.table_offset = align_up(sizeof(header), PT_TABLE_LINE),
	};
	__u64 end = header.table_offset + table_bytes;

	memcpy(header.registry, parts->registry, sizeof(header.registry));
	memcpy(header.default_class, parts->default_class, sizeof(header.default_class));
	memcpy(header.rule_count, parts->rule_count, sizeof(header.rule_count));
	header.connections_offset = end;
	end += align_up(parts->class_count * sizeof(__u32), 8);
	header.rules_offset[PT_IPV4] = end;
	end += align_up(parts->rule_count[PT_IPV4] * sizeof(struct pt_rule4), 8);
	header.rules_offset[PT_IPV6] = end;
	end += parts->rule_count[PT_IPV6] * sizeof(struct pt_rule6);
	header.bytes = end;
	return header;
}

static void copy(void *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
}

/* How many classes from the first on have the counter of their number - 1. */
static __u32 count_counted(const struct snapshot_parts *parts)
{
	__u32 counted = 0;

	while (counted < parts->class_count && parts->classes[counted].counter == counted)
		counted++;
	return counted;
}

/* How many classes from the first on report no latency. */
static __u32 count_unmeasured(const struct snapshot_parts *parts)
{
	__u32 unmeasured = 0;

	while (unmeasured < parts->class_count && !parts->classes[unmeasured].latency_slot)
		unmeasured++;
	return unmeasured;
}

static struct pt_snapshot *write_all(const struct snapshot_parts *parts, const struct image *image)
{
	struct pt_snapshot header = lay_out(parts, image_bytes(image));
	struct pt_snapshot *snapshot =
		aligned_alloc(PT_TABLE_LINE, align_up(header.bytes, PT_TABLE_LINE));
	struct pt_table *table;

	if (!snapshot)
		return NULL;
	memset(snapshot, 0, header.bytes);
	*snapshot = header;
	table = (struct pt_table *)pt_snapshot_table(snapshot);
	image_write(image, table);
	table->counted = count_counted(parts);
	table->unmeasured = count_unmeasured(parts);
	copy(table->classes, parts->classes, parts->class_count * sizeof(*parts->classes));
	copy((void *)pt_snapshot_connections(snapshot), parts->connections,
	     parts->class_count * sizeof(*parts->connections));
	copy((void *)pt_snapshot_rules4(snapshot), parts->rules4,
	     parts->rule_count[PT_IPV4] * sizeof(*parts->rules4));
	copy((void *)pt_snapshot_rules6(snapshot), parts->rules6,
	     parts->rule_count[PT_IPV6] * sizeof(*parts->rules6));
	snapshot->checksum = pt_snapshot_checksum(snapshot);
	return snapshot;
}

static int build(const struct snapshot_parts *parts, struct image *image,
		 struct pt_snapshot **ret_snapshot)
{
	struct pt_snapshot *snapshot;
	int error = image_build4(image, parts->rules4, parts->rule_count[PT_IPV4],
				 parts->default_class[PT_IPV4]);

	if (!error)
		error = image_build6(image, parts->rules6, parts->rule_count[PT_IPV6],
				     parts->default_class[PT_IPV6]);
	if (error || image_failed(image))
		return -ENOMEM;
	if (image_bytes(image) > TABLE_BYTES_MAX)
		return -E2BIG;
	snapshot = write_all(parts, image);
	if (!snapshot)
		return -ENOMEM;
	*ret_snapshot = snapshot;
	return 0;
}

int snapshot_build(const struct snapshot_parts *parts, struct pt_snapshot **ret_snapshot)
{
	struct image *image = malloc(sizeof(*image));
	int error = -ENOMEM;

	if (!image)
		return error;
	if (image_init(image, parts->class_count) == 0)
		error = build(parts, image, ret_snapshot);
	image_done(image);
	free(image);
	return error;
}
