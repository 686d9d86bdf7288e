/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, every
 * entry with its column "Globally Reachable"; multicast from RFC 5771 and RFC 4291.
 */
#include "special.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NO  SPECIAL_NOT_REACHABLE
#define YES SPECIAL_REACHABLE
#define NA  SPECIAL_NOT_APPLICABLE

static const struct special_range ranges[] = {
	{"0.0.0.0/8", "this network", NO},
	{"0.0.0.0/32", "this host on this network", NO},
	{"10.0.0.0/8", "private use", NO},
	{"100.64.0.0/10", "shared address space", NO},
	{"127.0.0.0/8", "loopback", NO},
	{"169.254.0.0/16", "link local", NO},
	{"172.16.0.0/12", "private use", NO},
	{"192.0.0.0/24", "IETF protocol assignments", NO},
	{"192.0.0.0/29", "IPv4 service continuity", NO},
	{"192.0.0.8/32", "IPv4 dummy address", NO},
	{"192.0.0.9/32", "Port Control Protocol anycast", YES},
	{"192.0.0.10/32", "TURN anycast", YES},
	{"192.0.0.170/32", "NAT64/DNS64 discovery", NO},
	{"192.0.0.171/32", "NAT64/DNS64 discovery", NO},
	{"192.0.2.0/24", "documentation", NO},
	{"192.31.196.0/24", "AS112", YES},
	{"192.52.193.0/24", "AMT", YES},
	{"192.88.99.0/24", "6to4 relay anycast, deprecated", NA},
	{"192.88.99.2/32", "6a44 relay anycast", NO},
	{"192.168.0.0/16", "private use", NO},
	{"192.175.48.0/24", "direct delegation AS112", YES},
	{"198.18.0.0/15", "benchmarking", NO},
	{"198.51.100.0/24", "documentation", NO},
	{"203.0.113.0/24", "documentation", NO},
	{"224.0.0.0/4", "multicast", SPECIAL_MULTICAST},
	{"240.0.0.0/4", "reserved", NO},
	{"255.255.255.255/32", "limited broadcast", NO},
	{"::/128", "unspecified address", NO},
	{"::1/128", "loopback", NO},
	{"::ffff:0:0/96", "IPv4-mapped", NO},
	{"64:ff9b::/96", "IPv4-IPv6 translation", YES},
	{"64:ff9b:1::/48", "local IPv4-IPv6 translation", NO},
	{"100::/64", "discard only", NO},
	{"100:0:0:1::/64", "dummy prefix", NO},
	{"2001::/23", "IETF protocol assignments", NO},
	{"2001::/32", "Teredo", NA},
	{"2001:1::1/128", "Port Control Protocol anycast", YES},
	{"2001:1::2/128", "TURN anycast", YES},
	{"2001:1::3/128", "DNS-SD service registration anycast", YES},
	{"2001:2::/48", "benchmarking", NO},
	{"2001:3::/32", "AMT", YES},
	{"2001:4:112::/48", "AS112", YES},
	{"2001:10::/28", "ORCHID, deprecated", NA},
	{"2001:20::/28", "ORCHIDv2", YES},
	{"2001:30::/28", "drone remote ID", YES},
	{"2001:db8::/32", "documentation", NO},
	{"2002::/16", "6to4", NA},
	{"2620:4f:8000::/48", "direct delegation AS112", YES},
	{"3fff::/20", "documentation", NO},
	{"5f00::/16", "segment routing SIDs", NO},
	{"fc00::/7", "unique local", NO},
	{"fe80::/10", "link local", NO},
	{"ff00::/8", "multicast", SPECIAL_MULTICAST},
};

#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

static struct prefix prefixes[RANGES]; /* of ranges[] */
static pthread_once_t prefixes_once = PTHREAD_ONCE_INIT;

static void read_ranges(void)
{
	for (size_t i = 0; i < RANGES; i++) {
		const char *slash = strchr(ranges[i].prefix, '/');
		int family = strchr(ranges[i].prefix, ':') ? AF_INET6 : AF_INET;
		char address[ADDRESS_TEXT_SIZE] = "";

		memcpy(address, ranges[i].prefix, (size_t)(slash - ranges[i].prefix));
		inet_pton(family, address, prefixes[i].addr);
		prefixes[i].family = family == AF_INET ? 4 : 6;
		prefixes[i].length = (uint8_t)atoi(slash + 1);
	}
}

static bool is_refused(const struct special_range *range)
{
	return range->reach == SPECIAL_NOT_REACHABLE || range->reach == SPECIAL_MULTICAST;
}

const struct special_range *special_range_of(const struct prefix *prefix)
{
	const struct special_range *covered = NULL;
	size_t inside = RANGES;

	pthread_once(&prefixes_once, read_ranges);
	for (size_t i = 0; i < RANGES; i++) {
		if (prefix_contains(&prefixes[i], prefix)) {
			if (inside == RANGES || prefixes[i].length > prefixes[inside].length)
				inside = i;
		} else if (!covered && is_refused(&ranges[i]) &&
			   prefix_contains(prefix, &prefixes[i])) {
			covered = &ranges[i];
		}
	}
	return inside < RANGES && is_refused(&ranges[inside]) ? &ranges[inside] : covered;
}
