/* SPDX-License-Identifier: BSD-3-Clause */
/* Special-purpose ranges: the most specific entry decides, in both directions. */
#include "registry_fixture.h"
#include "registry/special.h"

static const struct {
	const char *prefix;
	const char *range; /* NULL: not special */
} cases[] = {
	{"10.1.0.0/16", "10.0.0.0/8"},
	{"8.0.0.0/5", "10.0.0.0/8"},
	{"8.8.8.0/24", NULL},
	{"192.0.0.0/24", "192.0.0.0/24"},
	{"192.0.0.9/32", NULL},
	{"192.0.0.10/32", NULL},
	{"192.0.0.8/32", "192.0.0.8/32"},
	{"192.0.0.8/31", "192.0.0.0/24"},
	{"192.0.0.11/32", "192.0.0.0/24"},
	{"192.0.0.4/32", "192.0.0.0/29"},
	{"192.0.0.0/16", "192.0.0.0/24"},
	{"192.31.196.0/24", NULL},
	{"192.31.0.0/16", NULL},
	{"192.88.99.1/32", NULL},
	{"192.88.99.2/32", "192.88.99.2/32"},
	{"192.88.99.0/24", "192.88.99.2/32"},
	{"192.88.99.128/25", NULL},
	{"100.64.0.0/10", "100.64.0.0/10"},
	{"100.128.0.0/9", NULL},
	{"172.15.0.0/16", NULL},
	{"172.31.255.0/24", "172.16.0.0/12"},
	{"203.0.113.0/25", "203.0.113.0/24"},
	{"224.1.2.0/24", "224.0.0.0/4"},
	{"128.0.0.0/1", "169.254.0.0/16"},
	{"255.255.255.255/32", "255.255.255.255/32"},
	{"2001:4:112::/48", NULL},
	{"2001:4:113::/48", "2001::/23"},
	{"2001:4::/32", "2001::/23"},
	{"2001:1::1/128", NULL},
	{"2001:1::3/128", NULL},
	{"2001:1::4/128", "2001::/23"},
	{"2001:3::/32", NULL},
	{"2001:20::/28", NULL},
	{"2001:30:1::/48", NULL},
	{"2001:10::/28", NULL},
	{"2001::/32", NULL},
	{"2001:2::/48", "2001:2::/48"},
	{"2001:200::/32", NULL},
	{"2001::/16", "2001::/23"},
	{"2001:db8:100::/40", "2001:db8::/32"},
	{"2002:102::/32", NULL},
	{"64:ff9b::/96", NULL},
	{"64:ff9b:1::/48", "64:ff9b:1::/48"},
	{"100::/64", "100::/64"},
	{"100:0:0:1::/64", "100:0:0:1::/64"},
	{"100:0:0:2::/64", NULL},
	{"3fff:100::/32", "3fff::/20"},
	{"5f00::/24", "5f00::/16"},
	{"fd00::/8", "fc00::/7"},
	{"fe80::/64", "fe80::/10"},
	{"ff02::/16", "ff00::/8"},
	{"2620:4f:8000::/48", NULL},
	{"2a00::/11", NULL},
};

static void special_range_is_decided_by_the_most_specific_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct special_range *range;
		struct prefix prefix;
		struct error error;

		if (!prefix_parse(cases[i].prefix, &prefix, &error))
			fail_msg("%s", error.message);
		range = special_range_of(&prefix);
		if (!range != !cases[i].range)
			fail_msg("%s: %s", cases[i].prefix, range ? range->prefix : "none");
		if (range)
			assert_string_equal(range->prefix, cases[i].range);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_range_is_decided_by_the_most_specific_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
