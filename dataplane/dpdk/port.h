/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: an ethdev, whatever its driver, with the queues that workers poll. What the device can do
 * is asked and used, never assumed.
 *
 * Threading: the main thread, but for the events that ethdev reports from a thread of its own:
 * those only note what happened, and port_check() acts on it.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_PORT_H
#define PEERTAG_DATAPLANE_DPDK_PORT_H

#include <net/if.h>
#include <rte_ethdev.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <peertag/config.h>
#include <peertag/engine.h>

#include "../message.h"

struct rte_mempool;

#define PORT_QUEUES_MAX PT_WORKERS_MAX

/* What a port is to be opened with; see assign.h. */
struct port_queues {
	__u16 receive;
	__u16 transmit;
};

struct port {
	const struct pt_config_port *config;
	__u16 id;   /* of the ethdev; another one after a restart, perhaps */
	__u32 slot; /* of its counters */
	struct rte_eth_dev_info device;
	char interface[IF_NAMESIZE]; /* of the kernel, that the driver sits on; "" */
	char *arguments;	     /* what the device was made of */
	bool is_virtual;	     /* no hardware, so no speed and no filter of addresses */
	bool started;
	bool vlan_insert; /* it can push a VLAN tag as it transmits */
	bool multi_segs;  /* it can transmit a packet of several mbufs */
	struct port_queues queues;
	struct rte_mempool *pool; /* of its receive queues */
	__u64 nic_base;		  /* the device's count before this process, or before a reset */
	__u64 nic_seen;		  /* by the device, at the last look */
	struct rte_eth_link link;
	char problem[128];  /* why it is not up; "" */
	char remark[80];    /* what is not as it should be; "" */
	atomic_uint events; /* PORT_EVENT_*: noted, not yet acted upon */
	__u32 failures;	    /* of port_restart(), one after the other */
	__u64 retry_cycles; /* when to try again */
};

enum {
	PORT_EVENT_LINK = 1,
	PORT_EVENT_RESET = 2,
	PORT_EVENT_REMOVED = 4,
};

/*
 * Finds the ethdev that the configuration names: by its name, which for a PCI device is its
 * address, or by the name that the kernel gives the interface behind it. Fills id and device.
 * Returns 0, or -errno and why: what is not there is told with the nearest name that is, with the
 * devices that are, and where it is known with what the device lacks (bound to a kernel driver,
 * not allowed by `-a`). A port that was found is to be stopped, started or not.
 */
int port_find(struct port *port, const struct pt_config_port *config, struct message *message);

/* The most queues that it can have of either kind. */
struct port_queues port_queues_max(const struct port *port);

/*
 * Configures it with `queues`, RSS over all receive queues where there are several, and starts it,
 * promiscuous, and with at least one transmit queue where it can have any. Returns 0, or -errno and
 * why.
 */
int port_start(struct port *port, struct port_queues queues, struct message *message);

/* Stops and closes it. No worker may poll it. */
void port_stop(struct port *port);

/*
 * Looks after it: link, events. Returns whether anything that port_status() tells has changed.
 * *ret_restart: the device wants a reset, or came back: pause its queues, and call port_restart(),
 * which opens it anew with the queues that it had. If that fails the port is not started, and
 * port_check() asks again after a while. The ethdev's id may be another one then.
 */
bool port_check(struct port *port, bool *ret_restart);
int port_restart(struct port *port, struct message *message);

/* Received by the device's own count, those that it missed included, since the counters began. */
__u64 port_nic_packets(const struct port *port);

/* Fills name, mode, driver, slot, up and nic_packets. `workers`: who polls it, for the mode. */
void port_status(const struct port *port, const char *workers, struct pt_engine_port *ret);

#endif
