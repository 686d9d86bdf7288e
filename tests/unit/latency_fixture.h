/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times for the daemon of daemon_fixture.h, in windows of a second: written as an
 * engine's packet path would, and read as clients do.
 *
 * Threading: the test's thread.
 */
#ifndef PEERTAG_TESTS_LATENCY_FIXTURE_H
#define PEERTAG_TESTS_LATENCY_FIXTURE_H

#include "daemon_fixture.h"

#define WINDOW_MS 1000
#define MS	  1000000ull

#define SELECTED(prefix) "{\"prefix\":\"" prefix "\",\"latency\":true}"
#define CUSTOMER(name, prefixes)                                                                   \
	"{\"name\":\"" name "\",\"partner\":\"Lumen\",\"country\":\"GB\","                         \
	"\"prefixes\":[" prefixes "]}"
#define EAST CUSTOMER("east", SELECTED("203.0.113.0/24") "," SELECTED("198.51.100.0/24"))

#define TEST(name) cmocka_unit_test_setup_teardown(name, daemon_setup, daemon_teardown)

/* The number of the window that is now. */
uint32_t window_now(void);
/* Runs the daemon until a window has just begun. Returns its number. */
uint32_t window_begin(struct daemon *daemon);
/* Until the window has been closed. */
void window_close(struct daemon *daemon, uint32_t number);

void register_customer(struct daemon *daemon, const char *document);

/* The slot of a prefix, or of the connection itself (NULL), in the set that is desired. */
uint32_t slot_of(const struct daemon *daemon, const char *name, const char *cidr);
/* A sample of each of `hosts` hosts, in both lanes. */
void measure(const struct daemon *daemon, uint32_t slot, unsigned hosts, uint64_t rtt_ns,
	     uint32_t number);

/* Of the answer to GET. */
void answer_has(struct daemon *daemon, const char *path, const char *part);
void answer_lacks(struct daemon *daemon, const char *path, const char *part);

#endif
