/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xdp_setup.h"

static int namespaces[VETH_SIDES];

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void command(const char *format, ...)
{
	va_list arguments;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	errno = 0;
	if (system(text))
		die("failed: %s", text);
}

/* No IPv6 there: it would send frames of its own. */
static int namespace_make(void)
{
	int fd, ipv6;

	if (unshare(CLONE_NEWNET))
		die("cannot make a network namespace");
	ipv6 = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (ipv6 >= 0) {
		if (write(ipv6, "1", 1) != 1)
			die("cannot do without IPv6");
		close(ipv6);
	}
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("cannot open the network namespace");
	return fd;
}

void veth_namespaces(void)
{
	for (int side = 0; side < VETH_SIDES; side++)
		namespaces[side] = namespace_make();
}

void veth_enter(enum veth_side side)
{
	if (setns(namespaces[side], CLONE_NEWNET))
		die("cannot enter the network namespace");
}

static void gro_on(const char *name)
{
	struct ethtool_value value = {.cmd = ETHTOOL_SGRO, .data = 1};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_data = (void *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		die("cannot switch GRO on");
	close(fd);
}

void veth_make(int i)
{
	char name[VETH_NAME_BYTES];

	veth_enter(VETH_GENERATOR);
	command("ip link add g%d type veth peer name r%d netns /proc/%d/fd/%d", i, i, getpid(),
		namespaces[VETH_RECEIVER]);
	command("ip link set g%d up", i);
	veth_enter(VETH_RECEIVER);
	command("ip link set r%d up", i);
	veth_index(VETH_RECEIVER, i, name);
	gro_on(name);
}

void veth_remove(int i)
{
	veth_enter(VETH_GENERATOR);
	command("ip link del g%d", i);
}

int veth_index(enum veth_side side, int i, char name[VETH_NAME_BYTES])
{
	int index;

	snprintf(name, VETH_NAME_BYTES, "%c%d", side == VETH_GENERATOR ? 'g' : 'r', i);
	index = if_nametoindex(name);
	if (!index)
		die("there is no %s", name);
	return index;
}

__u64 veth_received(int i)
{
	FILE *file;
	char line[512], name[VETH_NAME_BYTES];
	unsigned long long packets = 0;
	bool found = false;

	veth_enter(VETH_RECEIVER);
	file = fopen("/proc/thread-self/net/dev", "re");
	if (!file)
		die("cannot read the interfaces' counters");
	snprintf(name, sizeof(name), "r%d:", i);
	while (!found && fgets(line, sizeof(line), file)) {
		char *at = line + strspn(line, " ");

		found = !strncmp(at, name, strlen(name)) &&
			sscanf(at + strlen(name), "%*u %llu", &packets) == 1;
	}
	fclose(file);
	if (!found)
		die("there is no %s", name);
	return packets;
}
