/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix.h"

#include <stdio.h>
#include <string.h>

#define IPV4_BITS 32
#define IPV6_BITS 128

uint8_t prefix_full_length(uint8_t family)
{
	return family == 4 ? IPV4_BITS : IPV6_BITS;
}

bool prefix_clear_host_bits(struct prefix *prefix)
{
	bool found = false;

	for (unsigned i = 0; i < sizeof(prefix->addr); i++) {
		int kept = prefix->length - 8 * (int)i;
		uint8_t mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : (uint8_t)(0xff << (8 - kept));

		found |= prefix->addr[i] & ~mask;
		prefix->addr[i] &= mask;
	}
	return found;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order;

	if (a->family != b->family)
		return a->family - b->family;
	order = memcmp(a->addr, b->addr, sizeof(a->addr));
	return order ? order : a->length - b->length;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	unsigned whole = outer->length / 8, rest = outer->length % 8;

	if (outer->family != inner->family || outer->length > inner->length)
		return false;
	if (memcmp(outer->addr, inner->addr, whole) != 0)
		return false;
	return rest == 0 || (outer->addr[whole] ^ inner->addr[whole]) >> (8 - rest) == 0;
}

/* Where the longest run of at least two zero groups begins, the first of equals; its length. */
static int longest_zero_run(const uint16_t groups[8], int *ret_start)
{
	int best = 1;

	*ret_start = -1;
	for (int start = 0; start < 8; start++) {
		int length = 0;

		while (start + length < 8 && groups[start + length] == 0)
			length++;
		if (length > best) {
			best = length;
			*ret_start = start;
		}
	}
	return *ret_start < 0 ? 0 : best;
}

/* RFC 5952, without its dotted forms: those are for addresses that the registry refuses. */
static void format_ipv6(const uint8_t addr[16], char *text)
{
	uint16_t groups[8];
	int start, length;

	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(addr[2 * i] << 8 | addr[2 * i + 1]);
	length = longest_zero_run(groups, &start);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			text = stpcpy(text, "::");
			i += length - 1;
			continue;
		}
		if (i > 0 && i != start + length)
			*text++ = ':';
		text += sprintf(text, "%x", groups[i]);
	}
	*text = '\0';
}

char *prefix_format_address(const struct prefix *prefix, char text[ADDRESS_TEXT_SIZE])
{
	const uint8_t *addr = prefix->addr;

	if (prefix->family == 6)
		format_ipv6(addr, text);
	else
		sprintf(text, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
	return text;
}

char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE])
{
	prefix_format_address(prefix, text);
	sprintf(text + strlen(text), "/%u", prefix->length);
	return text;
}
