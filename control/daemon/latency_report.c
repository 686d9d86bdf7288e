/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency_report.h"

#include <stdlib.h>

struct latency_report *latency_report_new(size_t capacity)
{
	struct latency_report *report =
		calloc(1, sizeof(*report) + capacity * sizeof(struct latency_entry));

	if (report)
		report->references = 1;
	return report;
}

struct latency_report *latency_report_ref(struct latency_report *report)
{
	report->references++;
	return report;
}

void latency_report_unref(struct latency_report *report)
{
	if (report && --report->references == 0)
		free(report);
}

struct latency_entry *latency_report_add(struct latency_report *report,
					 const struct latency_report *before, size_t *cursor,
					 const struct latency_owner *owner)
{
	struct latency_entry *entry = &report->entries[report->count++];
	int order = -1;

	entry->owner = *owner;
	while (*cursor < before->count &&
	       (order = latency_owner_compare(&before->entries[*cursor].owner, owner)) < 0)
		(*cursor)++;
	if (*cursor < before->count && order == 0)
		entry->total = before->entries[*cursor].total;
	return entry;
}

static void add_up(struct buckets *total, const struct buckets *more)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		total->count[i] += more->count[i];
	total->sum_ns += more->sum_ns;
}

/* Bins go to a bucket window by window, so that a bucket never has less than it had. */
void latency_report_fill(struct latency_report *report, struct latency_entry *entry, bool measured,
			 const struct histogram *times)
{
	struct latency_figures *last = &entry->last;

	entry->measured = measured;
	last->samples = times ? histogram_samples(times) : 0;
	if (!last->samples)
		return;
	last->p50 = histogram_quantile_ns(times, 0.5) / 1e9;
	last->p90 = histogram_quantile_ns(times, 0.9) / 1e9;
	last->p99 = histogram_quantile_ns(times, 0.99) / 1e9;
	last->mean = histogram_mean_ns(times) / 1e9;
	buckets_add(&last->buckets, times);
	add_up(&entry->total, &last->buckets);
	report->published++;
}

static int compare_entry(const void *key, const void *element)
{
	const struct latency_entry *entry = element;

	return latency_owner_compare(key, &entry->owner);
}

const struct latency_entry *latency_report_find(const struct latency_report *report,
						const struct latency_owner *owner)
{
	return bsearch(owner, report->entries, report->count, sizeof(report->entries[0]),
		       compare_entry);
}

static bool still_selected(const struct connection *connection, const struct prefix *prefix)
{
	const struct connection_prefix *own = connection_find_prefix(connection, prefix);

	return own && own->latency;
}

const struct connection *latency_report_exports(const struct view *view,
						const struct latency_entry *entry)
{
	const struct connection *connection;

	if (!buckets_samples(&entry->total))
		return NULL;
	connection = view_find_id(view, entry->owner.connection);
	if (!connection || !entry->owner.prefix.family)
		return connection;
	return still_selected(connection, &entry->owner.prefix) ? connection : NULL;
}
