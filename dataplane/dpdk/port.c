/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <rte_bus.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "pool.h"
#include "port_open.h"

#define RETRY_DOUBLINGS_MAX 6u

static const enum rte_eth_event_type watched[] = {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RESET,
						  RTE_ETH_EVENT_INTR_RMV};

/* The device behind port->id. */
static int port_describe(struct port *port, struct message *message)
{
	int error = rte_eth_dev_info_get(port->id, &port->device);

	if (error)
		return message_set(message, error, "port %s: the device says nothing of itself: %s",
				   port->config->name, rte_strerror(-error));
	if (port->device.if_index && !if_indextoname(port->device.if_index, port->interface))
		return message_set(message, -ENODEV, "port %s: the interface of the device is gone",
				   port->config->name);
	port->is_virtual = device_is_virtual(&port->device);
	if (!port->arguments)
		port->arguments = device_arguments(&port->device);
	return port->arguments ? 0 : message_set(message, -ENOMEM, "out of memory");
}

int port_find(struct port *port, const struct pt_config_port *config, struct message *message)
{
	__u16 id;

	if (device_find(config->name, &id))
		return device_explain(config->name, message);
	*port = (struct port){.config = config, .id = id};
	return port_describe(port, message);
}

struct port_queues port_queues_max(const struct port *port)
{
	return (struct port_queues){
		.receive = RTE_MIN(port->device.max_rx_queues, PORT_QUEUES_MAX),
		.transmit = RTE_MIN(port->device.max_tx_queues, PORT_QUEUES_MAX),
	};
}

/* Called by a thread of EAL's. */
static int port_event(__u16 id, enum rte_eth_event_type event, void *argument, void *reply)
{
	struct port *port = argument;
	unsigned int bit = event == RTE_ETH_EVENT_INTR_LSC     ? PORT_EVENT_LINK
			   : event == RTE_ETH_EVENT_INTR_RESET ? PORT_EVENT_RESET
							       : PORT_EVENT_REMOVED;

	(void)id;
	(void)reply;
	atomic_fetch_or(&port->events, bit);
	return 0;
}

static void port_watch(struct port *port, bool on)
{
	for (size_t i = 0; i < RTE_DIM(watched); i++)
		if (on)
			rte_eth_dev_callback_register(port->id, watched[i], port_event, port);
		else
			rte_eth_dev_callback_unregister(port->id, watched[i], port_event, port);
}

/* Virtual devices that cannot be promiscuous need not be: they have no filter. */
static void port_go_promiscuous(struct port *port)
{
	int error = rte_eth_promiscuous_enable(port->id);

	if (error && (error != -ENOTSUP || !port->is_virtual))
		snprintf(port->remark, sizeof(port->remark), "not promiscuous (%s)",
			 rte_strerror(-error));
}

/* A packet socket gets what the kernel merged, and cuts it off where its own frames end. */
static void port_look_for_merging(struct port *port)
{
	if (!strcmp(port->device.driver_name, "net_af_packet") && interface_merges(port->interface))
		snprintf(port->remark, sizeof(port->remark),
			 "merged packets are cut off: ethtool -K %s gro off lro off",
			 port->interface);
}

/* What the device counts, those that it dropped for want of a buffer included. */
static __u64 port_count(const struct port *port)
{
	struct rte_eth_stats stats;

	if (!port->started || rte_eth_stats_get(port->id, &stats))
		return port->nic_seen;
	return RTE_MAX(stats.ipackets + stats.imissed, port->nic_seen);
}

int port_start(struct port *port, struct port_queues queues, struct message *message)
{
	int error = port_open(port, &queues, message);

	if (error)
		return error;
	rte_eth_stats_reset(port->id);
	port_watch(port, true);
	error = rte_eth_dev_start(port->id);
	if (error) {
		port_watch(port, false);
		return port_fail(port, error, "start", message);
	}
	port->queues = queues;
	port->started = true;
	port->remark[0] = '\0';
	port_go_promiscuous(port);
	port_look_for_merging(port);
	port_check(port, &(bool){false});
	return 0;
}

/* What it counted is not lost with it. */
static void port_halt(struct port *port)
{
	port_watch(port, false);
	port->nic_base += port_count(port);
	port->nic_seen = 0;
	if (port->started)
		rte_eth_dev_stop(port->id);
	port->started = false;
	atomic_store(&port->events, 0);
}

void port_stop(struct port *port)
{
	port_halt(port);
	if (rte_eth_dev_is_valid_port(port->id))
		rte_eth_dev_close(port->id);
	if (port->pool && pool_is_full(port->pool))
		pool_free(port->pool);
	port->pool = NULL;
	free(port->arguments);
	port->arguments = NULL;
}

/* A device that can reset itself stays what it is; another is removed, and made anew. */
static int port_renew(struct port *port, bool reset, struct message *message)
{
	int error = 0;

	if (reset && rte_eth_dev_reset(port->id) == 0)
		return port_describe(port, message);
	if (rte_eth_dev_is_valid_port(port->id))
		error = rte_dev_remove(port->device.device);
	if (error)
		return port_fail(port, error, "remove the device, to make it anew", message);
	port->id = RTE_MAX_ETHPORTS;
	error = rte_dev_probe(port->arguments);
	if (error)
		return message_set(message, error, "port %s: cannot make the device anew: %s",
				   port->config->name, rte_strerror(-error));
	if (device_find(port->config->name, &port->id))
		return device_explain(port->config->name, message);
	return port_describe(port, message);
}

