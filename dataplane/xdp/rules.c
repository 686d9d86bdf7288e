/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peertag/xdp.h>

#include "rules.h"

#define BATCH 4096

/* What one system call hands over. */
struct batch {
	union {
		struct pt_xdp_key4 keys4[BATCH];
		struct pt_xdp_key6 keys6[BATCH];
	};
	__u32 classes[BATCH];
	__u32 count;
};

static void batch_add4(struct batch *batch, __u32 addr, __u8 len, __u32 class)
{
	batch->keys4[batch->count] = (struct pt_xdp_key4){len, __builtin_bswap32(addr)};
	batch->classes[batch->count++] = class;
}

static void batch_add6(struct batch *batch, const __u8 *addr, __u8 len, __u32 class)
{
	struct pt_xdp_key6 *key = &batch->keys6[batch->count];

	key->len = len;
	memcpy(key->addr_be, addr, sizeof(key->addr_be));
	batch->classes[batch->count++] = class;
}

static int batch_flush(struct batch *batch, int fd)
{
	__u32 count = batch->count;

	batch->count = 0;
	return count ? bpf_map_update_batch(fd, batch->keys4, batch->classes, &count, NULL) : 0;
}

static void batch_add_rule(struct batch *batch, const struct pt_snapshot *snapshot,
			   enum pt_family family, __u32 i)
{
	const struct pt_rule4 *rule4 = &pt_snapshot_rules4(snapshot)[i];
	const struct pt_rule6 *rule6 = &pt_snapshot_rules6(snapshot)[i];

	if (family == PT_IPV4)
		batch_add4(batch, rule4->addr, rule4->len, rule4->class);
	else
		batch_add6(batch, rule6->addr, rule6->len, rule6->class);
}

static void batch_add_default(struct batch *batch, const struct pt_snapshot *snapshot,
			      enum pt_family family)
{
	static const __u8 everything[16];
	__u32 class = snapshot->default_class[family];

	if (!class)
		return;
	if (family == PT_IPV4)
		batch_add4(batch, 0, 0, class);
	else
		batch_add6(batch, everything, 0, class);
}

static int rules_fill(int fd, const struct pt_snapshot *snapshot, enum pt_family family)
{
	struct batch *batch = malloc(sizeof(*batch));
	int error = 0;

	if (!batch)
		return -ENOMEM;
	batch->count = 0;
	batch_add_default(batch, snapshot, family);
	for (__u32 i = 0; !error && i < snapshot->rule_count[family]; i++) {
		if (batch->count == BATCH)
			error = batch_flush(batch, fd);
		batch_add_rule(batch, snapshot, family, i);
	}
	if (!error)
		error = batch_flush(batch, fd);
	free(batch);
	return error;
}

int rules_build(const struct bpf_object *object, const struct pt_snapshot *snapshot,
		enum pt_family family)
{
	const struct bpf_map *pattern =
		bpf_object__find_map_by_name(object, family == PT_IPV4 ? "rules4" : "rules6");
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(pattern),
		    .btf_fd = bpf_object__btf_fd(object),
		    .btf_key_type_id = bpf_map__btf_key_type_id(pattern),
		    .btf_value_type_id = bpf_map__btf_value_type_id(pattern));
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, bpf_map__name(pattern),
				bpf_map__key_size(pattern), bpf_map__value_size(pattern),
				snapshot->rule_count[family] + 1, &options);
	int error;

	if (fd < 0)
		return fd;
	error = rules_fill(fd, snapshot, family);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

int rules_lookup(int fd, enum pt_family family, const __u8 *addr, __u32 *ret_class)
{
	struct pt_xdp_key4 key4 = {.len = 32};
	struct pt_xdp_key6 key6 = {.len = 128};
	const void *key = family == PT_IPV4 ? (void *)&key4 : (void *)&key6;
	int error;

	memcpy(&key4.addr_be, addr, sizeof(key4.addr_be));
	if (family == PT_IPV6)
		memcpy(key6.addr_be, addr, sizeof(key6.addr_be));
	error = bpf_map_lookup_elem(fd, key, ret_class);
	if (error != -ENOENT)
		return error;
	*ret_class = 0;
	return 0;
}

__u64 rules_bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file) && sscanf(line, "memlock: %llu", &bytes) != 1)
		;
	fclose(file);
	return bytes;
}
