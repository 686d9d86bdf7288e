/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verification of a snapshot. An engine indexes memory by what a snapshot says, so everything is
 * checked here, once, before anything else looks at it: header, layout, checksum, then the table,
 * each class and each rule. All sizes are computed in 64 bits from 32-bit counts and cannot
 * overflow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <peertag/snapshot.h>

#define SNAPSHOT_CLASSES_MAX (1u << 30)

__u64 pt_snapshot_checksum(const struct pt_snapshot *snapshot)
{
	return XXH3_64bits(&snapshot->bytes, snapshot->bytes - offsetof(struct pt_snapshot, bytes));
}

static __u64 align8(__u64 bytes)
{
	return (bytes + 7) & ~7ull;
}

static const char *verify_layout(const struct pt_snapshot *snapshot)
{
	__u64 offset = sizeof(*snapshot);

	if (snapshot->class_count > SNAPSHOT_CLASSES_MAX)
		return "it has more classes than a number can name";
	offset = (offset + PT_TABLE_LINE - 1) / PT_TABLE_LINE * PT_TABLE_LINE;
	if (snapshot->table_offset != offset)
		return "the table is not behind the header";
	if (snapshot->connections_offset < offset + sizeof(struct pt_table) ||
	    snapshot->connections_offset > snapshot->bytes)
		return "the table is shorter than a table's head, or longer than the snapshot";
	offset = snapshot->connections_offset;
	if (offset % PT_TABLE_LINE)
		return "the table does not end with a line";
	offset += align8((__u64)snapshot->class_count * sizeof(__u32));
	if (snapshot->rules_offset[PT_IPV4] != offset)
		return "the IPv4 rules are not behind the connections";
	offset += align8((__u64)snapshot->rule_count[PT_IPV4] * sizeof(struct pt_rule4));
	if (snapshot->rules_offset[PT_IPV6] != offset)
		return "the IPv6 rules are not behind the IPv4 rules";
	offset += align8((__u64)snapshot->rule_count[PT_IPV6] * sizeof(struct pt_rule6));
	if (snapshot->bytes != offset)
		return "its length is not the sum of its parts";
	return NULL;
}

static const char *verify_class(const struct pt_snapshot *snapshot, const struct pt_class *class,
				__u32 connection)
{
	if (connection == 0 || class->mark == 0)
		return "a class has no connection or no mark";
	if (class->counter >= snapshot->counters)
		return "a class has a counter beyond the last";
	if (class->latency_slot > snapshot->latency_slots)
		return "a class has a latency slot beyond the last";
	if (class->vlan > 4094)
		return "a class has a VLAN above 4094";
	if (class->dscp > 63 && class->dscp != PT_DSCP_NONE)
		return "a class has a DSCP above 63";
	if (class->reserved)
		return "a class has a reserved byte set";
	return NULL;
}

/* Also that no two connections share a counter. owners: one zero for each counter. */
static const char *verify_classes(const struct pt_snapshot *snapshot, __u32 *owners)
{
	const struct pt_class *classes = pt_snapshot_classes(snapshot);
	const __u32 *connections = pt_snapshot_connections(snapshot);
	__u32 counted = pt_snapshot_table(snapshot)->counted;
	__u32 unmeasured = pt_snapshot_table(snapshot)->unmeasured;
	const char *why;

	for (__u32 i = 0; i < snapshot->class_count; i++) {
		why = verify_class(snapshot, &classes[i], connections[i]);
		if (why)
			return why;
		if (owners[classes[i].counter] && owners[classes[i].counter] != connections[i])
			return "two connections share a counter";
		if (i < counted && classes[i].counter != i)
			return "a class has another counter than the table says";
		if (i < unmeasured && classes[i].latency_slot)
			return "a class has a latency slot that the table does not tell of";
		owners[classes[i].counter] = connections[i];
	}
	return NULL;
}

static const char *verify_target(const struct pt_snapshot *snapshot, __u32 class, __u8 len,
				 __u8 len_max, const __u8 reserved[3])
{
	if (class == 0 || class > snapshot->class_count)
		return "a rule has a class that does not exist";
	if (len == 0 || len > len_max)
		return "a rule has a prefix length out of range";
	if (reserved[0] | reserved[1] | reserved[2])
		return "a rule has a reserved byte set";
	return NULL;
}

