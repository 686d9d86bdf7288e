/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser and the tag writer against the oracle. Input: a byte for the DSCP, two for the VLAN,
 * and the frame, which is given to the parser in a buffer of exactly its size.
 */
#include <stdlib.h>
#include <string.h>

#include <peertag/packet.h>
#include <peertag/tag.h>

#include "oracle.h"
#include "target.h"

static const enum pt_outcome outcome_of_oracle[] = {
	[ORACLE_MATCHED] = PT_OUTCOME_MATCHED,	   [ORACLE_UNMATCHED] = PT_OUTCOME_UNMATCHED,
	[ORACLE_NOT_IP] = PT_OUTCOME_NOT_IP,	   [ORACLE_UNSUPPORTED] = PT_OUTCOME_UNSUPPORTED,
	[ORACLE_MALFORMED] = PT_OUTCOME_MALFORMED,
};

static void compare_vlan(const uint8_t *frame, size_t size, unsigned int vlan)
{
	uint8_t *ours = malloc(size + PT_VLAN_BYTES), *theirs = malloc(size + PT_VLAN_BYTES);

	memcpy(ours + PT_VLAN_BYTES, frame, size);
	pt_tag_vlan(ours, vlan);
	oracle_push_vlan(frame, size, vlan, theirs);
	require(!memcmp(ours, theirs, size + PT_VLAN_BYTES));
	free(ours);
	free(theirs);
}

static void compare_frame(const uint8_t *frame, size_t size, unsigned int dscp, unsigned int vlan)
{
	static struct oracle_table *empty;
	uint8_t *ours = malloc(size), *theirs = malloc(size);
	struct oracle_verdict verdict;
	struct pt_packet packet;
	enum pt_outcome outcome;

	if (!empty)
		empty = oracle_table_new();
	memcpy(ours, frame, size);
	memcpy(theirs, frame, size);
	oracle_classify(empty, theirs, size, &verdict);
	outcome = pt_packet_parse(&packet, ours, ours + size);
	require(outcome == outcome_of_oracle[verdict.outcome]);
	require(!memcmp(ours, frame, size));
	if (outcome == PT_OUTCOME_UNMATCHED) {
		require(packet.family == verdict.family);
		require(packet.ip == ours + verdict.ip_offset);
		pt_tag_dscp(&packet, dscp);
		oracle_write_dscp(theirs, &verdict, dscp);
		require(!memcmp(ours, theirs, size));
		compare_vlan(ours, size, vlan);
	}
	free(ours);
	free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	if (size > 3)
		compare_frame(input + 3, size - 3, input[0] % 64,
			      (input[1] << 8 | input[2]) % 4094 + 1);
	return 0;
}
