/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void series_add(struct series *series, double value)
{
	if (series->count < ROUNDS_MAX)
		series->values[series->count++] = value;
}

struct series series_minus(const struct series *a, const struct series *b)
{
	struct series difference = {};

	for (unsigned int i = 0; i < a->count && i < b->count; i++)
		series_add(&difference, a->values[i] - b->values[i]);
	return difference;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct series series_sorted(const struct series *series)
{
	struct series sorted = *series;

	qsort(sorted.values, sorted.count, sizeof(*sorted.values), double_compare);
	return sorted;
}

static double sorted_median(const struct series *sorted)
{
	unsigned int count = sorted->count;

	return count ? (sorted->values[count / 2] + sorted->values[(count - 1) / 2]) / 2 : 0;
}

double series_median(const struct series *series)
{
	struct series sorted = series_sorted(series);

	return sorted_median(&sorted);
}

double series_ratio(const struct series *a, const struct series *b)
{
	struct series ratios = {};
	double median;

	for (unsigned int i = 0; i < a->count && i < b->count; i++)
		if (b->values[i] > 0)
			series_add(&ratios, a->values[i] / b->values[i]);
	median = series_median(&ratios);
	return median > 0 ? median : 0;
}

static json_t *figure_json(const struct series *series)
{
	struct series sorted = series_sorted(series);

	return json_pack("{s:f,s:f,s:f}", "median", sorted_median(&sorted), "min", sorted.values[0],
			 "max", sorted.values[sorted.count - 1]);
}

static double item_ratio(const struct item *item)
{
	if (!item->peer || strcmp(item->kind, "peer"))
		return 0;
	return item->more ? series_ratio(item->ours, item->peer_value)
			  : series_ratio(item->peer_value, item->ours);
}

static json_t *item_case(const struct item *item)
{
	const char *parts[] = {item->workload->name, item->stream, item->what};
	char text[128] = "";

	for (int i = 0; i < 3; i++) {
		size_t used = strlen(text);

		if (parts[i])
			snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
				 parts[i]);
	}
	return json_string(text);
}

static void series_print(const char *name, const struct series *series)
{
	struct series sorted = series_sorted(series);

	fprintf(stderr, "  %s %.2f (%.2f to %.2f)", name, sorted_median(&sorted), sorted.values[0],
		sorted.values[sorted.count - 1]);
}

static void item_print(const struct item *item, const char *name, double ratio)
{
	fprintf(stderr, "%s, %s [%s]:", item->bench, name, item->unit);
	series_print(item->ours_name, item->ours);
	if (item->peer)
		series_print(item->peer, item->peer_value);
	if (ratio > 0)
		fprintf(stderr, "  ratio %.2f", ratio);
	fputc('\n', stderr);
}

void item_add(json_t *items, const struct item *item)
{
	const struct workload *workload = item->workload;
	json_t *json =
		json_pack("{s:s,s:o,s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:o}", "bench", item->bench,
			  "case", item_case(item), "kind", item->kind, "unit", item->unit, "family",
			  workload->family == PT_IPV4 ? "ipv4" : "ipv6", "prefixes",
			  (int)workload->count, "classes", (int)workload->classes, "cores",
			  item->cores ? item->cores : 1, "better", item->more ? "more" : "less",
			  "ours_name", item->ours_name, "ours", figure_json(item->ours));
	double ratio = item_ratio(item);

	if (item->stream)
		json_object_set_new(json, "stream", json_string(item->stream));
	if (item->peer) {
		json_object_set_new(json, "peer", json_string(item->peer));
		json_object_set_new(json, "peer_value", figure_json(item->peer_value));
	}
	if (ratio > 0)
		json_object_set_new(json, "ratio", json_real(ratio));
	item_print(item, json_string_value(json_object_get(json, "case")), ratio);
	json_array_append_new(items, json);
}

void items_finish(json_t *items)
{
	json_dumpf(items, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	puts("");
	json_decref(items);
}
