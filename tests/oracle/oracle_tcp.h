/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle on TCP: what is behind the IP header that a verdict found, as slowly and obviously as
 * possible, sharing nothing with the product. Threading: a pure function.
 */
#ifndef ORACLE_TCP_H
#define ORACLE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle.h"

struct oracle_tcp {
	unsigned int source_port, destination_port;
	uint32_t seq, ack;
	unsigned int flags; /* the header's byte */
	bool has_timestamps;
	uint32_t tsval, tsecr;
	bool occupies; /* it has data, SYN or FIN, or that cannot be told */
};

/*
 * Whether the frame has a TCP header: of a packet or its first fragment, behind at most eight
 * extension headers, all 20 bytes of it in the frame, and all of the header inside what the IP
 * header says is the packet. Timestamps count where they are wholly in the frame and among the
 * first 16 options.
 */
bool oracle_tcp_read(const uint8_t *frame, size_t size, const struct oracle_verdict *verdict,
		     struct oracle_tcp *ret_tcp);

#endif
