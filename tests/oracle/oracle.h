/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle: what must become of a packet, said as slowly and obviously as possible. It is written
 * from the text of the contract and shares nothing with the product, not even a header, so that the
 * two can only agree by both being right.
 *
 * Threading: a table is built by one thread and then only read; the rest are pure functions.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

enum oracle_outcome {
	ORACLE_MATCHED,
	ORACLE_UNMATCHED,
	ORACLE_NOT_IP,
	ORACLE_UNSUPPORTED,
	ORACLE_MALFORMED,
};

/* The names that users see. */
const char *oracle_outcome_name(enum oracle_outcome outcome);

/* Prefixes and whose they are. */
struct oracle_table;

struct oracle_table *oracle_table_new(void);
void oracle_table_free(struct oracle_table *table);

/*
 * Adds a prefix of family 4 or 6: `addr` in network byte order, 4 or 16 bytes, `length` from 0.
 * `connection` is any number but 0. Bits behind the length are ignored. A prefix is added once.
 */
void oracle_table_add(struct oracle_table *table, int family, const uint8_t *addr, int length,
		      uint32_t connection);

/* The connection of the longest prefix that holds `addr`, or 0. */
uint32_t oracle_table_lookup(struct oracle_table *table, int family, const uint8_t *addr);

struct oracle_verdict {
	enum oracle_outcome outcome;
	int family;	      /* 4 or 6; 0 if no IP header was reached */
	size_t ip_offset;     /* of the IP header, where family is not 0 */
	uint32_t source;      /* connection, 0 for none */
	uint32_t destination; /* connection, 0 for none */
};

/* What becomes of the `size` bytes at `frame`. */
void oracle_classify(struct oracle_table *table, const uint8_t *frame, size_t size,
		     struct oracle_verdict *ret_verdict);

/* Writes `dscp` into the IP header that the verdict found in `frame`. */
void oracle_write_dscp(uint8_t *frame, const struct oracle_verdict *verdict, unsigned int dscp);

/* Writes the frame with an 802.1Q tag pushed to `ret_frame`, which holds size + 4 bytes. */
void oracle_push_vlan(const uint8_t *frame, size_t size, unsigned int vlan, uint8_t *ret_frame);

#endif
