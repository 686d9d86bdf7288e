/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel has of hugepages, and of memory at all. Threading: none. */
#ifndef PEERTAG_DATAPLANE_DPDK_HUGEPAGES_H
#define PEERTAG_DATAPLANE_DPDK_HUGEPAGES_H

#include <stddef.h>

#include <peertag/types.h>

#define HUGEPAGE_SIZES_MAX 4

/* Those of one size. */
struct hugepages {
	__u64 page_bytes;
	__u64 free; /* not reserved by somebody either; with those the kernel would add on demand */
	__u64 total;
};

/* Fills `ret`, by size, the smallest first. Returns of how many sizes there may be some. */
size_t hugepages_read(struct hugepages ret[HUGEPAGE_SIZES_MAX]);

/* Bytes of all that are free. */
__u64 hugepages_free_bytes(void);

/* MemAvailable; 0 if the kernel does not say. */
__u64 memory_available_bytes(void);

#endif
