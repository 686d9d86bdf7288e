/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"

#define REPLY_BYTES 32768

static int parse_xdp(const struct nlattr *attribute, void *argument)
{
	struct device *device = argument;

	if (mnl_attr_get_type(attribute) == IFLA_XDP_ATTACHED)
		device->xdp_mode = mnl_attr_get_u8(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID)
		device->xdp_program = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int parse_attribute(const struct nlattr *attribute, void *argument)
{
	struct device *device = argument;
	const struct rtnl_link_stats64 *stats;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		snprintf(device->name, sizeof(device->name), "%s", mnl_attr_get_str(attribute));
		break;
	case IFLA_MTU:
		device->mtu = mnl_attr_get_u32(attribute);
		break;
	case IFLA_STATS64:
		stats = mnl_attr_get_payload(attribute);
		memcpy(&device->received_packets, &stats->rx_packets, sizeof(__u64));
		break;
	case IFLA_XDP:
		mnl_attr_parse_nested(attribute, parse_xdp, device);
		break;
	}
	return MNL_CB_OK;
}

static int parse_link(const struct nlmsghdr *header, void *argument)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);
	struct device *device = argument;

	device->ifindex = link->ifi_index;
	device->up = link->ifi_flags & IFF_UP && link->ifi_flags & IFF_RUNNING;
	mnl_attr_parse(header, sizeof(*link), parse_attribute, device);
	return MNL_CB_OK;
}

static int device_ask(struct mnl_socket *socket, const char *name, int ifindex,
		      struct device *device)
{
	char buffer[REPLY_BYTES];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	ssize_t bytes;

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->nlmsg_seq = 1;
	link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
	link->ifi_index = ifindex;
	if (name)
		mnl_attr_put_strz(header, IFLA_IFNAME, name);
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -errno;

	do {
		bytes = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (bytes < 0)
			return -errno;
		bytes = mnl_cb_run(buffer, bytes, 1, mnl_socket_get_portid(socket), parse_link,
				   device);
	} while (bytes > 0);
	return bytes < 0 ? -errno : 0;
}

int device_find(const char *name, int ifindex, struct device *ret)
{
	struct device device = {};
	struct mnl_socket *socket;
	int error;

	if (name && strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ? -errno : 0;
	if (!error)
		error = device_ask(socket, name, ifindex, &device);
	mnl_socket_close(socket);
	if (!error)
		*ret = device;
	return error;
}

void device_driver(const char *name, char *driver, size_t bytes)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&info};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	driver[0] = '\0';
	if (fd < 0)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &request) == 0)
		snprintf(driver, bytes, "%.*s", (int)sizeof(info.driver), info.driver);
	close(fd);
}

int device_watch(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

void device_drain(int socket)
{
	char buffer[REPLY_BYTES];

	/* Also when the kernel dropped some: whoever calls looks at all devices anew. */
	while (recv(socket, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		;
}
