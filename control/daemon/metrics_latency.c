/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_latency.h"

/* Behind the buckets. */
#define LINE_SUM   (HISTOGRAM_BOUNDS + 1)
#define LINE_COUNT (HISTOGRAM_BOUNDS + 2)

_Static_assert(LINE_COUNT + 1 == CHECK_LATENCY_SERIES, "the ceiling on series counts these");

static const char *family_name(const struct latency_lines *lines)
{
	return lines->of_prefixes ? "peertag_prefix_rtt_seconds" : "peertag_connection_rtt_seconds";
}

static void write_announcement(struct line *line, const struct latency_lines *lines)
{
	line_text(line, "# HELP ");
	line_text(line, family_name(lines));
	line_text(line, lines->of_prefixes
				? " Round-trip times to the hosts of a selected prefix.\n"
				: " Round-trip times to the customer's hosts, of all that is "
				  "selected.\n");
	line_text(line, "# TYPE ");
	line_text(line, family_name(lines));
	line_text(line, " histogram\n");
}

static void write_labels(struct line *line, const struct latency_lines *lines,
			 const struct latency_entry *entry)
{
	char prefix[PREFIX_TEXT_SIZE];

	line_pair(line, "{connection=\"", lines->connection->name);
	if (lines->of_prefixes)
		line_pair(line, ",prefix=\"", prefix_format(&entry->owner.prefix, prefix));
}

static void write_bucket(struct line *line, struct latency_lines *lines,
			 const struct latency_entry *entry)
{
	lines->samples += entry->total.count[lines->bucket];
	line_text(line, "_bucket");
	write_labels(line, lines, entry);
	line_pair(line, ",le=\"", buckets_bound(lines->bucket));
	line_text(line, "} ");
	line_number(line, lines->samples);
}

static void write_sum(struct line *line, const struct latency_lines *lines,
		      const struct latency_entry *entry)
{
	line_text(line, "_sum");
	write_labels(line, lines, entry);
	line_text(line, "} ");
	line_fraction(line, entry->total.sum_ns, 1000000000);
}

static void write_count(struct line *line, const struct latency_lines *lines,
			const struct latency_entry *entry)
{
	line_text(line, "_count");
	write_labels(line, lines, entry);
	line_text(line, "} ");
	line_number(line, lines->samples);
}

/* One line of the entry; behind its last the next entry is looked for. */
static void write_sample(struct line *line, struct latency_lines *lines)
{
	const struct latency_entry *entry = &lines->report->entries[lines->entry];

	line_text(line, family_name(lines));
	if (lines->bucket == LINE_SUM)
		write_sum(line, lines, entry);
	else if (lines->bucket == LINE_COUNT)
		write_count(line, lines, entry);
	else
		write_bucket(line, lines, entry);
	*line->pos++ = '\n';
	if (lines->bucket++ < LINE_COUNT)
		return;
	lines->bucket = 0;
	lines->samples = 0;
	lines->connection = NULL;
	lines->entry++;
}

static bool in_family(const struct latency_lines *lines, const struct latency_entry *entry)
{
	return lines->of_prefixes == (entry->owner.prefix.family != 0);
}

/* Goes on to the next entry that has something to be written. False: there is none. */
static bool find_entry(struct latency_lines *lines)
{
	for (; !lines->connection && lines->entry < lines->report->count; lines->entry++) {
		const struct latency_entry *entry = &lines->report->entries[lines->entry];

		if (in_family(lines, entry))
			lines->connection = latency_report_exports(lines->view, entry);
		if (lines->connection)
			break;
	}
	return lines->connection;
}

bool latency_lines_next(struct latency_lines *lines, struct line *line)
{
	if (!lines->announced) {
		write_announcement(line, lines);
		lines->announced = true;
	} else if (find_entry(lines)) {
		write_sample(line, lines);
	} else if (!lines->of_prefixes) {
		lines->of_prefixes = true;
		lines->announced = false;
		lines->entry = 0;
	} else {
		return false;
	}
	return true;
}

uint64_t latency_lines_series(const struct latency_report *report, const struct view *view)
{
	uint64_t series = 0;

	for (size_t i = 0; i < report->count; i++)
		if (latency_report_exports(view, &report->entries[i]))
			series += CHECK_LATENCY_SERIES;
	return series;
}
