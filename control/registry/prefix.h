/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A prefix, and the one text form of it that the registry accepts: canonical, the address with its
 * host bits zero, the length always written. RFC 4632 for IPv4, RFC 5952 for IPv6.
 *
 * Threading: pure functions.
 */
#ifndef CONTROL_PREFIX_H
#define CONTROL_PREFIX_H

#include "error.h"

#define PREFIX_TEXT_SIZE  44
#define ADDRESS_TEXT_SIZE 40

/* IPv4 uses addr[0..3], the rest is zero. */
struct prefix {
	uint8_t addr[16]; /* network byte order */
	uint8_t family;	  /* 4 or 6 */
	uint8_t length;	  /* 0 to 32 or 128 */
};

/*
 * Reads "203.0.113.0/24". On refusal @error has code bad_value or host_bits, the text in its prefix
 * field, and "did you mean" where there is a nearby good spelling; @ret_prefix is untouched.
 */
bool prefix_parse(const char *text, struct prefix *ret_prefix, struct error *error);

/* Reads an address without a length, any spelling, as a prefix of full length. */
bool prefix_parse_address(const char *text, struct prefix *ret_prefix, struct error *error);

/* Both return @text. */
char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE]);
char *prefix_format_address(const struct prefix *prefix, char text[ADDRESS_TEXT_SIZE]);

/* Family, then address, then length: whatever covers a prefix sorts before it. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* Equal counts as containing. */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

uint8_t prefix_full_length(uint8_t family);
/* Zeroes the bits behind the length; true when any of them was set. */
bool prefix_clear_host_bits(struct prefix *prefix);

#endif
