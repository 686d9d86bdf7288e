/* SPDX-License-Identifier: BSD-3-Clause */
#include "disclosure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned count_hosts(const struct host_set *hosts)
{
	unsigned count = 0;

	for (size_t i = 0; i < PT_LATENCY_HOST_WORDS; i++)
		count += __builtin_popcountll(hosts->words[i]);
	return count;
}

static bool enough_hosts(const struct disclosure *disclosure, const struct host_set *by_engine)
{
	for (size_t i = 0; i < disclosure->engines; i++)
		if (count_hosts(&by_engine[i]) >= disclosure->min_hosts)
			return true;
	return false;
}

int disclosure_init(struct disclosure *disclosure, size_t engines, unsigned min_hosts)
{
	*disclosure = (struct disclosure){.min_hosts = min_hosts, .engines = engines};
	disclosure->withheld_hosts = calloc(engines + 1, sizeof(*disclosure->withheld_hosts));
	return disclosure->withheld_hosts ? 0 : -ENOMEM;
}

void disclosure_done(struct disclosure *disclosure)
{
	free(disclosure->withheld_hosts);
}

void disclosure_begin(struct disclosure *disclosure)
{
	memset(&disclosure->published, 0, sizeof(disclosure->published));
	memset(&disclosure->withheld, 0, sizeof(disclosure->withheld));
	memset(disclosure->withheld_hosts, 0,
	       disclosure->engines * sizeof(*disclosure->withheld_hosts));
}

bool disclosure_add(struct disclosure *disclosure, const struct slot_times *slot)
{
	if (enough_hosts(disclosure, slot->hosts)) {
		histogram_add(&disclosure->published, &slot->times);
		return true;
	}
	histogram_add(&disclosure->withheld, &slot->times);
	for (size_t i = 0; i < disclosure->engines; i++)
		for (size_t word = 0; word < PT_LATENCY_HOST_WORDS; word++)
			disclosure->withheld_hosts[i].words[word] |= slot->hosts[i].words[word];
	return false;
}

const struct histogram *disclosure_end(struct disclosure *disclosure)
{
	if (enough_hosts(disclosure, disclosure->withheld_hosts))
		histogram_add(&disclosure->published, &disclosure->withheld);
	return histogram_samples(&disclosure->published) ? &disclosure->published : NULL;
}
