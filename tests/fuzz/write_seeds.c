/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the first inputs of the targets that read bytes:
 *
 *     write_seeds packet|snapshot|table|compile FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "roots.h"
#include "rule_set.h"
#include "segments.h"

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

#define SEGMENTS 100

static void write_packets(const char *folder)
{
	struct random random = {.state = 1};

	for (size_t i = 0; i < packet_fixture_count; i++)
		write_seed(folder, i, "\x2e\x00\x63", 3, packet_fixtures[i].frame,
			   packet_fixtures[i].size);
	for (size_t i = 0; i < SEGMENTS; i++) {
		static struct draft draft;

		draft_random(&random, &draft);
		write_seed(folder, packet_fixture_count + i, "\x2e\x00\x63", 3, draft.bytes,
			   draft.size);
	}
}

#define GOOD_SNAPSHOTS 12

static struct pt_snapshot *good_snapshot(size_t number)
{
	struct random random = {.state = number};
	struct pt_snapshot *snapshot;
	struct rule_set set;

	if (number < 2)
		rule_set_of_fixtures(&set, number);
	else
		rule_set_random(&set, &random, number, number);
	snapshot = rule_set_snapshot(&set, 1 + number);
	rule_set_done(&set);
	return snapshot;
}

/* Takes the roots out of a table that begins at `table_offset`. Returns the size of what is left.
 */
static size_t cut_roots(void *bytes, size_t size, size_t table_offset)
{
	char *roots = (char *)bytes + table_offset + ROOTS_FIRST;

	memmove(roots, roots + ROOTS_BYTES, size - table_offset - sizeof(struct pt_table));
	return size - ROOTS_BYTES;
}

/* The roots that come instead are others, so the checksum has to be mended; one is left whole. */
static void write_snapshots(const char *folder)
{
	for (size_t i = 0; i < GOOD_SNAPSHOTS; i++) {
		struct pt_snapshot *snapshot = good_snapshot(i);
		size_t size = snapshot->bytes;

		if (i > 0)
			size = cut_roots(snapshot, size, snapshot->table_offset);
		write_seed(folder, i, i > 0 ? "\x03\x40" : "\x00\x40", 2, snapshot, size);
		free(snapshot);
	}
}

static void write_tables(const char *folder)
{
	for (size_t i = 0; i < GOOD_SNAPSHOTS; i++) {
		struct pt_snapshot *snapshot = good_snapshot(i);
		struct pt_table *table = (struct pt_table *)pt_snapshot_table(snapshot);
		size_t size = cut_roots(table, table->bytes, 0);

		write_seed(folder, i, i % 2 ? "\x01" : "\x00", 1, table, size);
		free(snapshot);
	}
	for (size_t i = 0; i < 16; i++) {
		const char choice = 2 + i % 2 + i / 2 * 4;

		write_seed(folder, GOOD_SNAPSHOTS + i, &choice, 1,
			   "\x00\x01\x80\x07\x20\x00\x00\x00", 8);
	}
}

/* Rules at random. */
static void write_rules(const char *folder)
{
	struct random random = {.state = 1};

	for (size_t i = 0; i < GOOD_SNAPSHOTS; i++) {
		uint8_t bytes[500];

		random_fill(&random, bytes, sizeof(bytes));
		write_seed(folder, i, i % 4 ? "\x00\x00" : "\x01\x07", 2, bytes, 40 * (i + 1));
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: write_seeds packet|snapshot|table|compile FOLDER\n");
		return 2;
	}
	if (!strcmp(argv[1], "packet"))
		write_packets(argv[2]);
	else if (!strcmp(argv[1], "snapshot"))
		write_snapshots(argv[2]);
	else if (!strcmp(argv[1], "table"))
		write_tables(argv[2]);
	else
		write_rules(argv[2]);
	return 0;
}