static const char *verify_rules4(const struct pt_snapshot *snapshot)
{
	const struct pt_rule4 *rule = pt_snapshot_rules4(snapshot);
	const char *why;

	for (__u32 i = 0; i < snapshot->rule_count[PT_IPV4]; i++, rule++) {
		why = verify_target(snapshot, rule->class, rule->len, 32, rule->reserved);
		if (why)
			return why;
		if (rule->len < 32 && rule->addr << rule->len)
			return "an IPv4 rule has bits below its length";
		if (i && (rule->addr < rule[-1].addr ||
			  (rule->addr == rule[-1].addr && rule->len <= rule[-1].len)))
			return "the IPv4 rules are not sorted, or one is there twice";
	}
	return NULL;
}

static _Bool has_bits_below(const __u8 addr[16], __u8 len)
{
	unsigned int byte = len / 8;

	if (byte < 16 && (__u8)(addr[byte] << len % 8))
		return 1;
	while (++byte < 16)
		if (addr[byte])
			return 1;
	return 0;
}

static const char *verify_rules6(const struct pt_snapshot *snapshot)
{
	const struct pt_rule6 *rule = pt_snapshot_rules6(snapshot);
	const char *why;
	int order;

	for (__u32 i = 0; i < snapshot->rule_count[PT_IPV6]; i++, rule++) {
		why = verify_target(snapshot, rule->class, rule->len, 128, rule->reserved);
		if (why)
			return why;
		if (has_bits_below(rule->addr, rule->len))
			return "an IPv6 rule has bits below its length";
		order = i ? memcmp(rule->addr, rule[-1].addr, sizeof(rule->addr)) : 1;
		if (order < 0 || (order == 0 && rule->len <= rule[-1].len))
			return "the IPv6 rules are not sorted, or one is there twice";
	}
	return NULL;
}

static const char *verify_contents(const struct pt_snapshot *snapshot, __u32 *owners)
{
	const char *why = pt_table_verify(pt_snapshot_table(snapshot),
					  snapshot->connections_offset - snapshot->table_offset,
					  snapshot->class_count);

	if (!why)
		why = verify_classes(snapshot, owners);

	for (int family = 0; !why && family < PT_FAMILIES; family++)
		if (snapshot->default_class[family] > snapshot->class_count)
			why = "the default class does not exist";
	if (!why)
		why = verify_rules4(snapshot);
	return why ? why : verify_rules6(snapshot);
}

static int verify_header(const struct pt_snapshot *snapshot, size_t bytes, const char **ret_why)
{
	const char *why = NULL;

	if (bytes < sizeof(*snapshot))
		why = "it is shorter than a snapshot's header";
	else if (snapshot->magic != PT_SNAPSHOT_MAGIC)
		why = "it is not a snapshot: the magic number is another";
	if (why) {
		*ret_why = why;
		return -EBADMSG;
	}
	if (snapshot->abi != PT_SNAPSHOT_ABI) {
		*ret_why = "it is a snapshot of another version of peertag";
		return -EPROTONOSUPPORT;
	}

	if (snapshot->bytes != bytes)
		why = "its length is not what its header says";
	else if (snapshot->reserved || snapshot->reserved_too)
		why = "its header has a reserved field set";
	else if (snapshot->generation == 0)
		why = "its generation is 0";
	else
		why = verify_layout(snapshot);
	if (!why && snapshot->checksum != pt_snapshot_checksum(snapshot))
		why = "its checksum does not fit its bytes";
	if (!why)
		return 0;
	*ret_why = why;
	return -EBADMSG;
}

int pt_snapshot_verify(const void *image, size_t bytes, const struct pt_snapshot_limits *limits,
		       const char **ret_why)
{
	const struct pt_snapshot *snapshot = image;
	const char *why;
	__u32 *owners;
	int error;

	error = verify_header(snapshot, bytes, ret_why);
	if (error)
		return error;
	if (snapshot->counters > limits->counters) {
		*ret_why = "it needs more counters than the engine has: raise max_connections "
			   "and restart the engine";
		return -ENOSPC;
	}
	if (snapshot->latency_slots > limits->latency_slots) {
		*ret_why =
			"it measures the latency of more prefixes than the engine has slots for: "
			"raise `slots` under `latency` and restart the engine";
		return -ENOSPC;
	}

	owners = calloc((size_t)snapshot->counters + 1, sizeof(*owners));
	if (!owners) {
		*ret_why = "there is no memory to check it";
		return -ENOMEM;
	}
	why = verify_contents(snapshot, owners);
	free(owners);
	if (!why)
		return 0;
	*ret_why = why;
	return -EBADMSG;
}
