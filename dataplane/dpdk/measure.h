/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that measures round-trip times, of packets whose classes asked for it. Only where the
 * headers are in the packet's first segment. Threading: as in burst.h.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_MEASURE_H
#define PEERTAG_DATAPLANE_DPDK_MEASURE_H

#include <time.h>

#include <peertag/rtt.h>

#include "burst.h"

/* The packets of a burst came together: the clock is read once for them, if at all. */
static inline __u64 measure_now(void *clock)
{
	__u64 *now_ns = clock;
	struct timespec now;

	if (*now_ns)
		return *now_ns;
	clock_gettime(CLOCK_MONOTONIC, &now);
	*now_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	return *now_ns;
}

/* A segment that is measured, and its flow. */
struct measure_segment {
	const struct burst_hit *hit;
	__u64 hash;
	struct pt_tcp tcp;
};

/* Reads the segment of a hit, and asks for its flow. Returns whether there is one. */
PT_INLINE bool measure_read(const struct burst *burst, const struct burst_hit *hit,
			    const struct pt_rtt *rtt, struct measure_segment *segment)
{
	const struct rte_mbuf *mbuf = burst->mbufs[hit->packet];
	const struct pt_packet *packet = &burst->packets[hit->packet];
	const __u8 *start = rte_pktmbuf_mtod(mbuf, const __u8 *), *end = start + mbuf->data_len;

	if (unlikely(packet->ip < start || packet->ip >= end) ||
	    !pt_tcp_parse(&segment->tcp, packet, end))
		return false;
	segment->hit = hit;
	segment->hash = hit->end == BURST_DESTINATION
				? pt_rtt_hash_transmit(rtt, packet, &segment->tcp)
				: pt_rtt_hash_receive(rtt, packet, &segment->tcp);
	rte_prefetch0(pt_rtt_line(rtt->table, segment->hash));
	return true;
}

/* Not inline: what a burst costs that is not measured stays as it is. */
static __rte_noinline void measure_burst(const struct burst *burst, const struct table_set *set,
					 const struct pt_rtt *rtt)
{
	struct measure_segment segments[BURST_MAX * BURST_ENDS];
	__u64 now_ns = 0;
	__u16 count = 0;

	for (__u16 n = 0; n < burst->hit_count; n++)
		if (burst->hits[n].class > set->unmeasured)
			count += measure_read(burst, &burst->hits[n], rtt, &segments[count]);
	for (__u16 n = 0; n < count; n++) {
		const struct burst_hit *hit = segments[n].hit;

		if (hit->end == BURST_DESTINATION)
			pt_rtt_transmit(rtt, segments[n].hash, &segments[n].tcp, measure_now,
					&now_ns);
		else
			pt_rtt_receive(rtt, segments[n].hash, &burst->packets[hit->packet],
				       &segments[n].tcp, burst_class(set, hit)->latency_slot,
				       measure_now, &now_ns);
	}
}

PT_INLINE void burst_measure(const struct burst *burst, const struct table_set *set,
			     const struct burst_options *options)
{
	if (likely(!set || !set->measures || !options->rtt.table))
		return;
	measure_burst(burst, set, &options->rtt);
}

#endif
