/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a prefix: what is accepted comes back as it was, what is refused says what was meant.
 */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void prefix_accepts_what_is_canonical(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0/0",
		"203.0.113.0/24",
		"255.255.255.255/32",
		"10.0.0.0/8",
		"128.0.0.0/1",
		"::/0",
		"2001:db8::/32",
		"2001:db8:0:1::/64",
		"2001:0:0:1::/64",
		"2001:db8:1:1:1:1:1:1/128",
		"1:0:2::/48",
		"::1/128",
		"8000::/1",
		"1:2:3:4:5:6:7:0/112",
		"2001:db8::1:0:0:1/128",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	};
	char text[PREFIX_TEXT_SIZE];
	struct prefix prefix;
	struct error error;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (!prefix_parse(texts[i], &prefix, &error))
			fail_msg("%s: %s", texts[i], error.message);
		assert_string_equal(prefix_format(&prefix, text), texts[i]);
	}
}

static const struct {
	const char *text;
	enum error_code code;
	const char *meant; /* NULL: nothing is near */
} refused[] = {
	{"", ERROR_BAD_VALUE, NULL},
	{"/", ERROR_BAD_VALUE, NULL},
	{"/24", ERROR_BAD_VALUE, NULL},
	{"203.0.113.5/24", ERROR_HOST_BITS, "203.0.113.0/24"},
	{"203.0.113.0/23", ERROR_HOST_BITS, "203.0.112.0/23"},
	{"1.0.0.0/0", ERROR_HOST_BITS, "0.0.0.0/0"},
	{"2001:db8::1/64", ERROR_HOST_BITS, "2001:db8::/64"},
	{"2001:db8::/1", ERROR_HOST_BITS, "::/1"},
	{"203.0.113.0", ERROR_BAD_VALUE, "203.0.113.0/32"},
	{"2001:db8::", ERROR_BAD_VALUE, "2001:db8::/128"},
	{"203.0.113.0/", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/33", ERROR_BAD_VALUE, NULL},
	{"2001:db8::/129", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/-1", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/+8", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/024", ERROR_BAD_VALUE, "203.0.113.0/24"},
	{"203.0.113.0/24 ", ERROR_BAD_VALUE, NULL},
	{" 203.0.113.0/24", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/24\n", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/2 4", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/24/24", ERROR_BAD_VALUE, NULL},
	{"203.0.113.0/99999999999999999999", ERROR_BAD_VALUE, NULL},
	{"203.0.113.00/24", ERROR_BAD_VALUE, "203.0.113.0/24"},
	{"010.0.0.0/8", ERROR_BAD_VALUE, "10.0.0.0/8"},
	{"0x0a.0.0.0/8", ERROR_BAD_VALUE, NULL},
	{"10/8", ERROR_BAD_VALUE, "10.0.0.0/8"},
	{"10.1/16", ERROR_BAD_VALUE, "10.1.0.0/16"},
	{"10.1.2/24", ERROR_BAD_VALUE, "10.1.2.0/24"},
	{"10.1.2", ERROR_BAD_VALUE, NULL},
	{"3405803776/24", ERROR_BAD_VALUE, NULL},
	{"1.2.3.4.5/8", ERROR_BAD_VALUE, NULL},
	{"1..3.4/8", ERROR_BAD_VALUE, NULL},
	{".1.2.3/8", ERROR_BAD_VALUE, NULL},
	{"1.2.3./8", ERROR_BAD_VALUE, NULL},
	{"256.0.0.0/8", ERROR_BAD_VALUE, NULL},
	{"2001:DB8::/32", ERROR_BAD_VALUE, "2001:db8::/32"},
	{"2001:0db8::/32", ERROR_BAD_VALUE, "2001:db8::/32"},
	{"2001:db8:0:0:0:0:0:0/32", ERROR_BAD_VALUE, "2001:db8::/32"},
	{"2001:db8::0/32", ERROR_BAD_VALUE, "2001:db8::/32"},
	{"1::2:0:0:0:3/128", ERROR_BAD_VALUE, "1:0:0:2::3/128"},
	{"2001:db8::192.0.2.0/120", ERROR_BAD_VALUE, "2001:db8::c000:200/120"},
	{"2001:db8::/032", ERROR_BAD_VALUE, "2001:db8::/32"},
	{"2001:db8::1::/64", ERROR_BAD_VALUE, NULL},
	{"12345::/16", ERROR_BAD_VALUE, NULL},
	{":::/0", ERROR_BAD_VALUE, NULL},
	{"fe80::%eth0/64", ERROR_BAD_VALUE, NULL},
	{"fe80::%1/64", ERROR_BAD_VALUE, NULL},
	{"::ffff:192.0.2.0/120", ERROR_BAD_VALUE, "192.0.2.0/24"},
	{"::ffff:c000:200/120", ERROR_BAD_VALUE, "192.0.2.0/24"},
	{"::ffff:192.0.2.1/128", ERROR_BAD_VALUE, "192.0.2.1/32"},
	{"[2001:db8::]/32", ERROR_BAD_VALUE, NULL},
	{"localhost/8", ERROR_BAD_VALUE, NULL},
	{"\xd9\xa1.0.0.0/8", ERROR_BAD_VALUE, NULL}, /* an Arabic-Indic digit */
};

static void prefix_refuses_what_is_not_and_says_what_was_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct prefix prefix = {.family = 99};
		char hint[80] = "";
		struct error error;

		if (prefix_parse(refused[i].text, &prefix, &error))
			fail_msg("accepted: \"%s\"", refused[i].text);
		if (error.code != refused[i].code)
			fail_msg("\"%s\": %s", refused[i].text, error.message);
		if (refused[i].meant)
			snprintf(hint, sizeof(hint), "did you mean %s?", refused[i].meant);
		assert_string_equal(error.hint, hint);
		assert_int_equal(prefix.family, 99);
	}
}

static void prefix_refuses_a_text_of_any_length(void **state)
{
	char *text = malloc(100001);
	struct prefix prefix;
	struct error error;

	(void)state;
	memset(text, '1', 100000);
	text[100000] = '\0';
	assert_false(prefix_parse(text, &prefix, &error));
	memset(text, '/', 100000);
	assert_false(prefix_parse(text, &prefix, &error));
	memset(text, ':', 100000);
	assert_false(prefix_parse(text, &prefix, &error));
	free(text);
}

static void prefix_message_is_utf8_whatever_the_text(void **state)
{
	struct prefix prefix;
	struct error error;
	json_t *json;

	(void)state;
	assert_false(prefix_parse("1.2.3.4\xff\xc3(\x01/8", &prefix, &error));
	json = error_json(&error);
	assert_non_null(json);
	json_decref(json);
}

/* Random prefixes: formatting and parsing are each other's inverse, order and containment agree. */
static void prefix_round_trips_and_sorts_before_what_it_contains(void **state)
{
	unsigned seed = 20261123;

	(void)state;
	srandom(seed);
	print_message("seed %u\n", seed);
	for (int i = 0; i < 20000; i++) {
		struct prefix outer = {.family = random() % 2 ? 4 : 6}, inner, again;
		char text[PREFIX_TEXT_SIZE];
		struct error error;
		size_t size = outer.family == 4 ? 4 : 16;

		for (size_t byte = 0; byte < size; byte++)
			outer.addr[byte] = (uint8_t)(random() % 3 ? 0 : random());
		inner = outer;
		outer.length = (uint8_t)(random() % (prefix_full_length(outer.family) + 1));
		inner.length =
			(uint8_t)(outer.length +
				  random() % (prefix_full_length(outer.family) - outer.length + 1));
		prefix_clear_host_bits(&outer);
		prefix_clear_host_bits(&inner);
		assert_true(prefix_contains(&outer, &inner));
		assert_true(prefix_compare(&outer, &inner) <= 0);
		assert_int_equal(prefix_contains(&inner, &outer), outer.length == inner.length);
		if (strncmp(prefix_format(&outer, text), "::ffff:", 7) == 0)
			continue;
		assert_true(prefix_parse(text, &again, &error));
		assert_memory_equal(&again, &outer, sizeof(again));
	}
}

static void address_is_read_in_any_spelling(void **state)
{
	static const char *const good[] = {"203.0.113.7", "2001:DB8::7", "2001:db8:0:0:0:0:0:7"};
	static const char *const bad[] = {"",	      "203.0.113", "203.0.113.7/32",
					  "1.2.3.04", "x",	   "fe80::1%eth0"};
	struct prefix prefix;
	struct error error;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(prefix_parse_address(good[i], &prefix, &error));
		assert_int_equal(prefix.length, prefix_full_length(prefix.family));
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(prefix_parse_address(bad[i], &prefix, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_accepts_what_is_canonical),
		cmocka_unit_test(prefix_refuses_what_is_not_and_says_what_was_meant),
		cmocka_unit_test(prefix_refuses_a_text_of_any_length),
		cmocka_unit_test(prefix_message_is_utf8_whatever_the_text),
		cmocka_unit_test(prefix_round_trips_and_sorts_before_what_it_contains),
		cmocka_unit_test(address_is_read_in_any_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
