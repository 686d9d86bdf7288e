/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The maps, and the options of one loaded instance. Names have at most 15 characters. */
#ifndef PEERTAG_BPF_MAPS_H
#define PEERTAG_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <peertag/counters.h>
#include <peertag/rtt.h>
#include <peertag/types.h>
#include <peertag/xdp.h>

/*
 * The tries: user space makes them, by these two as patterns, which are themselves never created.
 * They get the patterns' BTF: Linux 6.1 takes a trie with and one without for different kinds.
 */
struct rules4 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct pt_xdp_key4);
	__type(value, __u32);
} rules4 SEC(".maps");

struct rules6 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct pt_xdp_key6);
	__type(value, __u32);
} rules6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PT_XDP_SIDES);
	__type(key, __u32);
	__array(values, struct rules4);
} sets4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PT_XDP_SIDES);
	__type(key, __u32);
	__array(values, struct rules6);
} sets6 SEC(".maps");

/* The images, by side. The size of one is set at load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PT_XDP_SIDES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, PT_XDP_TABLE_MIN + PT_XDP_TABLE_TAIL);
} tables SEC(".maps");

/* Read by no program: an update of a map of maps waits for those that run. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct rules4);
} grace SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_xdp_state);
} state SEC(".maps");

/*
 * One lane for each possible CPU, and a last one that only user space writes. Its two sizes are set
 * at load. No BTF: a type has one size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pt_lane));
} counters SEC(".maps");

/* Only for user space; as many as a lane has connections. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_owner);
} owners SEC(".maps");

/*
 * Where a port sends its packets, by the slot of the port that received them. Two maps with the
 * same contents: the kernel lets no plain program share one with an xdp.frags program.
 */
struct outputs {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PT_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
};

struct outputs outputs SEC(".maps");
struct outputs outputs_frags SEC(".maps");

/* The interfaces whose arriving packets a program of ours counts: interface index to slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PT_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} inputs SEC(".maps");

/* Round-trip times: a lane for each possible CPU, of a size that is set at load; and the flows. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pt_latency_lane));
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_rtt_table);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_xdp_report);
} report SEC(".maps");

const volatile struct pt_xdp_options options = {};

static __always_inline struct pt_lane *lane_of_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

#endif
