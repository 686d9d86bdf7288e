/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A full routing table of half a million prefixes through the engine that this is linked with, and
 * 10,000 answers that its authors published with it: which network an address belongs to.
 *
 *     test_asn [OCTETS]
 *
 * OCTETS, 256 unless given, is for engines that cannot hold all of it: only prefixes whose first
 * octet is below it are loaded. No prefix reaches across, so the answers for addresses below it
 * stay what they are, and all other addresses are unmatched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <zlib.h>

#include "judge.h"
#include "random_packet.h"

#define TABLE	"vectors/ipasn_20140513_v12.dat.gz"
#define ANSWERS "vectors/ip-to-asn-10000.tsv"

#define ANSWERS_MAX 10000

static unsigned int octets = 256;

struct answer {
	uint8_t addr[4];
	uint32_t network; /* 0: no match */
};

struct answers {
	struct answer all[ANSWERS_MAX];
	size_t count;
};

static const char *data_path(const char *name)
{
	static char path[4096];
	const char *folder = getenv("PEERTAG_DATA");

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : PEERTAG_DATA_DEFAULT, name);
	return path;
}

static int number_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* The networks of the set, sorted, become its classes; rules named them by number until now. */
static void number_classes(struct rule_set *set)
{
	uint32_t *networks = malloc(set->count * sizeof(*networks));
	uint32_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		networks[i] = set->rules[i].class;
	qsort(networks, set->count, sizeof(*networks), number_compare);
	for (size_t i = 0; i < set->count; i++)
		if (!count || networks[count - 1] != networks[i])
			networks[count++] = networks[i];
	rule_set_describe(set, count);
	for (uint32_t i = 0; i < count; i++) {
		set->classes[i].connection = networks[i];
		set->classes[i].counter = i;
	}
	for (size_t i = 0; i < set->count; i++) {
		uint32_t *found = bsearch(&set->rules[i].class, networks, count, sizeof(*networks),
					  number_compare);

		set->rules[i].class = found - networks + 1;
	}
	free(networks);
}

static void read_table(struct rule_set *set)
{
	gzFile file = gzopen(data_path(TABLE), "rb");
	char line[256];

	assert_non_null(file);
	memset(set, 0, sizeof(*set));
	while (gzgets(file, line, sizeof(line))) {
		unsigned int octet[4], length, network;

		if (line[0] == ';')
			continue;
		if (sscanf(line, "%u.%u.%u.%u/%u %u", &octet[0], &octet[1], &octet[2], &octet[3],
			   &length, &network) != 6)
			fail_msg("%s: %s", TABLE, line);
		if (octet[0] >= octets)
			continue;
		rule_set_add(set, 4, (uint8_t[]){octet[0], octet[1], octet[2], octet[3]}, length,
			     network);
	}
	gzclose(file);
	rule_set_sort(set);
	number_classes(set);
}

static void read_answers(struct answers *answers)
{
	FILE *file = fopen(data_path(ANSWERS), "r");
	char line[256], addr[64], network[64];

	assert_non_null(file);
	answers->count = 0;
	while (answers->count < ANSWERS_MAX && fgets(line, sizeof(line), file)) {
		struct answer *answer = &answers->all[answers->count++];

		if (sscanf(line, "%63s %63s", addr, network) != 2 ||
		    inet_pton(AF_INET, addr, answer->addr) != 1)
			fail_msg("%s: %s", ANSWERS, line);
		if (network[0] != '-' && answer->addr[0] < octets)
			answer->network = strtoul(network, NULL, 10);
	}
	fclose(file);
}

static uint32_t class_network(const struct rule_set *set, uint32_t class)
{
	return class ? set->classes[class - 1].connection : 0;
}

static void answers_of_a_full_table_are_given_by_the_engine(void **state)
{
	static const struct pt_offline_options options = {.way = PT_OFFLINE_ARRIVING,
							  .forward = PT_FORWARD_DROP};
	static struct answers answers;
	uint8_t frame[RANDOM_PACKET_MAX];
	struct pt_offline_result result;
	struct pt_offline *offline;
	struct pt_snapshot *snapshot;
	char message[512] = "";
	struct rule_set set;
	int error;

	(void)state;
	read_table(&set);
	read_answers(&answers);
	assert_int_equal(answers.count, ANSWERS_MAX);
	snapshot = rule_set_snapshot(&set, 1);
	error = pt_offline_open(snapshot, snapshot->bytes, &options, &offline, message,
				sizeof(message));
	if (error)
		fail_msg("%zu prefixes, %u classes: %d: %s", set.count, set.class_count, error,
			 message);
	for (size_t i = 0; i < answers.count; i++) {
		const struct answer *from = &answers.all[i];
		const struct answer *to = &answers.all[(i + 4999) % answers.count];
		struct pt_offline_frame run = {frame, plain_packet(4, from->addr, to->addr, frame)};

		assert_int_equal(pt_offline_run(offline, &run, 1, &result), 0);
		assert_int_equal(class_network(&set, result.source_class), from->network);
		assert_int_equal(class_network(&set, result.destination_class), to->network);
	}
	print_message("# %zu prefixes, %u networks, %zu answers\n", set.count, set.class_count,
		      answers.count);
	pt_offline_close(offline);
	free(snapshot);
	rule_set_done(&set);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_a_full_table_are_given_by_the_engine),
	};

	if (access(data_path(TABLE), R_OK) || access(data_path(ANSWERS), R_OK)) {
		print_message("skipped: needs %s\n", data_path(TABLE));
		return 77;
	}
	if (!judge_is_permitted())
		return 77;
	if (argc > 1)
		octets = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
