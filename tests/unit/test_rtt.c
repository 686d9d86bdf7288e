/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times of one flow, by scripts: segments to the customer and from him, each with its
 * time, and what they must give. Every script runs at several times, timestamps and sequence
 * numbers, so that all three wrap within it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/rtt.h>

#define STEPS_MAX 10
#define HASH	  0x123456789abcdef0
#define TICK_NS	  1024
#define NEAR_NS	  (2 * TICK_NS) /* of the two ends each; and 0 is no time */

/* What a segment is: flags, and beside them that it has data, or timestamps. */
enum {
	SYN = PT_TCP_SYN,
	ACK = PT_TCP_ACK,
	FIN = PT_TCP_FIN,
	RST = PT_TCP_RST,
	DATA = 0x100,
	TS = 0x200,
};

enum way { END, TO, FROM };

struct step {
	enum way way;
	uint32_t at_us;
	unsigned int what;
	/* TO: the sequence number or the timestamp that counts; FROM: what it acknowledges, or
	 * echoes. */
	uint32_t number;
	uint32_t due_us; /* the sample that it ends; 0: none */
};

/* A flow that is known, whose newest timestamp is 100. */
#define OPEN                                                                                       \
	{                                                                                          \
		TO, 0, ACK | DATA | TS, 100, 0                                                     \
	}
#define TO_DATA	  ACK | DATA | TS
#define FROM_DATA ACK | DATA | TS
#define PURE	  ACK | TS

