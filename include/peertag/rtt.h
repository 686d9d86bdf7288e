/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Passive round-trip times of TCP, between the edge and the customer and back: how long after a
 * segment went to the customer its answer came.
 *
 * WHAT IS A SAMPLE. One is begun by a segment to the customer that he answers at once: with data,
 * FIN or SYN. It ends with the first segment from him that answers just that one:
 *
 * By timestamps (RFC 7323): begun by the first sight of a timestamp that is newer than any that
 * went before in the flow, in acknowledgements as well, since those may be echoed too. Of a flow
 * that is found in its midst, or again after it lost its place, the first timestamp begins nothing:
 * it may have gone before. Ended by its echo. A retransmission has a newer timestamp of its own;
 * where a newer one is echoed, ours was lost and the sample is given up. So no retransmission is
 * taken for the original. Timestamps are compared as they wrap.
 *
 * By handshake: begun by a SYN, or SYN and ACK, ended by the ACK of its number. There a second one
 * of the same number cannot be told from the first, and ends it without a sample (Karn). Where
 * timestamps are off this is all there is.
 *
 * A flow has one sample under way; what passes meanwhile costs no clock. What is measured includes
 * how long the customer's host waits before it acknowledges.
 *
 * THE TABLE of flows is lossy and has one size. A flow is known by a secret hash of its addresses
 * and ports: 14 bits choose a line of four, 31 are compared. No address is in it. A new flow takes
 * a free place of its line, or the first one that no packet has used since the line was last full
 * (CLOCK); and where all were in use it gets none, but they are marked as not used. So a flood of
 * flows costs samples, and nothing else; samples that were under way are counted as lost.
 *
 * THREADING. All CPUs or workers share the table without locks: what belongs together is one 64-bit
 * word, read and written whole. A sample is ended by a compare-and-swap, so once. Two CPUs that see
 * a flow for the first time at once may give it two places; the second is then not found.
 *
 * COST. A packet touches one cache line here. The clock is read to begin a sample and to end it.
 *
 * Sources: Kathleen Nichols' pping and its BPF version (bpf-examples) for timestamps; Karn and
 * Partridge (SIGCOMM 1987); Corbato's CLOCK.
 */
#ifndef PEERTAG_RTT_H
#define PEERTAG_RTT_H

#include <stddef.h>

#include <peertag/bytes.h>
#include <peertag/latency.h>
#include <peertag/packet.h>
#include <peertag/tcp.h>
#include <peertag/types.h>

#define PT_RTT_LINE_BITS 14
#define PT_RTT_LINES	 (1 << PT_RTT_LINE_BITS)
#define PT_RTT_WAYS	 4
#define PT_RTT_MAX_US	 10000000 /* an answer that comes later is none */

/*
 * seen: bits 33 to 63 say which flow, bit 32 that it was used since the line was full, the low 32
 *   bits are the newest timestamp that went to the customer. 0: free.
 * sample: the high 32 bits are what the answer has in it, the low ones when it was begun:
 *   microseconds (1,024 ns each) of the clock, shifted left by one, with the lowest bit set for a
 *   handshake. A time of 0: none is under way, but it is still known which was the last.
 */
struct pt_rtt_flow {
	__u64 seen;
	__u64 sample;
};

struct pt_rtt_line {
	struct pt_rtt_flow ways[PT_RTT_WAYS];
};
_Static_assert(sizeof(struct pt_rtt_line) == 64, "one cache line");

struct pt_rtt_table {
	struct pt_rtt_line lines[PT_RTT_LINES];
};

#define PT_RTT_TAG_MASK	 0xfffffffe00000000ull
#define PT_RTT_USED	 0x100000000ull
#define PT_RTT_HANDSHAKE 1u
#define PT_RTT_US_SHIFT	 10 /* of nanoseconds to what samples count in */
#define PT_RTT_TIME_MASK 0x7fffffffu

/* What packets are measured with. */
struct pt_rtt {
	struct pt_rtt_table *table;
	struct pt_latency_lane *lane;
	__u32 slots; /* of the lane */
	__u32 window_ms;
	__u64 secret;
};

