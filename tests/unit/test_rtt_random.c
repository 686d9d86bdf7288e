/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times of random segments against an oracle that keeps each flow's whole history; and
 * of threads that share the table.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/rtt.h>

#include "random.h"

#define FLOWS	    24
#define HISTORY_MAX 512
#define SEGMENTS    600000
#define TICK_NS	    1024
#define NEAR_NS	    (2 * TICK_NS)

/* A segment to the customer that had a timestamp, or was a SYN. */
struct sight {
	bool is_syn;
	uint32_t number; /* the timestamp, or what acknowledges the SYN */
	uint64_t now_ns;
};

/* What is known of a flow, and what its ends do. */
struct flow {
	bool is_known;
	uint32_t newest; /* timestamp */
	bool is_under_way, is_handshake;
	uint32_t answer;
	uint64_t begun_ns;
	bool syn_counts; /* since the last one no timestamp began a sample */
	uint32_t syn_answer;
	struct sight history[HISTORY_MAX]; /* of the connection, from its last new SYN on */
	size_t history_count;
	/* The ends: their clock of timestamps, and the last number of a SYN. */
	bool has_timestamps;
	uint32_t clock, isn;
};

static void remember(struct flow *flow, bool is_syn, uint32_t number, uint64_t now_ns)
{
	if (flow->history_count == HISTORY_MAX)
		memmove(flow->history, flow->history + 1,
			--flow->history_count * sizeof(struct sight));
	flow->history[flow->history_count++] = (struct sight){is_syn, number, now_ns};
}

static void begin(struct flow *flow, bool is_handshake, uint32_t answer, uint64_t now_ns)
{
	flow->is_under_way = true;
	flow->is_handshake = is_handshake;
	flow->answer = answer;
	flow->begun_ns = now_ns;
	flow->syn_counts = is_handshake;
	if (is_handshake)
		flow->syn_answer = answer;
}

/* Returns how many samples are lost by it. */
static int oracle_syn(struct flow *flow, const struct pt_tcp *tcp, uint64_t now_ns)
{
	bool was_under_way = flow->is_under_way;

	if (flow->is_known && flow->syn_counts && flow->syn_answer == tcp->seq + 1) {
		if ((int32_t)(tcp->tsval - flow->newest) > 0)
			flow->newest = tcp->tsval;
		if (!was_under_way)
			return 0;
		flow->is_under_way = false;
		return 1;
	}
	flow->is_known = true;
	flow->newest = tcp->tsval;
	flow->history_count = 0;
	begin(flow, true, tcp->seq + 1, now_ns);
	return was_under_way;
}

static int oracle_goes(struct flow *flow, const struct pt_tcp *tcp, uint64_t now_ns)
{
	int lost = 0;

	if (tcp->flags & PT_TCP_SYN) {
		lost = oracle_syn(flow, tcp, now_ns);
		remember(flow, true, tcp->seq + 1, now_ns);
		if (tcp->has_timestamps)
			remember(flow, false, tcp->tsval, now_ns);
		return lost;
	}
	if (!tcp->has_timestamps)
		return 0;
	if (!flow->is_known) {
		flow->is_known = tcp->is_acknowledged;
		flow->newest = tcp->tsval;
	} else if ((int32_t)(tcp->tsval - flow->newest) > 0) {
		flow->newest = tcp->tsval;
		if (tcp->is_acknowledged && !flow->is_under_way)
			begin(flow, false, tcp->tsval, now_ns);
	}
	remember(flow, false, tcp->tsval, now_ns);
	return 0;
}

/* Returns samples lost, and in *ret_ns the sample that it ends, or 0. */
static int oracle_comes(struct flow *flow, const struct pt_tcp *tcp, uint64_t now_ns,
			uint64_t *ret_ns)
{
	int32_t beyond;

	*ret_ns = 0;
	if (!flow->is_under_way || !(tcp->flags & PT_TCP_ACK))
		return 0;
	if (!flow->is_handshake && !tcp->has_timestamps)
		return 0;
	beyond = (flow->is_handshake ? tcp->ack : tcp->tsecr) - flow->answer;
	if (beyond < 0 && !(tcp->flags & PT_TCP_RST))
		return 0;
	flow->is_under_way = false;
	if (beyond || now_ns - flow->begun_ns > 10000000000 + NEAR_NS)
		return 1;
	*ret_ns = now_ns - flow->begun_ns;
	return 0;
}

/* That the sample began with the first segment that has in it what was answered. */
static void assert_first_sight(const struct flow *flow, uint64_t ns, uint64_t now_ns)
{
	size_t i = 0;

	while (i < flow->history_count && (flow->history[i].number != flow->answer ||
					   flow->history[i].is_syn != flow->is_handshake))
		i++;
	if (i == flow->history_count && i == HISTORY_MAX)
		return;
	assert_true(i < flow->history_count);
	assert_in_range(flow->history[i].now_ns + ns, now_ns - NEAR_NS, now_ns + NEAR_NS);
	for (size_t later = i + 1; flow->is_handshake && later < flow->history_count; later++)
		assert_false(flow->history[later].is_syn &&
			     flow->history[later].number == flow->answer);
}