static const struct script {
	const char *name;
	struct step steps[STEPS_MAX];
	uint64_t lost;
} scripts[] = {
	{"an echo ends what its timestamp began",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 6000, PURE, 110, 5000}},
	 0},
	{"the first timestamp of a flow begins nothing",
	 {{TO, 1000, TO_DATA, 100, 0}, {FROM, 6000, PURE, 100, 0}},
	 0},
	{"an acknowledgement makes no flow",
	 {{TO, 1000, PURE, 100, 0}, {TO, 2000, TO_DATA, 110, 0}, {FROM, 6000, PURE, 110, 0}},
	 0},
	{"only the first echo counts",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {FROM, 6000, PURE, 110, 5000},
	  {FROM, 6100, FROM_DATA, 110, 0},
	  {FROM, 9000, FROM_DATA, 110, 0}},
	 0},
	{"a timestamp that was answered begins nothing again",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {FROM, 2000, PURE, 110, 1000},
	  {TO, 3000, TO_DATA, 110, 0},
	  {FROM, 4000, PURE, 110, 0}},
	 0},
	{"a timestamp that an acknowledgement had begins nothing",
	 {OPEN, {TO, 1000, PURE, 110, 0}, {TO, 2000, TO_DATA, 110, 0}, {FROM, 3000, PURE, 110, 0}},
	 0},
	{"an acknowledgement begins nothing",
	 {OPEN, {TO, 1000, PURE, 110, 0}, {FROM, 3000, FROM_DATA, 110, 0}},
	 0},
	{"a retransmission with a newer timestamp gives the sample up",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 201000, TO_DATA, 310, 0},
	  {FROM, 206000, PURE, 310, 0},
	  {TO, 300000, TO_DATA, 410, 0},
	  {FROM, 305000, PURE, 410, 5000}},
	 1},
	{"a retransmission with the same timestamp is not the first",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 1500, TO_DATA, 110, 0},
	  {FROM, 6000, PURE, 110, 5000},
	  {FROM, 6500, PURE, 110, 0}},
	 0},
	{"the original is answered though there was a retransmission",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 4000, TO_DATA, 113, 0},
	  {FROM, 6000, PURE, 110, 5000},
	  {FROM, 9000, PURE, 113, 0}},
	 0},
	{"a retransmission of the customer's ends nothing",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {FROM, 6000, FROM_DATA, 110, 5000},
	  {FROM, 206000, FROM_DATA, 110, 0},
	  {FROM, 606000, FROM_DATA, 110, 0}},
	 0},
	{"the customer's retransmission of what was before ends nothing",
	 {OPEN,
	  {FROM, 500, FROM_DATA, 100, 0},
	  {TO, 1000, TO_DATA, 110, 0},
	  {FROM, 3000, FROM_DATA, 100, 0},
	  {FROM, 6000, PURE, 110, 5000}},
	 0},
	{"where the answer is lost the next one ends nothing",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 2000, TO_DATA, 120, 0},
	  {FROM, 7000, PURE, 120, 0},
	  {FROM, 8000, PURE, 110, 0}},
	 1},
	{"answers that change places end nothing",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 1100, TO_DATA, 111, 0},
	  {FROM, 6100, PURE, 111, 0},
	  {FROM, 6200, PURE, 110, 0},
	  {TO, 7000, TO_DATA, 120, 0},
	  {FROM, 8000, PURE, 120, 1000}},
	 1},
	{"segments that changed places before they came here",
	 {OPEN,
	  {TO, 1000, TO_DATA, 120, 0},
	  {TO, 1010, TO_DATA, 110, 0},
	  {FROM, 5900, PURE, 110, 0},
	  {FROM, 6000, PURE, 120, 5000}},
	 0},
	{"one sample at a time",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 2000, TO_DATA, 120, 0},
	  {FROM, 6000, PURE, 110, 5000},
	  {FROM, 7000, PURE, 120, 0},
	  {TO, 8000, TO_DATA, 130, 0},
	  {FROM, 9000, PURE, 130, 1000}},
	 0},
	{"without ACK a timestamp is no echo",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 2000, DATA | TS, 110, 0}},
	 0},
	{"without timestamps nothing is an echo",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 2000, ACK | DATA, 110, 0}},
	 0},
	{"without timestamps data begins nothing",
	 {{TO, 0, ACK | DATA, 0, 0},
	  {TO, 1000, ACK | DATA, 110, 0},
	  {FROM, 2000, ACK, 110, 0},
	  {FROM, 2000, ACK, 111, 0}},
	 0},
	{"FIN is answered",
	 {OPEN, {TO, 1000, FIN | ACK | TS, 110, 0}, {FROM, 3000, PURE, 110, 2000}},
	 0},
	{"a keepalive with a byte is answered",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 3000, PURE, 110, 2000}},
	 0},
	{"a keepalive without one begins nothing, and gives up what is older",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {TO, 2000, PURE, 120, 0}, {FROM, 3000, PURE, 120, 0}},
	 1},
	{"a long while is fine",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 9991000, PURE, 110, 9990000}},
	 0},
	{"after ten seconds an answer is none",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 10012000, PURE, 110, 0}},
	 1},
	{"the answer of the same instant",
	 {OPEN, {TO, 1000, TO_DATA, 110, 0}, {FROM, 1002, PURE, 110, 2}},
	 0},

	{"SYN to the customer", {{TO, 1000, SYN, 7, 0}, {FROM, 6000, SYN | ACK, 8, 5000}}, 0},
	{"SYN and ACK to the customer",
	 {{FROM, 500, SYN, 0, 0}, {TO, 1000, SYN | ACK, 50, 0}, {FROM, 4000, ACK, 51, 3000}},
	 0},
	{"the handshake, and then timestamps",
	 {{TO, 1000, SYN | TS, 7, 0},
	  {FROM, 6000, SYN | ACK | TS, 8, 5000},
	  {TO, 6100, TO_DATA, 110, 0},
	  {FROM, 8100, PURE, 110, 2000}},
	 0},
	{"the first data ends the handshake",
	 {{TO, 1000, SYN | ACK, 50, 0}, {FROM, 9000, ACK | DATA, 51, 8000}},
	 0},
	{"an acknowledgement of more ends it without a sample",
	 {{TO, 1000, SYN | ACK, 50, 0}, {FROM, 9000, ACK | DATA, 60, 0}, {FROM, 9100, ACK, 51, 0}},
	 1},
	{"an older acknowledgement does not end it",
	 {{TO, 1000, SYN | ACK, 50, 0}, {FROM, 2000, ACK, 50, 0}, {FROM, 3000, ACK, 51, 2000}},
	 0},
	{"a SYN that is sent again",
	 {{TO, 1000, SYN, 7, 0}, {TO, 1001000, SYN, 7, 0}, {FROM, 1006000, SYN | ACK, 8, 0}},
	 1},
	{"a SYN that is sent three times",
	 {{TO, 1000, SYN, 7, 0},
	  {TO, 1001000, SYN, 7, 0},
	  {TO, 3001000, SYN, 7, 0},
	  {FROM, 3006000, SYN | ACK, 8, 0}},
	 1},
	{"a SYN and ACK that is sent again",
	 {{TO, 1000, SYN | ACK, 50, 0},
	  {TO, 1001000, SYN | ACK, 50, 0},
	  {FROM, 1002000, ACK, 51, 0}},
	 1},
	{"a SYN that is sent again after its answer",
	 {{TO, 1000, SYN, 7, 0},
	  {FROM, 2000, SYN | ACK, 8, 1000},
	  {TO, 3000, SYN, 7, 0},
	  {FROM, 4000, SYN | ACK, 8, 0}},
	 0},
	{"a SYN that comes again late does not make timestamps new",
	 {{TO, 1000, SYN | TS, 7, 0},
	  {FROM, 2000, SYN | ACK | TS, 8, 1000},
	  {TO, 3000, PURE, 110, 0},
	  {TO, 4000, SYN | TS, 7, 0},
	  {TO, 5000, TO_DATA, 110, 0},
	  {FROM, 6000, PURE, 110, 0}},
	 0},
	{"the customer sends SYN and ACK again",
	 {{TO, 1000, SYN, 7, 0},
	  {FROM, 2000, SYN | ACK, 8, 1000},
	  {FROM, 1002000, SYN | ACK, 8, 0}},
	 0},
	{"the port is used again",
	 {{TO, 1000, SYN, 7, 0},
	  {FROM, 2000, SYN | ACK, 8, 1000},
	  {TO, 5000, SYN, 900, 0},
	  {FROM, 7000, SYN | ACK, 901, 2000}},
	 0},
	{"the port is used again while a sample is under way",
	 {{TO, 1000, SYN, 7, 0}, {TO, 5000, SYN, 900, 0}, {FROM, 7000, SYN | ACK, 901, 2000}},
	 1},
	{"the port is used again, with older timestamps",
	 {OPEN,
	  {TO, 1000, TO_DATA, 110, 0},
	  {TO, 5000, SYN | TS, 900, 0},
	  {FROM, 7000, SYN | ACK | TS, 901, 2000},
	  {TO, 8000, TO_DATA, 20, 0},
	  {FROM, 9000, PURE, 20, 1000}},
	 1},
	{"a refusal answers a SYN", {{TO, 1000, SYN, 7, 0}, {FROM, 6000, RST | ACK, 8, 5000}}, 0},
	{"a refusal of something else gives it up",
	 {{TO, 1000, SYN, 7, 0}, {FROM, 6000, RST | ACK, 3, 0}, {FROM, 7000, SYN | ACK, 8, 0}},
	 1},
	{"the customer's SYN answers nothing",
	 {{TO, 1000, SYN, 7, 0}, {FROM, 2000, SYN, 8, 0}, {FROM, 6000, SYN | ACK, 8, 5000}},
	 0},
	{"what comes without anything before it", {{FROM, 1000, PURE, 100, 0}}, 0},
};

