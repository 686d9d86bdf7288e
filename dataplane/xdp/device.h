/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel says of a network device, by rtnetlink. Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_XDP_DEVICE_H
#define PEERTAG_DATAPLANE_XDP_DEVICE_H

#include <net/if.h>
#include <stdbool.h>

#include <peertag/types.h>

struct device {
	int ifindex;
	char name[IFNAMSIZ];
	__u32 mtu;
	bool up; /* set up, and with a carrier */
	__u64 received_packets;
	__u32 xdp_mode;	   /* XDP_ATTACHED_* */
	__u32 xdp_program; /* id; 0: none */
};

/* Looks a device up, by its name or, if that is NULL, by its number. Returns 0 and *ret, or
 * -errno: -ENODEV if there is none. */
int device_find(const char *name, int ifindex, struct device *ret);

/* Writes the name of the device's driver into `driver`; "" if it says none. */
void device_driver(const char *name, char *driver, size_t bytes);

/*
 * A socket that becomes readable when any device changes, appears or goes. Returns it or -errno.
 * device_drain() reads away what is in it.
 */
int device_watch(void);
void device_drain(int socket);

#endif
