/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "latency_fixture.h"
#include "registry/compile.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t window_now(void)
{
	return pt_latency_number(now_ns(), WINDOW_MS);
}

uint32_t window_begin(struct daemon *daemon)
{
	uint32_t before = window_now();

	while (window_now() == before)
		daemon_step(daemon);
	return before + 1;
}

void window_close(struct daemon *daemon, uint32_t number)
{
	while (now_ns() < (number + 1) * WINDOW_MS * MS + 400 * MS)
		daemon_step(daemon);
}

uint32_t slot_of(const struct daemon *daemon, const char *name, const char *cidr)
{
	const struct compiled *compiled = daemon->service.view->compiled;
	char text[PREFIX_TEXT_SIZE];

	for (uint32_t i = 0; i < compiled->slot_count; i++) {
		const struct latency_slot *slot = &compiled->slots[i];

		if (strcmp(slot->connection->name, name) || !slot->prefix != !cidr)
			continue;
		if (!cidr || !strcmp(prefix_format(slot->prefix, text), cidr))
			return i + 1;
	}
	fail_msg("%s has no slot", cidr);
	return 0;
}

void measure(const struct daemon *daemon, uint32_t slot, unsigned hosts, uint64_t rtt_ns,
	     uint32_t number)
{
	size_t lane_bytes = pt_latency_lane_bytes(LATENCY_SLOTS);
	char *lanes = mmap(NULL, LATENCY_LANES * lane_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   daemon->engine->latency, 0);

	assert_ptr_not_equal(lanes, MAP_FAILED);
	for (unsigned host = 0; host < hosts; host++)
		pt_latency_add((void *)(lanes + host % LATENCY_LANES * lane_bytes), LATENCY_SLOTS,
			       slot, slot * 40 + host, rtt_ns, number);
	munmap(lanes, LATENCY_LANES * lane_bytes);
}

void register_customer(struct daemon *daemon, const char *document)
{
	daemon_post(daemon, "/v1/connections", document);
	daemon_wait(daemon, daemon_is_ready);
}

void answer_has(struct daemon *daemon, const char *path, const char *part)
{
	char *text = daemon_get(daemon, path, NULL);

	assert_has(text, part);
	free(text);
}

void answer_lacks(struct daemon *daemon, const char *path, const char *part)
{
	char *text = daemon_get(daemon, path, NULL);

	if (strstr(text, part))
		fail_msg("%s\nis in\n%s", part, text);
	free(text);
}
