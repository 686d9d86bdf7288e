/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The job of a port as nftables does it: a chain at the ingress hook of a device, with maps of
 * address ranges (nftables refuses prefixes that overlap, so nested ones are flattened), a named
 * counter for each class as source and as destination, the DSCP, and then a drop.
 *
 * All in the network namespace of the calling thread, by the program nft.
 */
#ifndef PERF_NFT_RULES_H
#define PERF_NFT_RULES_H

#include "workload.h"

enum nft_job {
	NFT_DROP,  /* and nothing else */
	NFT_COUNT, /* count and set the DSCP */
	NFT_MARK,  /* and the class as a mark before, which takes two more lookups */
};

/* Makes a table of the device's name. Returns the seconds that took. */
double nft_load(const char *device, enum nft_job job, const struct workload *workload);

void nft_unload(const char *device);

/* Adds what was counted: [direction][class - 1]. */
void nft_counters(const char *device, __u32 classes, __u64 *ret_packets[2]);

#endif
