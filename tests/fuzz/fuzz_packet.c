/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser, what is read of TCP, and the tag writer against the oracle. Input: a byte for the
 * DSCP, two for the VLAN, and the frame, which is given to the parser in a buffer of exactly its
 * size.
 */
#include <stdlib.h>
#include <string.h>

#include <peertag/packet.h>
#include <peertag/tag.h>
#include <peertag/tcp.h>

#include "oracle_tcp.h"
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

static void compare_tcp(const struct pt_packet *packet, const uint8_t *frame, size_t size,
			const struct oracle_verdict *verdict)
{
	struct oracle_tcp theirs;
	struct pt_tcp ours;
	bool found = pt_tcp_parse(&ours, packet, frame + size);

	require(found == oracle_tcp_read(frame, size, verdict, &theirs));
	if (!found)
		return;
	require(ours.source_port == theirs.source_port);
	require(ours.destination_port == theirs.destination_port);
	require(ours.seq == theirs.seq && ours.ack == theirs.ack && ours.flags == theirs.flags);
	require(ours.is_acknowledged == theirs.occupies);
	require(ours.has_timestamps == theirs.has_timestamps);
	require(ours.tsval == theirs.tsval && ours.tsecr == theirs.tsecr);
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
		compare_tcp(&packet, ours, size, &verdict);
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
