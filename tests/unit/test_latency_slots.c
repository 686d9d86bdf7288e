/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose latency slots are and since when, while sets come, are refused and get lost. */
#include "registry_fixture.h"

#include "daemon/latency_slots.h"
#include "registry/compile.h"

#include <stdlib.h>
#include <string.h>

#define SELECTED(prefix) "{\"prefix\":\"" prefix "\",\"latency\":true}"
#define LINE(prefixes)                                                                             \
	"{\"name\":\"a\",\"partner\":\"p\",\"country\":\"DE\",\"prefixes\":[" prefixes "]}\n"

/* The second gives 9.9.9.0/24 another slot, the first keeps its own. */
#define TWO   LINE(SELECTED("8.8.8.0/24") "," SELECTED("9.9.9.0/24"))
#define THREE LINE(SELECTED("8.8.8.0/24") "," SELECTED("9.9.8.0/24") "," SELECTED("9.9.9.0/24"))

static struct latency_slots slots_of(const char *text, uint64_t now_ns)
{
	static const struct pt_config_tag tag;
	struct view *view = fixture_view(text);
	struct latency_slots slots;

	view->compiled = calloc(1, sizeof(*view->compiled));
	assert_int_equal(compile(view, &tag, view->compiled), 0);
	assert_int_equal(latency_slots_init(&slots, view, now_ns), 0);
	view_unref(view);
	return slots;
}

static const struct owned_slot *find(const struct latency_slots *slots, const char *cidr)
{
	struct latency_owner owner = {.connection = 1};
	struct error error;
	size_t cursor = 0;

	assert_true(prefix_parse(cidr, &owner.prefix, &error));
	return latency_slots_next(slots, &cursor, &owner);
}

static void doubt(struct latency_slots *slots, const char *text)
{
	struct latency_slots sent = slots_of(text, 0);

	latency_slots_doubt(slots, &sent);
	latency_slots_done(&sent);
}

static void replace(struct latency_slots *slots, const char *text, uint64_t now_ns)
{
	struct latency_slots held = slots_of(text, now_ns);

	latency_slots_replace(slots, &held);
	assert_null(held.items);
}

static void a_set_on_its_way_puts_those_in_doubt_whom_it_moves(void **state)
{
	struct latency_slots slots = slots_of(TWO, 100);

	(void)state;
	assert_int_equal(slots.count, 2);
	assert_int_equal(find(&slots, "9.9.9.0/24")->index, 1);
	assert_null(find(&slots, "9.9.8.0/24"));
	doubt(&slots, THREE);
	assert_false(find(&slots, "8.8.8.0/24")->doubtful);
	assert_true(find(&slots, "9.9.9.0/24")->doubtful);
	latency_slots_trust(&slots);
	assert_false(find(&slots, "9.9.9.0/24")->doubtful);
	assert_int_equal(find(&slots, "9.9.9.0/24")->since_ns, 100);
	doubt(&slots, "");
	assert_true(find(&slots, "8.8.8.0/24")->doubtful);
	latency_slots_done(&slots);
}

static void a_set_that_is_held_leaves_those_whom_it_does_not_move(void **state)
{
	struct latency_slots slots = slots_of(TWO, 100);

	(void)state;
	doubt(&slots, THREE);
	replace(&slots, THREE, 200);
	assert_int_equal(find(&slots, "8.8.8.0/24")->since_ns, 100);
	assert_int_equal(find(&slots, "9.9.8.0/24")->since_ns, 200);
	assert_int_equal(find(&slots, "9.9.9.0/24")->since_ns, 200);
	assert_int_equal(find(&slots, "9.9.9.0/24")->index, 2);
	assert_false(find(&slots, "9.9.9.0/24")->doubtful);
	latency_slots_done(&slots);
}

/* It may have been used for a while: who has the same slot before and after had not in between. */
static void a_set_that_got_lost_is_remembered(void **state)
{
	struct latency_slots slots = slots_of(TWO, 100);

	(void)state;
	doubt(&slots, THREE);
	doubt(&slots, TWO);
	assert_true(find(&slots, "9.9.9.0/24")->doubtful);
	replace(&slots, TWO, 200);
	assert_int_equal(find(&slots, "8.8.8.0/24")->since_ns, 100);
	assert_int_equal(find(&slots, "9.9.9.0/24")->since_ns, 200);
	latency_slots_done(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_on_its_way_puts_those_in_doubt_whom_it_moves),
		cmocka_unit_test(a_set_that_is_held_leaves_those_whom_it_does_not_move),
		cmocka_unit_test(a_set_that_got_lost_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