/* What is added to all numbers of a script. */
struct base {
	uint64_t time_ns;
	uint32_t sequence, timestamp;
};

static struct pt_rtt_table *table_new(void)
{
	struct pt_rtt_table *table = aligned_alloc(sizeof(struct pt_rtt_line), sizeof(*table));

	memset(table, 0, sizeof(*table));
	return table;
}

static struct pt_tcp segment_of(const struct step *step, const struct base *base)
{
	struct pt_tcp tcp = {
		.flags = step->what & 0xff,
		.has_timestamps = (step->what & TS) != 0,
		.is_acknowledged = (step->what & (SYN | FIN | DATA)) != 0,
	};
	uint32_t timestamp = tcp.has_timestamps ? step->number + base->timestamp : 0;

	if (step->way == TO) {
		tcp.seq = step->number + base->sequence;
		/* Of a SYN it is the number that counts; its timestamp is older than all others. */
		tcp.tsval = step->what & SYN && tcp.has_timestamps ? base->timestamp : timestamp;
	} else {
		tcp.ack = step->number + base->sequence;
		tcp.tsecr = timestamp;
	}
	return tcp;
}

/* Returns the sample, 0 if there is none. */
static uint64_t step_run(struct pt_rtt_table *table, const struct step *step,
			 const struct base *base, uint64_t *lost)
{
	struct pt_tcp tcp = segment_of(step, base);
	uint64_t now_ns = base->time_ns + step->at_us * 1000ull, ns = 0;
	__u64 given_up = 0, sample;
	struct pt_rtt_flow *flow;
	__u32 answer, kind;

	if (step->way == TO) {
		if (pt_rtt_goes(table, HASH, &tcp, &given_up, &flow, &answer, &kind))
			pt_rtt_begin(flow, answer, kind, now_ns);
	} else if (pt_rtt_comes(table, HASH, &tcp, &given_up, &flow, &sample)) {
		__u64 taken = 0;

		if (pt_rtt_end(flow, sample, now_ns, &given_up, &taken))
			ns = taken;
	}
	*lost += given_up;
	return ns;
}

