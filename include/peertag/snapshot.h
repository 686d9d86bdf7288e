/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot: one immutable, numbered set of rules and class descriptors, and the table compiled
 * from them, as control hands it to an engine in a sealed memfd, and as an engine keeps it in the
 * run directory.
 *
 * Layout: the header, then four parts, each at the offset the header names, in the order table,
 * connections, IPv4 rules, IPv6 rules, without gaps but for the padding (of the table to 64 bytes,
 * of the rest to 8), and nothing behind them. In memory a snapshot begins with a cache line. Little
 * endian. No pointers. The same registry gives the same bytes.
 *
 *  - the table (peertag/table.h) holds the class descriptors; connections[i] is the id of class
 *    i + 1's connection, never 0.
 *  - the rules say what the table was compiled from, for engines that make tables of their own.
 *  - rules are sorted by address, then by length; no two are equal; no bits below the length.
 *  - 0.0.0.0/0 and ::/0 are no rules: they are default_class.
 *
 * The checksum is XXH3 (64 bit) over all bytes behind the field `checksum`. Threading: immutable.
 */
#ifndef PEERTAG_SNAPSHOT_H
#define PEERTAG_SNAPSHOT_H

#include <stddef.h>

#include <peertag/table.h>
#include <peertag/types.h>

#define PT_SNAPSHOT_MAGIC 0x3167617472656570ull /* "peertag1" in memory */
#define PT_SNAPSHOT_ABI	  3
#define PT_REGISTRY_BYTES 16 /* a UUID */

enum pt_family {
	PT_IPV4,
	PT_IPV6,
	PT_FAMILIES,
};

/* The class number of an address in network byte order, of 4 or 16 bytes; 0: none. */
static inline __u32 pt_table_lookup(const struct pt_table *table, enum pt_family family,
				    const __u8 *addr)
{
	struct pt_addr6 addr6;

	if (family == PT_IPV4)
		return pt_table_lookup4(table, pt_load_be32(addr));
	addr6 = pt_addr6_load(addr);
	return pt_table_lookup6(table, addr6.high, addr6.low);
}

struct pt_rule4 {
	__u32 addr;  /* host byte order, so that rules sort as numbers */
	__u32 class; /* from 1 */
	__u8 len;    /* 1 to 32 */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct pt_rule4) == 12, "pt_rule4 crosses processes");

struct pt_rule6 {
	__u8 addr[16]; /* network byte order, so that rules sort by memcmp */
	__u32 class;
	__u8 len; /* 1 to 128 */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct pt_rule6) == 24, "pt_rule6 crosses processes");

struct pt_snapshot {
	__u64 magic;
	__u32 abi;
	__u32 reserved;
	__u64 checksum;
	/* The checksum covers everything from here. */
	__u64 bytes;			  /* of the whole snapshot */
	__u64 generation;		  /* from 1 */
	__u8 registry[PT_REGISTRY_BYTES]; /* whose generation that is */
	__u32 default_class[PT_FAMILIES]; /* 0: none */
	__u32 class_count;
	__u32 counters;	     /* every pt_class.counter is below */
	__u32 latency_slots; /* no pt_class.latency_slot is above */
	__u32 reserved_too;
	__u32 rule_count[PT_FAMILIES];
	__u64 table_offset;
	__u64 connections_offset;
	__u64 rules_offset[PT_FAMILIES];
};
_Static_assert(sizeof(struct pt_snapshot) == 120, "pt_snapshot crosses processes");
_Static_assert(offsetof(struct pt_snapshot, bytes) == 24, "where the checksum begins");

static inline const struct pt_table *pt_snapshot_table(const struct pt_snapshot *snapshot)
{
	return (const void *)((const char *)snapshot + snapshot->table_offset);
}

/* [i] is of class i + 1, and so are the connections. */
static inline const struct pt_class *pt_snapshot_classes(const struct pt_snapshot *snapshot)
{
	return pt_snapshot_table(snapshot)->classes;
}

static inline const __u32 *pt_snapshot_connections(const struct pt_snapshot *snapshot)
{
	return (const void *)((const char *)snapshot + snapshot->connections_offset);
}

static inline const struct pt_rule4 *pt_snapshot_rules4(const struct pt_snapshot *snapshot)
{
	return (const void *)((const char *)snapshot + snapshot->rules_offset[PT_IPV4]);
}

static inline const struct pt_rule6 *pt_snapshot_rules6(const struct pt_snapshot *snapshot)
{
	return (const void *)((const char *)snapshot + snapshot->rules_offset[PT_IPV6]);
}

/*
 * Checks that no lookup in the `bytes` bytes at `table` reads outside of them, ends at a place that
 * is no value, or gives a class above class_count; not that its answers are those of the rules. One
 * pass. Returns NULL, or one sentence that says what is wrong (a constant).
 */
const char *pt_table_verify(const struct pt_table *table, size_t bytes, __u32 class_count);

/* The checksum of a snapshot whose field `bytes` is right. */
__u64 pt_snapshot_checksum(const struct pt_snapshot *snapshot);

/* What an engine has for a snapshot. */
struct pt_snapshot_limits {
	__u32 counters;
	__u32 latency_slots;
};

/*
 * Checks everything that this header promises of the `bytes` bytes at `snapshot`, and that it fits
 * an engine with these limits; trusts nothing. Returns 0, or -EBADMSG (not such a snapshot),
 * -EPROTONOSUPPORT (another ABI), -ENOSPC (it needs more than there is), with one sentence that
 * says what is wrong in *ret_why (a constant).
 */
int pt_snapshot_verify(const void *snapshot, size_t bytes, const struct pt_snapshot_limits *limits,
		       const char **ret_why);

#endif