/* After each failure it waits twice as long. */
static void port_note_restart(struct port *port, int error)
{
	if (!error) {
		port->failures = 0;
		return;
	}
	port->retry_cycles = rte_get_tsc_cycles() +
			     (rte_get_tsc_hz() << RTE_MIN(port->failures, RETRY_DOUBLINGS_MAX));
	port->failures++;
	snprintf(port->problem, sizeof(port->problem), "it could not be restarted: %s",
		 rte_strerror(-error));
}

int port_restart(struct port *port, struct message *message)
{
	bool reset = atomic_load(&port->events) & PORT_EVENT_RESET;
	int error;

	port_halt(port);
	error = port_renew(port, reset, message);
	if (!error)
		error = port_start(port, port->queues, message);
	port_note_restart(port, error);
	return error;
}

/* Drivers on a kernel's interface do not tell what becomes of it. */
static void explain_interface(const struct port *port, char *problem, size_t bytes)
{
	switch (interface_state(port->device.if_index)) {
	case INTERFACE_UP:
		break;
	case INTERFACE_NO_CARRIER:
		snprintf(problem, bytes, "%s has no carrier", port->interface);
		break;
	case INTERFACE_DOWN:
		snprintf(problem, bytes, "%s is down", port->interface);
		break;
	case INTERFACE_GONE:
		snprintf(problem, bytes, "%s is gone", port->interface);
		break;
	}
}

static void explain_link(const struct port *port, char *problem, size_t bytes)
{
	unsigned int events = atomic_load(&port->events);

	if (events & PORT_EVENT_REMOVED)
		snprintf(problem, bytes, "the device was removed");
	else if (events & PORT_EVENT_RESET)
		snprintf(problem, bytes, "the device asks to be reset");
	else if (port->interface[0])
		explain_interface(port, problem, bytes);
	else if (port->link.link_status == RTE_ETH_LINK_DOWN)
		snprintf(problem, bytes, "the link is down");
}

/* Whether the interface's name means another one than that which the driver has. */
static bool port_came_back(const struct port *port)
{
	unsigned int now = port->interface[0] ? if_nametoindex(port->interface) : 0;

	return now && now != port->device.if_index &&
	       interface_state(port->device.if_index) == INTERFACE_GONE;
}

bool port_check(struct port *port, bool *ret_restart)
{
	const unsigned int broken = PORT_EVENT_RESET | PORT_EVENT_REMOVED;
	char problem[sizeof(port->problem)] = "";
	struct rte_eth_link before = port->link;
	bool changed;

	if (!port->started) {
		*ret_restart = rte_get_tsc_cycles() >= port->retry_cycles &&
			       device_is_there(port->arguments, port->interface);
		return false;
	}
	port->nic_seen = port_count(port);
	atomic_fetch_and(&port->events, broken);
	rte_eth_link_get_nowait(port->id, &port->link);
	explain_link(port, problem, sizeof(problem));
	changed = strcmp(problem, port->problem) || before.link_speed != port->link.link_speed ||
		  before.link_duplex != port->link.link_duplex;
	memcpy(port->problem, problem, sizeof(problem));
	*ret_restart = (atomic_load(&port->events) & broken) || port_came_back(port);
	return changed;
}

__u64 port_nic_packets(const struct port *port)
{
	return port->nic_base + port_count(port);
}

static size_t append(char *text, size_t bytes, size_t length, const char *separator,
		     const char *word)
{
	if (!word[0] || length >= bytes)
		return length;
	return length + snprintf(text + length, bytes - length, "%s%s", separator, word);
}

/* "10 Gbps full-duplex". What a virtual device says of its speed is made up. */
static void port_speed(const struct port *port, char *text, size_t bytes)
{
	const char *duplex = port->link.link_duplex ? "full-duplex" : "half-duplex";
	__u32 mbps = port->link.link_speed;

	text[0] = '\0';
	if (port->is_virtual || !mbps || mbps == RTE_ETH_SPEED_NUM_UNKNOWN)
		return;
	if (mbps % 1000)
		snprintf(text, bytes, "%u Mbps %s", mbps, duplex);
	else
		snprintf(text, bytes, "%u Gbps %s", mbps / 1000, duplex);
}

/* "2 queues, RSS; lcore 3: 0, lcore 4: 1; 10 Gbps full-duplex" */
static void port_mode(const struct port *port, const char *workers, char *mode, size_t bytes)
{
	char speed[32], over[32] = "";
	size_t length;

	length = snprintf(mode, bytes, "%u queue%s", port->queues.receive,
			  port->queues.receive == 1 ? "" : "s");
	if (port->queues.receive > 1 && port->device.flow_type_rss_offloads)
		length = append(mode, bytes, length, ", ", "RSS");
	length = append(mode, bytes, length, "; ", workers);
	port_speed(port, speed, sizeof(speed));
	length = append(mode, bytes, length, "; ", speed);
	if (port->interface[0] && strcmp(port->interface, port->config->name))
		snprintf(over, sizeof(over), "over %s", port->interface);
	length = append(mode, bytes, length, "; ", over);
	append(mode, bytes, length, "; ", port->remark);
}

void port_status(const struct port *port, const char *workers, struct pt_engine_port *ret)
{
	*ret = (struct pt_engine_port){
		.slot = port->slot,
		.up = port->started && !port->problem[0],
		.nic_packets = port_nic_packets(port),
	};
	snprintf(ret->name, sizeof(ret->name), "%s", port->config->name);
	snprintf(ret->driver, sizeof(ret->driver), "%s", port->device.driver_name);
	if (port->problem[0])
		snprintf(ret->mode, sizeof(ret->mode), "%s", port->problem);
	else
		port_mode(port, workers, ret->mode, sizeof(ret->mode));
}
