/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCI_DEVICES    "/sys/bus/pci/devices"
#define PCI_NAME_BYTES 32
#define NAME_MAX_BYTES 64

/* Writes the address as the kernel has it: 8a:00.0 is 0000:8a:00.0. False: it is none. */
static bool pci_name(const char *text, char *name, size_t bytes)
{
	unsigned int domain = 0, bus, device, function;
	char end;

	if (sscanf(text, "%x:%x:%x.%x%c", &domain, &bus, &device, &function, &end) != 4) {
		domain = 0;
		if (sscanf(text, "%x:%x.%x%c", &bus, &device, &function, &end) != 3)
			return false;
	}
	snprintf(name, bytes, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

static bool is_same_pci(const char *a, const char *b)
{
	char left[PCI_NAME_BYTES], right[PCI_NAME_BYTES];

	return pci_name(a, left, sizeof(left)) && pci_name(b, right, sizeof(right)) &&
	       !strcmp(left, right);
}

/* The kernel's name for the interface behind an ethdev; false: there is none. */
static bool interface_of(__u16 id, char *name)
{
	struct rte_eth_dev_info device;

	return rte_eth_dev_info_get(id, &device) == 0 && device.if_index &&
	       if_indextoname(device.if_index, name);
}

int device_find(const char *name, __u16 *ret_id)
{
	char own[RTE_ETH_NAME_MAX_LEN], interface[IF_NAMESIZE];
	__u16 id;

	if (rte_eth_dev_get_port_by_name(name, ret_id) == 0)
		return 0;
	RTE_ETH_FOREACH_DEV(id)
	{
		if (rte_eth_dev_get_name_by_port(id, own))
			continue;
		if (is_same_pci(own, name) ||
		    (interface_of(id, interface) && !strcmp(interface, name))) {
			*ret_id = id;
			return 0;
		}
	}
	return -ENODEV;
}

/* Levenshtein, one row of the matrix at a time. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES], columns = strnlen(b, NAME_MAX_BYTES - 1);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t above = row[j];

			row[j] = RTE_MIN(RTE_MIN(above, row[j - 1]) + 1,
					 diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[columns];
}

struct nearest {
	const char *to;
	size_t distance;
	char name[RTE_ETH_NAME_MAX_LEN];
};

/* A word as far away as a third of it is another word. */
static void nearest_offer(struct nearest *nearest, const char *name)
{
	size_t distance = edit_distance(nearest->to, name);

	if (distance >= strlen(nearest->to) / 3 + 2 || distance >= nearest->distance)
		return;
	nearest->distance = distance;
	snprintf(nearest->name, sizeof(nearest->name), "%s", name);
}

/* Writes all names, as far as there is room; *nearest gets the one most like it. */
static void list_devices(char *list, size_t bytes, struct nearest *nearest)
{
	char own[RTE_ETH_NAME_MAX_LEN], interface[IF_NAMESIZE];
	size_t length = 0;
	__u16 id;

	list[0] = '\0';
	RTE_ETH_FOREACH_DEV(id)
	{
		bool over = interface_of(id, interface);

		if (rte_eth_dev_get_name_by_port(id, own))
			continue;
		nearest_offer(nearest, own);
		if (over)
			nearest_offer(nearest, interface);
		if (length < bytes)
			length += snprintf(list + length, bytes - length, "%s%s%s%s%s",
					   length ? ", " : "", own, over ? " (" : "",
					   over ? interface : "", over ? ")" : "");
	}
}

static int explain_pci(const char *name, struct message *message)
{
	char path[PATH_MAX], link[PATH_MAX] = "";
	const char *driver;

	if (access(PCI_DEVICES, F_OK))
		return message_set(message, -ENODEV, "port %s: there is no PCI bus here", name);
	snprintf(path, sizeof(path), PCI_DEVICES "/%s", name);
	if (access(path, F_OK))
		return message_set(message, -ENODEV,
				   "port %s: no PCI device has this address; `dpdk-devbind.py "
				   "--status-dev net` lists them",
				   name);
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", name);
	if (readlink(path, link, sizeof(link) - 1) <= 0)
		return message_set(message, -ENODEV,
				   "port %s: the device has no driver: `dpdk-devbind.py "
				   "--bind=vfio-pci %s`",
				   name, name);
	driver = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	if (strncmp(driver, "vfio", 4) && strncmp(driver, "uio", 3) && !strstr(driver, "_uio"))
		return message_set(message, -ENODEV,
				   "port %s: the device is in the hands of the kernel's driver %s: "
				   "`dpdk-devbind.py --bind=vfio-pci %s` takes it from there",
				   name, driver, name);
	return message_set(
		message, -ENODEV,
		"port %s: EAL did not open the device, though it is bound to %s; `-a %s` "
		"in `eal:` allows it, and EAL's lines above may say more",
		name, driver, name);
}

int device_explain(const char *name, struct message *message)
{
	struct nearest nearest = {.to = name, .distance = SIZE_MAX};
	char list[128], pci[PCI_NAME_BYTES];

	if (pci_name(name, pci, sizeof(pci)))
		return explain_pci(pci, message);
	list_devices(list, sizeof(list), &nearest);
	if (if_nametoindex(name))
		return message_set(message, -ENODEV,
				   "port %s: EAL has no device over this interface; "
				   "`--vdev=net_af_xdp0,iface=%s` in `eal:` makes one (or "
				   "net_af_packet0), if it does not say above why not",
				   name, name);
	if (nearest.name[0])
		return message_set(message, -ENODEV,
				   "port %s: EAL has no such device; did you mean %s? There are: "
				   "%s",
				   name, nearest.name, list);
	return message_set(
		message, -ENODEV,
		"port %s: EAL has no such device, it has %s; name it in `eal:`, by -a or "
		"--vdev; what could not be opened is told above",
		name, list[0] ? list : "none");
}

bool device_is_virtual(const struct rte_eth_dev_info *device)
{
	const struct rte_bus *bus = device->device ? rte_dev_bus(device->device) : NULL;

	return bus && !strcmp(rte_bus_name(bus), "vdev");
}

char *device_arguments(const struct rte_eth_dev_info *device)
{
	const struct rte_devargs *arguments = rte_dev_devargs(device->device);
	bool any = arguments && arguments->args && arguments->args[0];
	char *text;

	if (asprintf(&text, "%s%s%s", rte_dev_name(device->device), any ? "," : "",
		     any ? arguments->args : "") < 0)
		return NULL;
	return text;
}

bool device_is_there(const char *arguments, const char *interface)
{
	char pci[PCI_NAME_BYTES], path[PATH_MAX], *name;
	bool there = true;

	if (interface[0])
		return if_nametoindex(interface) != 0;
	name = strndup(arguments, strcspn(arguments, ","));
	if (name && pci_name(name, pci, sizeof(pci))) {
		snprintf(path, sizeof(path), PCI_DEVICES "/%s", pci);
		there = access(path, F_OK) == 0;
	}
	free(name);
	return there;
}

/* One of ethtool's older requests; 0 if the kernel does not know. */
static __u32 ethtool_get(const char *interface, __u32 command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (void *)&value};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return 0;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	error = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return error ? 0 : value.data;
}

bool interface_merges(const char *interface)
{
	return ethtool_get(interface, ETHTOOL_GGRO) ||
	       (ethtool_get(interface, ETHTOOL_GFLAGS) & ETH_FLAG_LRO);
}

enum interface_state interface_state(unsigned int index)
{
	struct ifreq request = {};
	int fd, error;

	if (!if_indextoname(index, request.ifr_name))
		return INTERFACE_GONE;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return INTERFACE_UP;
	error = ioctl(fd, SIOCGIFFLAGS, &request);
	close(fd);
	if (error)
		return INTERFACE_GONE;
	if (!(request.ifr_flags & IFF_UP))
		return INTERFACE_DOWN;
	return request.ifr_flags & IFF_RUNNING ? INTERFACE_UP : INTERFACE_NO_CARRIER;
}
