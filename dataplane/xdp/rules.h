/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One trie: the rules of one family of a snapshot, as the kernel holds them.
 * Threading: rules_build() touches nothing but its arguments, so families build side by side.
 */
#ifndef PEERTAG_DATAPLANE_XDP_RULES_H
#define PEERTAG_DATAPLANE_XDP_RULES_H

#include <bpf/libbpf.h>
#include <peertag/snapshot.h>
#include <peertag/types.h>

/*
 * Makes and fills the trie of `family`, by the pattern in the loaded BPF object. Returns its
 * descriptor or -errno: -ENOMEM, or -E2BIG where the kernel's limits are.
 */
int rules_build(const struct bpf_object *object, const struct pt_snapshot *snapshot,
		enum pt_family family);

/* Looks an address up. Returns 0 and *ret_class, 0 where nothing matches, or -errno. */
int rules_lookup(int fd, enum pt_family family, const __u8 *addr, __u32 *ret_class);

/* The memory that the kernel accounts for the map, 0 if it does not say. */
__u64 rules_bytes(int fd);

#endif
