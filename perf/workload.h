/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What benchmarks look up: sets of rules, streams of addresses, and the right answers. The same
 * seed gives the same set and the same stream on every machine. Threading: a workload, a stream
 * and a reference are immutable once made; making them uses no shared state.
 *
 * Functions return 0 or -errno; *ret_... is to be freed with the function of that name.
 */
#ifndef PERF_WORKLOAD_H
#define PERF_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/snapshot.h>

#define WORKLOAD_NAME_MAX 40

/* A set of rules of one family, as a snapshot has them: sorted, no two equal, none of length 0. */
struct workload {
	char name[WORKLOAD_NAME_MAX]; /* "ipv4 100k" */
	enum pt_family family;
	bool random; /* and not a real one */
	__u32 count;
	__u32 classes; /* each rule's class is 1 to `classes` */
	union {
		struct pt_rule4 *rules4;
		struct pt_rule6 *rules6;
		void *rules;
	};
};

/* As many classes as a random set has unless told: an eighth of the prefixes, 1,000 to 30,000. */
__u32 workload_classes(__u32 prefixes);

/*
 * A random set. IPv4: lengths as in a full routing table (/24 60 %, longer 3.3 %, a third of these
 * /32). IPv6: 42 % /48, some of each /29 to /47, 2 % /56, /64 and /128, in allocations of the six
 * blocks that registries have, few of which hold most of the prefixes (Zipf). Both nested, and in
 * runs of neighbours; the next prefix has the same class half of the time. -ENOSPC: there are not
 * that many prefixes of such lengths.
 */
int workload_random(enum pt_family family, __u32 prefixes, __u32 classes, __u64 seed,
		    struct workload **ret_workload);

/* Real sets. */
enum workload_table {
	WORKLOAD_MAE_WEST,  /* an exchange's table of 29 thousand prefixes; classes are random */
	WORKLOAD_ASN,	    /* a full table of 2014; a class is an origin AS */
	WORKLOAD_COUNTRIES, /* what registries delegated; a class is a country. IPv4 and IPv6 */
	WORKLOAD_TABLES,
};

/* Reads one from `folder`. -ENOENT: it is not there, or has no such family. -EBADMSG: not a table.
 */
int workload_read(enum workload_table table, enum pt_family family, const char *folder, __u64 seed,
		  struct workload **ret_workload);
void workload_free(struct workload *workload);
/* Where in the folder it is; NULL: it has no such family. */
const char *workload_table_path(enum workload_table table, enum pt_family family);

/*
 * Compiled, with a counter, a mark, a VLAN and a DSCP for each class, and one of the latency slots;
 * 0: none. To be freed by free().
 */
int workload_snapshot(const struct workload *workload, __u32 latency_slots,
		      struct pt_snapshot **ret_snapshot);

/* An address of either family as a number: IPv4 has the highest 32 bits. */
typedef unsigned __int128 workload_addr;

/* A prefix of either family. */
struct workload_prefix {
	workload_addr addr;
	__u32 class;
	__u8 len;
};

struct workload_prefix workload_prefix(const struct workload *workload, __u32 index);

enum stream_kind {
	STREAM_UNIFORM, /* IPv4: all addresses alike. IPv6: all prefixes alike, and any host in it
			 */
	STREAM_ZIPF,	/* 80 % in prefixes of which some are far more popular, 20 % anywhere */
	STREAM_KINDS,
};

struct stream {
	enum pt_family family;
	__u32 count;
	union {
		__u32 *addrs4;	    /* host byte order */
		__u8 (*addrs6)[16]; /* network byte order */
		void *addrs;
	};
};

const char *stream_name(enum stream_kind kind);
/* 2^20 IPv4, 2^19 IPv6 addresses: more than caches can learn. */
__u32 stream_count(enum pt_family family);
int stream_new(const struct workload *workload, enum stream_kind kind, __u32 count, __u64 seed,
	       struct stream **ret_stream);
void stream_free(struct stream *stream);
workload_addr stream_addr(const struct stream *stream, __u32 index);

/* The right answers, slow and simple: a binary search in sorted intervals. */
struct reference {
	__u32 count;
	struct reference_interval {
		workload_addr first;
		__u32 class; /* 0: no prefix */
	} * intervals;	     /* the first begins at 0; each ends where the next begins */
};

int reference_new(const struct workload *workload, struct reference **ret_reference);
void reference_free(struct reference *reference);
__u32 reference_lookup(const struct reference *reference, workload_addr addr);
/* Of all of a stream; returns the part that is in a prefix, 0 to 1. */
double reference_answer(const struct reference *reference, const struct stream *stream,
			__u32 *ret_classes);

#endif