PT_INLINE __u64 pt_rtt_load(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

PT_INLINE void pt_rtt_store(__u64 *word, __u64 value)
{
	*(volatile __u64 *)word = value;
}

/* True if the word was `old` and is now `value`: for one of those who try. */
PT_INLINE _Bool pt_rtt_swap(__u64 *word, __u64 old, __u64 value)
{
	return __sync_val_compare_and_swap(word, old, value) == old;
}

PT_INLINE _Bool pt_rtt_is_under_way(__u64 sample)
{
	return (__u32)sample > PT_RTT_HANDSHAKE;
}

/* Takes the time out of a sample. True for the one who did. */
PT_INLINE _Bool pt_rtt_close(struct pt_rtt_flow *flow, __u64 sample)
{
	return pt_rtt_swap(&flow->sample, sample,
			   (sample >> 32 << 32) | (sample & PT_RTT_HANDSHAKE));
}

PT_INLINE __u64 pt_rtt_mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

PT_INLINE __u64 pt_rtt_mix_addr6(__u64 hash, const __u8 *addr)
{
	__u64 first = pt_load_u32(addr), third = pt_load_u32(addr + 8);

	hash = pt_rtt_mix(hash, first << 32 | pt_load_u32(addr + 4));
	return pt_rtt_mix(hash, third << 32 | pt_load_u32(addr + 12));
}

/* The customer's host: of IPv6 the /64, since a host has many addresses in it. */
PT_INLINE __u64 pt_rtt_host(__u64 secret, const __u8 *addr, __u8 family)
{
	__u64 first = pt_load_u32(addr);

	if (family == 6)
		first = first << 32 | pt_load_u32(addr + 4);
	/* Twice: its low bits are what counts, and the secret must not be seen in them. */
	return pt_rtt_mix(pt_rtt_mix(~secret, first), secret);
}

/* The same for both directions of a flow: the customer's end first. */
PT_INLINE __u64 pt_rtt_hash(__u64 secret, __u8 family, const __u8 *customer, const __u8 *other,
			    __u16 customer_port, __u16 other_port)
{
	__u64 ports = (__u32)customer_port << 16 | other_port, hash;

	if (family == 4) {
		hash = pt_rtt_mix(secret, (__u64)pt_load_u32(customer) << 32 | pt_load_u32(other));
	} else {
		hash = pt_rtt_mix_addr6(secret, customer);
		hash = pt_rtt_mix_addr6(hash, other);
	}
	return pt_rtt_mix(hash, ports ^ secret << 32);
}

PT_INLINE struct pt_rtt_line *pt_rtt_line(struct pt_rtt_table *table, __u64 hash)
{
	return &table->lines[hash & (PT_RTT_LINES - 1)];
}

/* The bits that `seen` has of a flow; never 0, with the used bit. */
PT_INLINE __u64 pt_rtt_tag(__u64 hash)
{
	return (hash & PT_RTT_TAG_MASK) | PT_RTT_USED;
}

/* The flow's place, or NULL. */
PT_INLINE struct pt_rtt_flow *pt_rtt_find(struct pt_rtt_line *line, __u64 tag, __u64 *ret_seen)
{
	PT_UNROLL_FAST
	for (int i = 0; i < PT_RTT_WAYS; i++) {
		struct pt_rtt_flow *flow = &line->ways[i];
		__u64 seen = pt_rtt_load(&flow->seen);

		if (((seen ^ tag) & PT_RTT_TAG_MASK) || !seen)
			continue;
		if (!(seen & PT_RTT_USED)) {
			pt_rtt_swap(&flow->seen, seen, seen | PT_RTT_USED);
			seen |= PT_RTT_USED;
		}
		*ret_seen = seen;
		return flow;
	}
	return NULL;
}

/* A place for a new flow, or NULL: then the next one that comes gets one. */
PT_INLINE struct pt_rtt_flow *pt_rtt_claim(struct pt_rtt_line *line, __u64 *lost)
{
	PT_UNROLL_FAST
	for (int i = 0; i < PT_RTT_WAYS; i++) {
		struct pt_rtt_flow *flow = &line->ways[i];

		if (pt_rtt_load(&flow->seen) & PT_RTT_USED)
			continue;
		if (pt_rtt_is_under_way(pt_rtt_load(&flow->sample)))
			(*lost)++;
		return flow;
	}
	PT_UNROLL_FAST
	for (int i = 0; i < PT_RTT_WAYS; i++) {
		__u64 seen = pt_rtt_load(&line->ways[i].seen);

		pt_rtt_swap(&line->ways[i].seen, seen, seen & ~PT_RTT_USED);
	}
	(*lost)++;
	return NULL;
}

/* When, as samples have it; never 0, which means none. */
PT_INLINE __u32 pt_rtt_time(__u64 now_ns)
{
	__u32 time = (now_ns >> PT_RTT_US_SHIFT) & PT_RTT_TIME_MASK;

	return time ? time : 1;
}

PT_INLINE void pt_rtt_begin(struct pt_rtt_flow *flow, __u32 answer, __u32 kind, __u64 now_ns)
{
	pt_rtt_store(&flow->sample, (__u64)answer << 32 | pt_rtt_time(now_ns) << 1 | kind);
}

/* Ends the sample `sample` of the flow. True, and how long it took, for the one who ended it. */
PT_INLINE _Bool pt_rtt_end(struct pt_rtt_flow *flow, __u64 sample, __u64 now_ns, __u64 *lost,
			   __u64 *ret_ns)
{
	__u32 begun = (__u32)sample >> 1;
	__u32 time = (pt_rtt_time(now_ns) - begun) & PT_RTT_TIME_MASK;

	if (!pt_rtt_close(flow, sample))
		return 0;
	if (time > (PT_RTT_MAX_US * 1000ull) >> PT_RTT_US_SHIFT) {
		(*lost)++;
		return 0;
	}
	*ret_ns = (__u64)time << PT_RTT_US_SHIFT;
	return 1;
}

/*
 * A SYN, or SYN and ACK: whether to begin; a second one ends what the first began. One of another
 * number is of a new connection, and takes the place of what is under way.
 */
PT_INLINE _Bool pt_rtt_begins_handshake(struct pt_rtt_flow *flow, __u32 answer, __u64 *lost)
{
	__u64 sample = pt_rtt_load(&flow->sample);

	if (sample >> 32 != answer || !(sample & PT_RTT_HANDSHAKE)) {
		*lost += pt_rtt_is_under_way(sample);
		return 1;
	}
	if (pt_rtt_is_under_way(sample) && pt_rtt_close(flow, sample))
		(*lost)++;
	return 0;
}

/*
 * A segment to the customer. True if it begins a sample, which pt_rtt_begin() is then to be called
 * for, with *ret_answer and *ret_kind, at *ret_flow.
 */
PT_INLINE _Bool pt_rtt_goes(struct pt_rtt_table *table, __u64 hash, const struct pt_tcp *tcp,
			    __u64 *lost, struct pt_rtt_flow **ret_flow, __u32 *ret_answer,
			    __u32 *ret_kind)
{
	struct pt_rtt_line *line = pt_rtt_line(table, hash);
	_Bool handshake = tcp->flags & PT_TCP_SYN, is_new, begins;
	__u64 tag = pt_rtt_tag(hash), seen = 0;
	struct pt_rtt_flow *flow;

	if (!handshake && !tcp->has_timestamps)
		return 0;
	flow = pt_rtt_find(line, tag, &seen);
	is_new = !flow;
	if (is_new && !tcp->is_acknowledged)
		return 0;
	if (is_new) {
		flow = pt_rtt_claim(line, lost);
		if (!flow)
			return 0;
		pt_rtt_store(&flow->sample, 0);
	}
	*ret_flow = flow;
	*ret_answer = handshake ? tcp->seq + 1 : tcp->tsval;
	*ret_kind = handshake ? PT_RTT_HANDSHAKE : 0;
	begins = handshake && (is_new || pt_rtt_begins_handshake(flow, *ret_answer, lost));
	/* Only a new connection may begin with an older one. */
	if (!is_new && !begins && (__s32)(tcp->tsval - (__u32)seen) <= 0)
		return 0;
	pt_rtt_store(&flow->seen, tag | tcp->tsval);
	if (handshake || is_new || !tcp->is_acknowledged)
		return begins;
	return !pt_rtt_is_under_way(pt_rtt_load(&flow->sample));
}

/* Whether the segment from the customer answers the sample, or tells that nothing ever will. */
enum pt_rtt_answer {
	PT_RTT_OTHER,
	PT_RTT_ANSWERED,
	PT_RTT_MISSED,
};

PT_INLINE enum pt_rtt_answer pt_rtt_answer(const struct pt_tcp *tcp, __u64 sample)
{
	__u32 wanted = sample >> 32, handshake = sample & PT_RTT_HANDSHAKE;
	__s32 beyond;

	if (!pt_rtt_is_under_way(sample) || !(tcp->flags & PT_TCP_ACK))
		return PT_RTT_OTHER;
	if (!handshake && !tcp->has_timestamps)
		return PT_RTT_OTHER;
	beyond = handshake ? tcp->ack - wanted : tcp->tsecr - wanted;
	if (beyond == 0)
		return PT_RTT_ANSWERED;
	return beyond > 0 || tcp->flags & PT_TCP_RST ? PT_RTT_MISSED : PT_RTT_OTHER;
}

/*
 * A segment from the customer. True if it ends the sample *ret_sample, which pt_rtt_end() is then
 * to be called for, at *ret_flow.
 */
PT_INLINE _Bool pt_rtt_comes(struct pt_rtt_table *table, __u64 hash, const struct pt_tcp *tcp,
			     __u64 *lost, struct pt_rtt_flow **ret_flow, __u64 *ret_sample)
{
	__u64 seen, sample;
	struct pt_rtt_flow *flow = pt_rtt_find(pt_rtt_line(table, hash), pt_rtt_tag(hash), &seen);

	if (!flow)
		return 0;
	sample = pt_rtt_load(&flow->sample);
	*ret_flow = flow;
	*ret_sample = sample;
	switch (pt_rtt_answer(tcp, sample)) {
	case PT_RTT_ANSWERED:
		return 1;
	case PT_RTT_MISSED:
		if (pt_rtt_close(flow, sample))
			(*lost)++;
		return 0;
	case PT_RTT_OTHER:
		break;
	}
	return 0;
}

/* Where the addresses of a parsed packet are. */
PT_INLINE const __u8 *pt_rtt_source(const struct pt_packet *packet)
{
	return packet->ip + (packet->family == 4 ? 12 : 8);
}

PT_INLINE const __u8 *pt_rtt_destination(const struct pt_packet *packet)
{
	return packet->ip + (packet->family == 4 ? 16 : 24);
}

/* The flow of a packet to, or from, a customer whose class has a latency slot. */
PT_INLINE __u64 pt_rtt_hash_transmit(const struct pt_rtt *rtt, const struct pt_packet *packet,
				     const struct pt_tcp *tcp)
{
	return pt_rtt_hash(rtt->secret, packet->family, pt_rtt_destination(packet),
			   pt_rtt_source(packet), tcp->destination_port, tcp->source_port);
}

PT_INLINE __u64 pt_rtt_hash_receive(const struct pt_rtt *rtt, const struct pt_packet *packet,
				    const struct pt_tcp *tcp)
{
	return pt_rtt_hash(rtt->secret, packet->family, pt_rtt_source(packet),
			   pt_rtt_destination(packet), tcp->source_port, tcp->destination_port);
}

/* The packet goes to the customer. now_ns: CLOCK_MONOTONIC, called with `clock` where it is needed.
 */
PT_INLINE void pt_rtt_transmit(const struct pt_rtt *rtt, __u64 hash, const struct pt_tcp *tcp,
			       __u64 (*now_ns)(void *clock), void *clock)
{
	struct pt_rtt_flow *flow;
	__u32 answer, kind;

	if (pt_rtt_goes(rtt->table, hash, tcp, &rtt->lane->lost, &flow, &answer, &kind))
		pt_rtt_begin(flow, answer, kind, now_ns(clock));
}

/* The packet comes from the customer, into whose class's slot a sample goes. */
PT_INLINE void pt_rtt_receive(const struct pt_rtt *rtt, __u64 hash, const struct pt_packet *packet,
			      const struct pt_tcp *tcp, __u32 slot, __u64 (*now_ns)(void *clock),
			      void *clock)
{
	struct pt_rtt_flow *flow;
	__u64 sample, now, ns;

	if (!pt_rtt_comes(rtt->table, hash, tcp, &rtt->lane->lost, &flow, &sample))
		return;
	now = now_ns(clock);
	if (pt_rtt_end(flow, sample, now, &rtt->lane->lost, &ns))
		pt_latency_add(rtt->lane, rtt->slots, slot,
			       pt_rtt_host(rtt->secret, pt_rtt_source(packet), packet->family), ns,
			       pt_latency_number(now, rtt->window_ms));
}

#endif
