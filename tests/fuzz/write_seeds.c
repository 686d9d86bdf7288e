/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the first inputs of the targets that read bytes: write_seeds packet|snapshot FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "rule_set.h"

/* One file: the bytes that choose, and the bytes that are read. */
static void write_seed(const char *folder, size_t number, const char *choice, size_t choice_size,
		       const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%zu", folder, number);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	fwrite(choice, 1, choice_size, file);
	if (size)
		fwrite(bytes, 1, size, file);
	fclose(file);
}

static void write_packets(const char *folder)
{
	for (size_t i = 0; i < packet_fixture_count; i++)
		write_seed(folder, i, "\x2e\x00\x63", 3, packet_fixtures[i].frame,
			   packet_fixtures[i].size);
}

static void write_snapshots(const char *folder)
{
	struct random random = {.state = 1};

	for (size_t i = 0; i < 12; i++) {
		struct pt_snapshot *snapshot;
		struct rule_set set;

		if (i < 2)
			rule_set_of_fixtures(&set, i);
		else
			rule_set_random(&set, &random, i, i);
		snapshot = rule_set_snapshot(&set, 1 + i);
		write_seed(folder, i, i % 2 ? "\x01\x40" : "\x00\x40", 2, snapshot,
			   snapshot->bytes);
		free(snapshot);
		rule_set_done(&set);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: write_seeds packet|snapshot FOLDER\n");
		return 2;
	}
	if (!strcmp(argv[1], "packet"))
		write_packets(argv[2]);
	else
		write_snapshots(argv[2]);
	return 0;
}
