/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The round-trip times in a capture, where everybody is a customer who asked for them:
 *
 *     capture_rtts CAPTURE
 *
 * prints a line for each sample: what began it ("syn", or "refused" where RST answers it, "synack",
 * or "echo" of a timestamp), the customer's end, the other end, and how long it took in
 * nanoseconds.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <peertag/packet.h>
#include <peertag/rtt.h>
#include <peertag/tcp.h>

#include "capture.h"

#define SECRET 0x5eedull

static struct pt_rtt_table table;

static uint64_t hash_of(const struct pt_packet *packet, const struct pt_tcp *tcp, bool to_customer)
{
	const uint8_t *source = pt_rtt_source(packet), *destination = pt_rtt_destination(packet);

	if (to_customer)
		return pt_rtt_hash(SECRET, packet->family, destination, source,
				   tcp->destination_port, tcp->source_port);
	return pt_rtt_hash(SECRET, packet->family, source, destination, tcp->source_port,
			   tcp->destination_port);
}

static void print_sample(const struct pt_packet *packet, const struct pt_tcp *tcp, __u64 sample,
			 __u64 ns)
{
	int family = packet->family == 4 ? AF_INET : AF_INET6;
	char customer[INET6_ADDRSTRLEN], other[INET6_ADDRSTRLEN];
	const char *kind = tcp->flags & PT_TCP_RST   ? "refused"
			   : tcp->flags & PT_TCP_SYN ? "syn"
						     : "synack";

	if (!(sample & PT_RTT_HANDSHAKE))
		kind = "echo";
	inet_ntop(family, pt_rtt_source(packet), customer, sizeof(customer));
	inet_ntop(family, pt_rtt_destination(packet), other, sizeof(other));
	printf("%s %s %u %s %u %llu\n", kind, customer, tcp->source_port, other,
	       tcp->destination_port, (unsigned long long)ns);
}

static void measure(const struct pt_packet *packet, const struct pt_tcp *tcp, uint64_t now_ns)
{
	struct pt_rtt_flow *flow;
	__u64 lost = 0, sample, ns;
	__u32 answer, kind;

	if (pt_rtt_goes(&table, hash_of(packet, tcp, true), tcp, &lost, &flow, &answer, &kind))
		pt_rtt_begin(flow, answer, kind, now_ns);
	if (pt_rtt_comes(&table, hash_of(packet, tcp, false), tcp, &lost, &flow, &sample) &&
	    pt_rtt_end(flow, sample, now_ns, &lost, &ns))
		print_sample(packet, tcp, sample, ns);
}

int main(int argc, char **argv)
{
	const struct pcap_pkthdr *header;
	struct message message = {};
	struct capture *capture;
	const __u8 *frame;
	int result;

	if (argc != 2 || capture_open(argv[1], &capture, &message)) {
		fprintf(stderr, "%s\n", argc == 2 ? message.text : "usage: capture_rtts CAPTURE");
		return 1;
	}
	while ((result = capture_next(capture, &header, &frame, &message)) == 1) {
		__u8 *start = (__u8 *)frame, *end = start + header->caplen;
		struct pt_packet packet;
		struct pt_tcp tcp;

		if (pt_packet_parse(&packet, start, end) == PT_OUTCOME_UNMATCHED &&
		    pt_tcp_parse(&tcp, &packet, end))
			measure(&packet, &tcp,
				header->ts.tv_sec * 1000000000ull + header->ts.tv_usec);
	}
	capture_close(capture);
	return result != 0;
}