static struct pt_tcp random_to(struct random *random, struct flow *flow)
{
	static const uint8_t flags[] = {PT_TCP_ACK, PT_TCP_ACK, PT_TCP_ACK, PT_TCP_ACK | PT_TCP_FIN,
					PT_TCP_ACK | PT_TCP_RST};
	struct pt_tcp tcp = {.flags = flags[random_below(random, sizeof(flags))]};

	if (random_chance(random, 30))
		flow->clock += random_below(random, random_chance(random, 2) ? 1u << 30 : 4);
	if (random_chance(random, 10)) {
		tcp.flags = random_chance(random, 50) ? PT_TCP_SYN : PT_TCP_SYN | PT_TCP_ACK;
		if (random_chance(random, 60)) {
			flow->isn = random_next(random);
			flow->has_timestamps = random_chance(random, 70);
			if (random_chance(random, 50))
				flow->clock = random_next(random);
		}
		if (random_chance(random, 10))
			flow->isn = 0xffffffff;
	}
	tcp.seq = flow->isn;
	tcp.has_timestamps = flow->has_timestamps;
	if (tcp.has_timestamps)
		tcp.tsval = flow->clock - (random_chance(random, 20) ? random_below(random, 6) : 0);
	tcp.is_acknowledged = tcp.flags & (PT_TCP_SYN | PT_TCP_FIN) || random_chance(random, 60);
	return tcp;
}

static struct pt_tcp random_from(struct random *random, const struct flow *flow)
{
	static const uint8_t flags[] = {PT_TCP_ACK,
					PT_TCP_ACK,
					PT_TCP_ACK,
					PT_TCP_ACK,
					PT_TCP_SYN | PT_TCP_ACK,
					PT_TCP_SYN,
					PT_TCP_RST,
					PT_TCP_RST | PT_TCP_ACK};
	struct pt_tcp tcp = {.flags = flags[random_below(random, sizeof(flags))]};

	tcp.ack = flow->isn + 1;
	if (random_chance(random, 40))
		tcp.ack += random_below(random, 5) - 2;
	tcp.has_timestamps = flow->has_timestamps && random_chance(random, 95);
	if (tcp.has_timestamps)
		tcp.tsecr = flow->clock - (random_chance(random, 60) ? random_below(random, 6) : 0);
	return tcp;
}

static uint64_t ours_goes(struct pt_rtt_table *table, uint64_t hash, const struct pt_tcp *tcp,
			  uint64_t now_ns)
{
	struct pt_rtt_flow *flow;
	__u32 answer, kind;
	__u64 lost = 0;

	if (pt_rtt_goes(table, hash, tcp, &lost, &flow, &answer, &kind))
		pt_rtt_begin(flow, answer, kind, now_ns);
	return lost;
}

static uint64_t ours_comes(struct pt_rtt_table *table, uint64_t hash, const struct pt_tcp *tcp,
			   uint64_t now_ns, uint64_t *ret_ns)
{
	struct pt_rtt_flow *flow;
	__u64 lost = 0, sample, ns = 0;

	*ret_ns = 0;
	if (pt_rtt_comes(table, hash, tcp, &lost, &flow, &sample) &&
	    pt_rtt_end(flow, sample, now_ns, &lost, &ns))
		*ret_ns = ns;
	return lost;
}

static struct pt_rtt_table *table_new(void)
{
	struct pt_rtt_table *table = aligned_alloc(sizeof(struct pt_rtt_line), sizeof(*table));

	memset(table, 0, sizeof(*table));
	return table;
}

/* So far apart that the time of a sample does not come around. */
static uint64_t random_pause_ns(struct random *random)
{
	return random_chance(random, 1) ? random_below(random, 4000000000)
					: TICK_NS * 3 + random_below(random, 3000000);
}

