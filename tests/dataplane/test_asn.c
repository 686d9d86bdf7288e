/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A full routing table of half a million prefixes through the engine that this is linked with, and
 * 10,000 answers that its authors published with it: which network an address belongs to.
 *
 *     test_asn [TABLE [OCTETS]]
 *
 * TABLE is flat or lpm. OCTETS, 256 unless given, is for tables that cannot hold all of it: only
 * prefixes whose first octet is below it are loaded. No prefix reaches across, so the answers for
 * addresses below it stay what they are, and all other addresses are unmatched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "judge.h"
#include "random_packet.h"
#include "real_table.h"

#define ANSWERS "vectors/ip-to-asn-10000.tsv"

#define ANSWERS_MAX 10000

static enum pt_config_table kind = PT_TABLE_FLAT;
static unsigned int octets = 256;
static uint32_t *networks; /* of class i + 1 */

struct answer {
	uint8_t addr[4];
	uint32_t network; /* 0: no match */
};

struct answers {
	struct answer all[ANSWERS_MAX];
	size_t count;
};

static void read_answers(struct answers *answers)
{
	FILE *file = fopen(real_table_path(ANSWERS), "r");
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

static uint32_t class_network(uint32_t class)
{
	return class ? networks[class - 1] : 0;
}

static void answers_of_a_full_table_are_given_by_the_engine(void **state)
{
	const struct pt_offline_options options = {
		.way = PT_OFFLINE_ARRIVING, .table = kind, .forward = PT_FORWARD_DROP};
	static struct answers answers;
	uint8_t frame[RANDOM_PACKET_MAX];
	struct pt_offline_result result;
	struct pt_offline *offline;
	struct pt_snapshot *snapshot;
	char message[512] = "";
	struct rule_set set;
	int error;

	(void)state;
	real_table_networks(octets, &set, &networks);
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
		assert_int_equal(class_network(result.source_class), from->network);
		assert_int_equal(class_network(result.destination_class), to->network);
	}
	print_message("# %zu prefixes, %u networks, %zu answers\n", set.count, set.class_count,
		      answers.count);
	pt_offline_close(offline);
	free(snapshot);
	free(networks);
	rule_set_done(&set);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_a_full_table_are_given_by_the_engine),
	};

	if (!real_table_is_there(REAL_TABLE_NETWORKS) || !real_table_is_there(ANSWERS))
		return 77;
	if (!judge_is_permitted())
		return 77;
	if (argc > 1 && !strcmp(argv[1], "lpm"))
		kind = PT_TABLE_LPM;
	if (argc > 2)
		octets = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
