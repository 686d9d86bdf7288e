/* SPDX-License-Identifier: BSD-3-Clause */
#include "nft_rules.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xdp_setup.h"

static const char directions[2] = {'s', 'd'}; /* the first letter of a counter's name */

static void write_addr(FILE *nft, __u32 addr)
{
	fprintf(nft, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
}

/* Returns the last address of interval i; neighbours of the same class are one range. */
static __u32 range_last(const struct reference *reference, __u32 *i)
{
	__u32 class = reference->intervals[*i].class;

	while (*i + 1 < reference->count && reference->intervals[*i + 1].class == class)
		(*i)++;
	return *i + 1 < reference->count ? (__u32)(reference->intervals[*i + 1].first >> 96) - 1
					 : ~0u;
}

/* direction: 0 or 1: its counters, -1: marks. */
static void write_map(FILE *nft, const struct reference *reference, const char *name, int direction)
{
	fprintf(nft, "map %s {\ntype ipv4_addr : %s\nflags interval\nelements = {\n", name,
		direction < 0 ? "mark" : "counter");
	for (__u32 i = 0; i < reference->count; i++) {
		__u32 first = reference->intervals[i].first >> 96;
		__u32 class = reference->intervals[i].class;
		__u32 last = range_last(reference, &i);

		if (!class)
			continue;
		write_addr(nft, first);
		if (last != first) {
			fputc('-', nft);
			write_addr(nft, last);
		}
		if (direction < 0)
			fprintf(nft, " : %u,\n", class);
		else
			fprintf(nft, " : \"%c%u\",\n", directions[direction], class);
	}
	fputs("}\n}\n", nft);
}

static void write_counters(FILE *nft, __u32 classes)
{
	for (int direction = 0; direction < 2; direction++)
		for (__u32 class = 1; class <= classes; class ++)
			fprintf(nft, "counter %c%u {}\n", directions[direction], class);
}

static void write_rules(FILE *nft, enum nft_job job)
{
	if (job == NFT_MARK)
		fputs("meta mark set ip daddr map @marks\nmeta mark set ip saddr map @marks\n",
		      nft);
	if (job != NFT_DROP)
		fputs("counter name ip saddr map @sources\n"
		      "counter name ip daddr map @destinations\n"
		      "ip dscp set af11\n",
		      nft);
	fputs("drop\n", nft);
}

static void write_table(FILE *nft, const char *device, enum nft_job job,
			const struct workload *workload)
{
	struct reference *reference;

	if (reference_new(workload, &reference))
		die("no memory for the ranges");
	fprintf(nft, "table netdev %s {\n", device);
	if (job != NFT_DROP) {
		write_counters(nft, workload->classes);
		write_map(nft, reference, "sources", 0);
		write_map(nft, reference, "destinations", 1);
	}
	if (job == NFT_MARK)
		write_map(nft, reference, "marks", -1);
	fprintf(nft, "chain in {\ntype filter hook ingress device \"%s\" priority 0\n", device);
	write_rules(nft, job);
	fputs("}\n}\n", nft);
	reference_free(reference);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

double nft_load(const char *device, enum nft_job job, const struct workload *workload)
{
	double start = seconds_now();
	FILE *nft = popen("nft -f -", "w");

	if (!nft)
		die("cannot run nft");
	write_table(nft, device, job, workload);
	errno = 0;
	if (pclose(nft))
		die("nft refuses its rules");
	return seconds_now() - start;
}

void nft_unload(const char *device)
{
	char command[128];

	snprintf(command, sizeof(command), "nft delete table netdev %s", device);
	errno = 0;
	if (system(command))
		die("cannot delete the rules of nft");
}

static void counter_add(const json_t *counter, __u32 classes, __u64 *ret_packets[2])
{
	const char *name = json_string_value(json_object_get(counter, "name"));
	__u64 packets = json_integer_value(json_object_get(counter, "packets"));
	__u32 class = name ? strtoul(name + 1, NULL, 10) : 0;

	if (class && class <= classes)
		ret_packets[name[0] == directions[1]][class - 1] += packets;
}

void nft_counters(const char *device, __u32 classes, __u64 *ret_packets[2])
{
	json_t *document, *object;
	char command[128];
	size_t index;
	FILE *nft;

	snprintf(command, sizeof(command), "nft -j list counters table netdev %s", device);
	nft = popen(command, "r");
	document = nft ? json_loadf(nft, 0, NULL) : NULL;
	if (!document || pclose(nft))
		die("cannot read the counters of nft");
	json_array_foreach (json_object_get(document, "nftables"), index, object)
		counter_add(json_object_get(object, "counter"), classes, ret_packets);
	json_decref(document);
}
