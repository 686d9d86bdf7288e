/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ethdev a name means, and what the system says of the device behind it: the kernel of its
 * interface, where the driver sits on one, and the PCI bus. Threading: the main thread.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_DEVICE_H
#define PEERTAG_DATAPLANE_DPDK_DEVICE_H

#include <net/if.h>
#include <rte_ethdev.h>
#include <stdbool.h>

#include <peertag/types.h>

#include "../message.h"

/*
 * Finds the ethdev called `name`: by its own name, by its PCI address however that is written, or
 * by the name that the kernel has for the interface behind it. Returns 0 and *ret_id, or -ENODEV.
 */
int device_find(const char *name, __u16 *ret_id);

/* Why no ethdev is called `name`, what is called nearly so, and what to do. Returns -ENODEV. */
int device_explain(const char *name, struct message *message);

/* It is made by EAL, as by --vdev; else there is hardware. */
bool device_is_virtual(const struct rte_eth_dev_info *device);

/* What it was made of, for rte_dev_probe() to make it anew; free() frees it. NULL: out of memory.
 */
char *device_arguments(const struct rte_eth_dev_info *device);

/* Whether a device made of these arguments can be there: `interface` is "" if it needs none. */
bool device_is_there(const char *arguments, const char *interface);

enum interface_state {
	INTERFACE_UP,
	INTERFACE_NO_CARRIER,
	INTERFACE_DOWN,
	INTERFACE_GONE,
};

/* Of the kernel's interface with this number. */
enum interface_state interface_state(unsigned int index);

/* Whether the kernel merges packets that it receives there into longer ones (GRO, LRO). */
bool interface_merges(const char *interface);

#endif
