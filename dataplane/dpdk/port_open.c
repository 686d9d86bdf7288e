/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_open.h"

#include <errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "eal.h"
#include "pool.h"

#define DESCRIPTORS	     1024
#define ROOM_BYTES	     2048 /* what most devices want a buffer to hold */
#define FRAME_MAX_BYTES	     32768u
#define BUFFERS_PER_LCORE    512 /* in the lcore's cache, and in its burst */
#define VLAN_TAGS_BYTES	     8
#define FRAME_OVERHEAD_BYTES (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + VLAN_TAGS_BYTES)

/* Their queues are fixed when they are made: what is not polled is lost, or passes by. */
static const char *const fixed_drivers[] = {"net_af_packet", "net_af_xdp", "net_pcap"};

/* They copy what they transmit, so no buffer of another port's stays with them. */
static const char *const copying_drivers[] = {"net_af_packet", "net_af_xdp", "net_null", "net_pcap",
					      "net_tap"};

static bool is_one_of(const char *driver, const char *const *drivers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

int port_fail(const struct port *port, int error, const char *what, struct message *message)
{
	return message_set(message, error, "port %s (%s): cannot %s: %s", port->config->name,
			   port->device.driver_name, what, rte_strerror(-error));
}

static bool port_has_driver(const struct port *port, const char *driver)
{
	return !strcmp(port->device.driver_name, driver);
}

/*
 * An AF_XDP socket shares the pool with the kernel as one range of addresses. Such a pool is not
 * made of pages that hardware finds by physical address one after the other.
 */
static int port_check_addresses(const struct port *port, struct message *message)
{
	struct rte_eth_dev_info other;
	__u16 id;

	if (!port_has_driver(port, "net_af_xdp") || rte_eal_iova_mode() != RTE_IOVA_PA)
		return 0;
	RTE_ETH_FOREACH_DEV(id)
	if (rte_eth_dev_info_get(id, &other) == 0 && !device_is_virtual(&other))
		return message_set(message, -EINVAL,
				   "port %s: net_af_xdp beside hardware needs virtual "
				   "addresses: `--iova-mode=va` in `eal:`, and an IOMMU",
				   port->config->name);
	return 0;
}

static int port_check_queues(const struct port *port, const struct port_queues *queues,
			     struct message *message)
{
	if (is_one_of(port->device.driver_name, fixed_drivers, RTE_DIM(fixed_drivers)) &&
	    queues->receive < port->device.max_rx_queues)
		return message_set(
			message, -EINVAL,
			"port %s: the device has %u receive queues, and only %u of them "
			"would be polled: make it with so many, or give EAL and the port "
			"it forwards to more lcores and queues",
			port->config->name, port->device.max_rx_queues, queues->receive);
	return port_check_addresses(port, message);
}

static void port_conf(struct port *port, const struct port_queues *queues, __u16 mtu,
		      struct rte_eth_conf *conf)
{
	const struct rte_eth_dev_info *device = &port->device;
	__u64 hash = device->flow_type_rss_offloads &
		     (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);

	*conf = (struct rte_eth_conf){.rxmode.mtu = mtu};
	conf->txmode.offloads = device->tx_offload_capa &
				(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	if (mtu + FRAME_OVERHEAD_BYTES > ROOM_BYTES)
		conf->rxmode.offloads = device->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (queues->receive > 1 && hash) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = hash;
	}
	conf->intr_conf.lsc = !!(*device->dev_flags & RTE_ETH_DEV_INTR_LSC);
	conf->intr_conf.rmv = !!(*device->dev_flags & RTE_ETH_DEV_INTR_RMV);
	port->vlan_insert = conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	port->multi_segs = conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
}

/* Some drivers have queues in pairs only. */
static int port_configure(struct port *port, struct port_queues *queues, struct rte_eth_conf *conf,
			  struct message *message)
{
	int error = rte_eth_dev_configure(port->id, queues->receive, queues->transmit, conf);

	if (error && queues->transmit < queues->receive) {
		queues->transmit = queues->receive;
		error = rte_eth_dev_configure(port->id, queues->receive, queues->transmit, conf);
	}
	if (error)
		return message_set(message, error,
				   "port %s (%s): it takes not %u receive and %u transmit queues: "
				   "%s",
				   port->config->name, port->device.driver_name, queues->receive,
				   queues->transmit, rte_strerror(-error));
	return 0;
}

/* In the port's own queues, in those of the port that it forwards to, and with the workers. */
static __u32 buffers_needed(const struct port *port, const struct port_queues *queues,
			    __u16 receive_descriptors, __u16 transmit_descriptors)
{
	/* An AF_XDP socket holds 2,048 to be filled, and as many that were sent. */
	__u32 own = port_has_driver(port, "net_af_xdp") ? 2 * 2048 : receive_descriptors;

	return queues->receive * (own + DESCRIPTORS) + queues->transmit * transmit_descriptors +
	       rte_lcore_count() * BUFFERS_PER_LCORE;
}

static bool any_device_keeps_buffers(void)
{
	struct rte_eth_dev_info device;
	__u16 id;

	RTE_ETH_FOREACH_DEV(id)
	if (rte_eth_dev_info_get(id, &device) ||
	    !is_one_of(device.driver_name, copying_drivers, RTE_DIM(copying_drivers)))
		return true;
	return false;
}

/*
 * A port that is opened again uses its pool again, though the device before may not have given back
 * what it held: an AF_XDP socket does not. Only if some of it may still be with another device, the
 * rest is lost with it.
 */
static int port_fill_pool(struct port *port, const struct pool_options *options,
			  struct message *message)
{
	char memory[160];

	if (port->pool && !pool_is_full(port->pool) && !any_device_keeps_buffers())
		pool_recall(port->pool);
	if (port->pool && pool_is_full(port->pool))
		return 0;
	port->pool = pool_new(options);
	if (port->pool)
		return 0;
	eal_explain_memory(pool_bytes(options), memory, sizeof(memory));
	return message_set(message, -ENOMEM, "port %s: no memory for packets: %s",
			   port->config->name, memory);
}

/* Without scattering, a buffer holds all of a frame; of a packet socket, the user says how long. */
static __u32 room_needed(const struct port *port, const struct rte_eth_conf *conf)
{
	__u32 room = RTE_MAX(port->device.min_rx_bufsize, (__u32)ROOM_BYTES);
	__u32 frame = conf->rxmode.mtu + FRAME_OVERHEAD_BYTES, given;
	const char *option = strstr(port->arguments, "framesz=");

	if (option && sscanf(option, "framesz=%u", &given) == 1)
		frame = RTE_MAX(frame, RTE_MIN(given, FRAME_MAX_BYTES));
	return conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER ? room : RTE_MAX(room, frame);
}

static int port_open_queues(struct port *port, const struct port_queues *queues, __u16 receive,
			    __u16 transmit, struct message *message)
{
	struct rte_eth_rxconf receive_conf = port->device.default_rxconf;
	int socket = rte_eth_dev_socket_id(port->id), error = 0;

	/* A worker that is slow is not to hold up the queues of others. */
	receive_conf.rx_drop_en = queues->receive > 1;
	for (__u16 i = 0; !error && i < queues->transmit; i++)
		error = rte_eth_tx_queue_setup(port->id, i, transmit, socket, NULL);
	for (__u16 i = 0; !error && i < queues->receive; i++)
		error = rte_eth_rx_queue_setup(port->id, i, receive, socket, &receive_conf,
					       port->pool);
	return error ? port_fail(port, error, "open its queues, see above", message) : 0;
}

static int port_prepare(struct port *port, struct port_queues *queues, struct message *message)
{
	__u16 mtu = RTE_ETHER_MTU, receive = DESCRIPTORS, transmit = DESCRIPTORS;
	struct pool_options options;
	struct rte_eth_conf conf;
	int error;

	rte_eth_dev_get_mtu(port->id, &mtu);
	port_conf(port, queues, RTE_MIN(mtu, port->device.max_mtu), &conf);
	error = port_configure(port, queues, &conf, message);
	if (error)
		return error;
	error = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &receive, &transmit);
	if (error)
		return port_fail(port, error, "choose the length of its queues", message);
	options = (struct pool_options){
		.buffers = buffers_needed(port, queues, receive, transmit),
		.room_bytes = room_needed(port, &conf),
		.socket = rte_eth_dev_socket_id(port->id),
		.one_piece = port_has_driver(port, "net_af_xdp"),
	};
	error = port_fill_pool(port, &options, message);
	return error ? error : port_open_queues(port, queues, receive, transmit, message);
}

int port_open(struct port *port, struct port_queues *queues, struct message *message)
{
	int error = port_check_queues(port, queues, message);

	/* A device that has them refuses to have none. */
	if (port->device.max_tx_queues)
		queues->transmit = RTE_MAX(queues->transmit, 1);
	return error ? error : port_prepare(port, queues, message);
}