static void random_segments_give_what_the_oracle_says(void **state)
{
	struct pt_rtt_table *table = table_new();
	struct flow *flows = calloc(FLOWS, sizeof(*flows));
	uint64_t now_ns = 1ull << 40, samples[2] = {0}, lost = 0;
	struct random random;

	(void)state;
	random_init(&random);
	for (int i = 0; i < SEGMENTS; i++) {
		uint32_t number = random_below(&random, FLOWS);
		/* Three in a line. */
		uint64_t hash = number / 3 | (number + 1ull) << 33, ours = 0, theirs = 0;
		struct flow *flow = &flows[number];
		uint64_t ours_lost, theirs_lost;
		struct pt_tcp tcp;

		now_ns += random_pause_ns(&random);
		if (random_chance(&random, 50)) {
			tcp = random_to(&random, flow);
			ours_lost = ours_goes(table, hash, &tcp, now_ns);
			theirs_lost = oracle_goes(flow, &tcp, now_ns);
		} else {
			tcp = random_from(&random, flow);
			ours_lost = ours_comes(table, hash, &tcp, now_ns, &ours);
			theirs_lost = oracle_comes(flow, &tcp, now_ns, &theirs);
		}
		if (ours_lost != theirs_lost || !ours != !theirs || ours > theirs + NEAR_NS ||
		    theirs > ours + NEAR_NS)
			fail_msg("segment %d: %llu ns, the oracle says %llu; %llu lost, not %llu",
				 i, (unsigned long long)ours, (unsigned long long)theirs,
				 (unsigned long long)ours_lost, (unsigned long long)theirs_lost);
		if (ours)
			assert_first_sight(flow, ours, now_ns);
		samples[flow->is_handshake] += ours != 0;
		lost += ours_lost;
	}
	assert_in_range(samples[0], SEGMENTS / 200, SEGMENTS);
	assert_in_range(samples[1], SEGMENTS / 200, SEGMENTS);
	assert_in_range(lost, SEGMENTS / 200, SEGMENTS);
	free(flows);
	free(table);
}

#define THREADS	      3
#define SHARED_FLOWS  8 /* of one line, which has four places */
#define ROUNDS	      1500000
#define ANSWERS	      (1u << 22) /* of a flow */
#define DUE_TICKS     5
#define ANSWER(n, at) ((uint32_t)(n) << 22 | (at))

/* What the threads share; each number of a flow is sent once and may be ended once. */
struct arena {
	struct pt_rtt_table *table;
	atomic_uint sent[SHARED_FLOWS];
	atomic_uchar *ended[SHARED_FLOWS];
	atomic_ullong samples, torn, twice;
};

static uint64_t shared_hash(uint32_t flow)
{
	return 7 | (flow + 1ull) << 33;
}

/* The time of a segment says which it is, so that a time beside another's answer is seen. */
static uint64_t time_of(uint32_t answer)
{
	return (uint64_t)answer % (1u << 30) * TICK_NS + (1ull << 40) * TICK_NS;
}

static void arena_send(struct arena *arena, uint32_t flow)
{
	uint32_t at = 1 + atomic_fetch_add(&arena->sent[flow], 1);
	struct pt_tcp tcp = {.flags = PT_TCP_ACK,
			     .has_timestamps = 1,
			     .is_acknowledged = 1,
			     .tsval = ANSWER(flow, at)};

	ours_goes(arena->table, shared_hash(flow), &tcp, time_of(tcp.tsval));
}

/* Answers one of the last numbers that were sent. */
static void arena_answer(struct arena *arena, uint32_t flow, uint32_t back)
{
	uint32_t at = atomic_load(&arena->sent[flow]) - back % 4;
	struct pt_tcp tcp = {.flags = PT_TCP_ACK, .has_timestamps = 1, .tsecr = ANSWER(flow, at)};
	uint64_t ns;

	ours_comes(arena->table, shared_hash(flow), &tcp, time_of(tcp.tsecr) + DUE_TICKS * TICK_NS,
		   &ns);
	if (!ns)
		return;
	atomic_fetch_add(&arena->samples, 1);
	if (ns != DUE_TICKS * TICK_NS)
		atomic_fetch_add(&arena->torn, 1);
	if (atomic_fetch_add(&arena->ended[flow][at % ANSWERS], 1))
		atomic_fetch_add(&arena->twice, 1);
}

static void *arena_thread(void *argument)
{
	static atomic_uint number;
	struct arena *arena = argument;
	struct random random = {.state = atomic_fetch_add(&number, 1)};

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t dice = random_next(&random);
		/* Mostly the same two, so that the threads meet. */
		uint32_t flow = dice % 8 ? dice / 8 % 2 : dice / 8 % SHARED_FLOWS;

		if (dice >> 40 & 1)
			arena_send(arena, flow);
		else
			arena_answer(arena, flow, dice >> 41);
	}
	return NULL;
}

static void threads_tear_no_sample_and_end_each_once(void **state)
{
	struct arena arena = {.table = table_new()};
	pthread_t threads[THREADS];

	(void)state;
	for (int flow = 0; flow < SHARED_FLOWS; flow++)
		arena.ended[flow] = calloc(ANSWERS, 1);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, arena_thread, &arena), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(arena.torn, 0);
	assert_int_equal(arena.twice, 0);
	printf("# %llu samples by %d threads\n", (unsigned long long)arena.samples, THREADS);
	assert_in_range(arena.samples, ROUNDS / 50, ROUNDS * THREADS);
	for (int flow = 0; flow < SHARED_FLOWS; flow++)
		free(arena.ended[flow]);
	free(arena.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_segments_give_what_the_oracle_says),
		cmocka_unit_test(threads_tear_no_sample_and_end_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
