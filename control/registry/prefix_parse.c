/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two readings of a text. The lenient one finds out what was probably meant: leading zeros, short
 * forms, host bits and a missing length are all understood. The text is accepted only if formatting
 * that reading gives the same text back; else the reading is the "did you mean".
 */
#include "prefix.h"

#include <arpa/inet.h>
#include <string.h>

/* Decimal digits, at most @limit; false for anything else. Leading zeros pass. */
static bool read_number(const char *text, size_t size, unsigned limit, unsigned *ret_number)
{
	unsigned number = 0;

	if (size == 0 || size > 10)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
		if (number > limit)
			return false;
	}
	*ret_number = number;
	return true;
}

/* One to four numbers with dots between; those that are missing are zero at the end: 10.1/16. */
static bool read_ipv4(const char *text, uint8_t addr[16], int *ret_numbers)
{
	int numbers = 0;

	for (;;) {
		size_t size = strcspn(text, ".");
		unsigned number;

		if (numbers == 4 || !read_number(text, size, 255, &number))
			return false;
		addr[numbers++] = (uint8_t)number;
		if (text[size] == '\0')
			break;
		text += size + 1;
	}
	*ret_numbers = numbers;
	return true;
}

static bool has_leading_zero(const char *text)
{
	for (bool first = true; *text; first = *text++ == '.')
		if (first && text[0] == '0' && text[1] >= '0' && text[1] <= '9')
			return true;
	return false;
}

static bool is_mapped(const struct prefix *prefix)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return prefix->family == 6 && memcmp(prefix->addr, mapped, sizeof(mapped)) == 0;
}

/* Adds "did you mean" with the reading, unless it is refused itself. */
static bool refuse_meaning(struct error *error, enum error_code code, const char *text,
			   const char *why, struct prefix meant)
{
	char spelling[PREFIX_TEXT_SIZE];

	prefix_clear_host_bits(&meant);
	prefix_format(&meant, spelling);
	error_set(error, code, "\"%.64s\" %s: did you mean %s?", text, why, spelling);
	error_set_hint(error, "did you mean %s?", spelling);
	error_prefix(error->prefix, text);
	return false;
}

static bool refuse(struct error *error, const char *text, const char *why)
{
	error_set(error, ERROR_BAD_VALUE, "\"%.64s\" is not a prefix: %s", text, why);
	error_prefix(error->prefix, text);
	return false;
}

static bool refuse_mapped(struct error *error, const char *text, const struct prefix *mapped)
{
	struct prefix meant = {.family = 4};

	if (mapped->length < 96)
		return refuse(error, text, "IPv4-mapped IPv6 addresses are not on the wire");
	memcpy(meant.addr, mapped->addr + 12, 4);
	meant.length = (uint8_t)(mapped->length - 96);
	return refuse_meaning(error, ERROR_BAD_VALUE, text, "is an IPv4-mapped IPv6 prefix", meant);
}

/* The address part, leniently. NULL: understood; else why not. */
static const char *read_address(const char *address, struct prefix *prefix, int *ret_numbers)
{
	*ret_numbers = 4;
	if (strchr(address, '%'))
		return "a zone (%) has no meaning here";
	if (strchr(address, ':')) {
		prefix->family = 6;
		return inet_pton(AF_INET6, address, prefix->addr) == 1 ? NULL : "bad IPv6 address";
	}
	prefix->family = 4;
	return read_ipv4(address, prefix->addr, ret_numbers)
		       ? NULL
		       : "an address is four numbers from 0 to 255, or IPv6";
}

/* The text after the slash, leniently. NULL: understood; else why not. */
static const char *read_length(const char *slash, struct prefix *prefix)
{
	unsigned length = prefix_full_length(prefix->family);

	if (slash && !read_number(slash + 1, strlen(slash + 1), length, &length))
		return prefix->family == 4 ? "the length is a number from 0 to 32"
					   : "the length is a number from 0 to 128";
	prefix->length = (uint8_t)length;
	return NULL;
}

/* Judges a reading that is understood against its text. */
static bool judge(const char *text, bool has_length, int numbers, struct prefix prefix,
		  struct prefix *ret_prefix, struct error *error)
{
	char spelling[PREFIX_TEXT_SIZE];
	struct prefix cut = prefix;

	if (is_mapped(&prefix))
		return refuse_mapped(error, text, &prefix);
	if (numbers < 4)
		return has_length ? refuse_meaning(error, ERROR_BAD_VALUE, text, "is a short form",
						   prefix)
				  : refuse(error, text, "an address is four numbers, or IPv6");
	if (!has_length)
		return refuse_meaning(error, ERROR_BAD_VALUE, text, "has no length", prefix);
	if (prefix.family == 4 && has_leading_zero(text))
		return refuse_meaning(error, ERROR_BAD_VALUE, text,
				      "has a leading zero, which some read as octal", prefix);
	if (prefix_clear_host_bits(&cut))
		return refuse_meaning(error, ERROR_HOST_BITS, text,
				      "has bits set behind its length", prefix);
	if (strcmp(prefix_format(&prefix, spelling), text) != 0)
		return refuse_meaning(error, ERROR_BAD_VALUE, text, "is not the canonical spelling",
				      prefix);
	*ret_prefix = prefix;
	return true;
}

bool prefix_parse(const char *text, struct prefix *ret_prefix, struct error *error)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix prefix = {0};
	char address[ERROR_PREFIX_SIZE];
	const char *why;
	int numbers;

	if (*text == '\0')
		return refuse(error, text, "it is empty");
	if (size >= sizeof(address))
		return refuse(error, text, "it is too long");
	memcpy(address, text, size);
	address[size] = '\0';
	why = read_address(address, &prefix, &numbers);
	if (!why)
		why = read_length(slash, &prefix);
	if (why)
		return refuse(error, text, why);
	return judge(text, slash != NULL, numbers, prefix, ret_prefix, error);
}

bool prefix_parse_address(const char *text, struct prefix *ret_prefix, struct error *error)
{
	struct prefix prefix = {0};
	int numbers;

	if (read_address(text, &prefix, &numbers) || numbers < 4 ||
	    (prefix.family == 4 && has_leading_zero(text)))
		return error_set(error, ERROR_BAD_VALUE, "\"%.64s\" is not an IPv4 or IPv6 address",
				 text);
	prefix.length = prefix_full_length(prefix.family);
	*ret_prefix = prefix;
	return true;
}
