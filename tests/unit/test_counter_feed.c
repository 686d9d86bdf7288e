/* SPDX-License-Identifier: BSD-3-Clause */
/* What a listener of the counters is told, event by event. The daemon is the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/counter_feed.h"
#include "daemon_fixture.h"

#define TEXT_MAX (64 * 1024)

static __u32 add_connection(struct daemon *daemon, const char *name, int prefix)
{
	json_t *document =
		json_pack("{s:s,s:s,s:s,s:[o]}", "name", name, "partner", "Lumen", "country", "GB",
			  "prefixes", json_sprintf("203.0.113.%d/32", prefix));
	char *text = json_dumps(document, 0);

	daemon_post(daemon, "/v1/connections", text);
	daemon_wait(daemon, daemon_is_ready);
	json_decref(document);
	free(text);
	return view_find(daemon->service.view, name)->counter;
}

/* The connection has received so many packets. */
static void count(const struct daemon *daemon, __u32 index, __u64 packets)
{
	off_t offset = offsetof(struct pt_lane, connections) +
		       index * sizeof(struct pt_connection_counters);

	assert_int_equal(pwrite(daemon->engine->counters, &packets, sizeof(packets),
				COUNTERS_OFFSET + offset),
			 sizeof(packets));
}

/* The rest of the event that was begun, in reads of `piece` bytes, onto `text`. */
static void read_rest(struct counter_feed *feed, char *text, size_t piece)
{
	size_t used = strlen(text);
	ssize_t n;

	while (counter_feed_busy(feed)) {
		assert_true(used + piece < TEXT_MAX);
		n = counter_feed_read(feed, text + used, piece);
		assert_in_range(n, 1, piece);
		used += n;
		text[used] = '\0';
	}
}

/* The connections of an event, which is one line of JSON and an empty one. */
static json_t *connections_of(const char *text)
{
	json_error_t error;
	json_t *event, *connections;

	assert_memory_equal(text, "data: ", 6);
	assert_string_equal(strchr(text, '\n'), "\n\n");
	event = json_loads(text + 6, 0, &error);
	if (!event)
		fail_msg("%s: %s", error.text, text);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "counters");
	assert_true(json_number_value(json_object_get(event, "time")) > 1.6e9);
	assert_true(
		json_is_integer(json_object_get(json_object_get(event, "outcomes"), "unmatched")));
	connections = json_incref(json_object_get(event, "connections"));
	json_decref(event);
	return connections;
}

static json_t *next_event(struct counter_feed *feed, size_t piece)
{
	char text[TEXT_MAX] = "";

	assert_true(counter_feed_begin(feed));
	read_rest(feed, text, piece);
	return connections_of(text);
}

/* One event tells of `expected` connections, and of `name` that it received so many packets. */
static void assert_told(struct counter_feed *feed, size_t expected, const char *name,
			json_int_t packets)
{
	json_t *connections = next_event(feed, TEXT_MAX / 2);
	json_t *counts = json_object_get(connections, name);

	assert_int_equal(json_object_size(connections), expected);
	if (expected) {
		assert_int_equal(json_array_size(counts), 4);
		assert_int_equal(json_integer_value(json_array_get(counts, 0)), packets);
	}
	json_decref(connections);
}

static void the_first_event_tells_all_and_the_next_what_changed(void **state)
{
	struct daemon *daemon = *state;
	struct counter_feed *feed = counter_feed_new(&daemon->service);
	__u32 first = add_connection(daemon, "first", 1);
	__u32 second = add_connection(daemon, "second", 2);

	count(daemon, first, 7);
	assert_told(feed, 2, "first", 7);
	assert_told(feed, 0, NULL, 0);
	count(daemon, second, 1ull << 53);
	assert_told(feed, 1, "second", 1ll << 53);
	add_connection(daemon, "third", 3);
	assert_told(feed, 1, "third", 0);
	assert_told(feed, 0, NULL, 0);
	counter_feed_free(feed);
}

static void without_a_connection_an_event_is_whole(void **state)
{
	struct daemon *daemon = *state;
	struct counter_feed *feed = counter_feed_new(&daemon->service);

	assert_told(feed, 0, NULL, 0);
	counter_feed_free(feed);
}

static void an_event_in_pieces_is_the_same_event(void **state)
{
	static const char quoted[] = "a \"name\" with \\ and \xd7\xa9";
	struct daemon *daemon = *state;
	struct counter_feed *small = counter_feed_new(&daemon->service);
	struct counter_feed *large = counter_feed_new(&daemon->service);
	char longest[129];
	json_t *in_pieces, *at_once;

	memset(longest, '"', 128);
	longest[128] = '\0';
	add_connection(daemon, longest, 1);
	count(daemon, add_connection(daemon, quoted, 2), 12345);
	in_pieces = next_event(small, COUNTER_FEED_ENTRY_MAX);
	at_once = next_event(large, TEXT_MAX / 2);
	assert_int_equal(json_object_size(at_once), 2);
	assert_non_null(json_object_get(at_once, longest));
	assert_non_null(json_object_get(at_once, quoted));
	assert_true(json_equal(in_pieces, at_once));
	json_decref(in_pieces);
	json_decref(at_once);
	counter_feed_free(small);
	counter_feed_free(large);
}

static void what_changes_behind_the_reader_is_in_the_next_event(void **state)
{
	struct daemon *daemon = *state;
	struct counter_feed *feed = counter_feed_new(&daemon->service);
	__u32 first = add_connection(daemon, "first", 1);
	char text[TEXT_MAX] = "";

	add_connection(daemon, "second", 2);
	assert_true(counter_feed_begin(feed));
	while (!strstr(text, "\"first\""))
		counter_feed_read(feed, text + strlen(text), COUNTER_FEED_ENTRY_MAX);
	assert_true(counter_feed_busy(feed));
	count(daemon, first, 3);
	add_connection(daemon, "third", 3);
	read_rest(feed, text, COUNTER_FEED_ENTRY_MAX);
	json_decref(connections_of(text));
	assert_null(strstr(text, "third"));
	assert_told(feed, 2, "first", 3);
	counter_feed_free(feed);
}

static void a_counter_with_a_new_owner_is_told_also_at_zero(void **state)
{
	struct daemon *daemon = *state;
	struct counter_feed *feed = counter_feed_new(&daemon->service);
	__u32 index = add_connection(daemon, "first", 1), again;

	assert_told(feed, 1, "first", 0);
	daemon_post(
		daemon, "/v1/apply?force=true",
		"{\"name\":\"second\",\"partner\":\"Lumen\",\"country\":\"GB\",\"prefixes\":[]}");
	daemon_wait(daemon, daemon_is_ready);
	daemon_run_for(daemon, 100);
	again = add_connection(daemon, "third", 3);
	assert_int_equal(again, index);
	assert_told(feed, 2, "third", 0);
	counter_feed_free(feed);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, daemon_setup, daemon_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(the_first_event_tells_all_and_the_next_what_changed),
		WITH_DAEMON(without_a_connection_an_event_is_whole),
		WITH_DAEMON(an_event_in_pieces_is_the_same_event),
		WITH_DAEMON(what_changes_behind_the_reader_is_in_the_next_event),
		WITH_DAEMON(a_counter_with_a_new_owner_is_told_also_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