static void script_run(const struct script *script, const struct base *base)
{
	static struct pt_rtt_table *table;
	uint64_t lost = 0;

	if (!table)
		table = table_new();
	memset(pt_rtt_line(table, HASH), 0, sizeof(struct pt_rtt_line));

	for (int i = 0; i < STEPS_MAX && script->steps[i].way != END; i++) {
		const struct step *step = &script->steps[i];
		uint64_t due_ns = step->due_us * 1000ull, ns = step_run(table, step, base, &lost);

		if (due_ns ? ns + NEAR_NS < due_ns || ns > due_ns + NEAR_NS : ns != 0)
			fail_msg("%s, step %d (from %llu, %u, %u): %llu ns", script->name, i,
				 (unsigned long long)base->time_ns, base->sequence, base->timestamp,
				 (unsigned long long)ns);
	}
	if (lost != script->lost)
		fail_msg("%s: %llu lost", script->name, (unsigned long long)lost);
}

static void scripts_give_their_samples(void **state)
{
	/* The clock of samples wraps after 2^31 ticks. */
	const uint64_t wrap_ns = (1ull << 31) * TICK_NS;
	const uint64_t times[] = {wrap_ns / 3,	      wrap_ns - 1500000,      wrap_ns - 5000000,
				  wrap_ns - 1000000,  wrap_ns - 200000000,    wrap_ns - 1000 * 1000,
				  7 * wrap_ns - 4000, 1000000 * 1000000000ull};
	const uint32_t numbers[] = {1000,	    0,
				    (uint32_t)-8,   (uint32_t)-51,
				    (uint32_t)-100, (uint32_t)-110,
				    (uint32_t)-115, 0x7fffffff - 105,
				    0x80000000};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		for (size_t time = 0; time < sizeof(times) / sizeof(times[0]); time++) {
			for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
				struct base base = {times[time], numbers[n], numbers[n]};

				script_run(&scripts[i], &base);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_give_their_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
