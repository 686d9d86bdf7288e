/* SPDX-License-Identifier: BSD-3-Clause */
#include "items.h"

#include <stdio.h>
#include <string.h>

static json_t *figure_json(const struct figure *figure)
{
	return figure ? json_pack("{s:f,s:f,s:f}", "median", figure->median, "min", figure->min,
				  "max", figure->max)
		      : json_null();
}

/* An item without its values. */
static json_t *item_add(json_t *items, const struct workload *workload, const char *bench,
			const char *kind, const char *unit)
{
	json_t *item = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i}", "bench", bench, "case", workload->name,
		"kind", kind, "unit", unit, "family", workload->family == PT_IPV4 ? "ipv4" : "ipv6",
		"set", workload->random ? "random" : "real", "prefixes", (int)workload->count,
		"classes", (int)workload->classes, "cores", 1);

	json_array_append_new(items, item);
	return item;
}

/* Either may be missing; the ratio is for where there are both. */
static void item_set(json_t *item, const char *our_name, const struct figure *ours,
		     const char *peer_name, const struct figure *peer, double ratio)
{
	json_object_set_new(item, "ours", figure_json(ours));
	if (our_name)
		json_object_set_new(item, "ours_name", json_string(our_name));
	if (!peer)
		return;
	json_object_set_new(item, "peer", json_string(peer_name));
	json_object_set_new(item, "peer_value", figure_json(peer));
	if (ratio > 0)
		json_object_set_new(item, "ratio", json_real(ratio));
}

/* What is known of a structure, apart from its lookups. */
enum cost {
	COST_BUILD,
	COST_MEMORY,
	COST_CHANGE,
	COSTS,
};
static const struct {
	const char *bench, *unit;
} costs[COSTS] = {{"build", "ms"}, {"memory", "MiB"}, {"change", "us"}};

static struct figure contender_cost(const struct contender *contender, enum cost cost)
{
	double mib = contender->bytes / (1 << 20);

	switch (cost) {
	case COST_BUILD:
		return contender->build_ms;
	case COST_CHANGE:
		return contender->change_us;
	case COST_MEMORY:
	case COSTS:
		break;
	}
	return (struct figure){mib, mib, mib};
}

void items_add_structures(json_t *items, const struct contest *contest)
{
	const struct contender *ours = contest_our_structure(contest);

	for (int cost = 0; cost < COSTS; cost++)
		for (int i = 0; i < contest->contender_count; i++) {
			const struct contender *peer = &contest->contenders[i];
			struct figure our_cost = {}, peer_cost = contender_cost(peer, cost);

			if (peer->structure->ours || peer_cost.median <= 0)
				continue;
			if (ours)
				our_cost = contender_cost(ours, cost);
			item_set(item_add(items, contest->workload, costs[cost].bench, "peer",
					  costs[cost].unit),
				 ours ? ours->structure->name : NULL,
				 our_cost.median > 0 ? &our_cost : NULL, peer->structure->name,
				 &peer_cost,
				 our_cost.median > 0 ? peer_cost.median / our_cost.median : 0);
		}
}

void items_add_lookups(json_t *items, const struct contest *contest, enum stream_kind kind,
		       double hits)
{
	const struct entrant *ours = contest_ours(contest);

	for (int i = 0; i < contest->entrant_count; i++) {
		const struct entrant *entrant = &contest->entrants[i];
		bool our_way = entrant->contender && entrant->contender->structure->ours;
		const char *item_kind = our_way ? "scale" : (entrant->contender ? "peer" : "floor");
		json_t *item = item_add(items, contest->workload, "lookup", item_kind, "ns");

		json_object_set_new(
			item, "case",
			json_sprintf("%s %s", contest->workload->name, stream_name(kind)));
		json_object_set_new(item, "stream", json_string(stream_name(kind)));
		json_object_set_new(item, "hit_ratio", json_real(hits));
		if (our_way)
			item_set(item, entrant->name, &entrant->figure, NULL, NULL, 0);
		else
			item_set(item, ours ? ours->name : NULL, ours ? &ours->figure : NULL,
				 entrant->name, &entrant->figure,
				 ours && entrant->contender ? contest_ratio(contest, ours, entrant)
							    : 0);
	}
}

void items_print_structures(const struct contest *contest)
{
	const struct workload *workload = contest->workload;

	fprintf(stderr, "\n%s: %u prefixes, %u classes\n", workload->name, workload->count,
		workload->classes);
	for (int i = 0; i < contest->contender_count; i++) {
		const struct contender *contender = &contest->contenders[i];
		const struct figure *change = &contender->change_us;

		fprintf(stderr, "  %-24s build %9.2f ms  memory %8.2f MiB",
			contender->structure->name, contender->build_ms.median,
			contender->bytes / (1 << 20));
		if (contender->structure->change)
			fprintf(stderr, "  change %8.2f us (%.2f to %.2f)", change->median,
				change->min, change->max);
		fputc('\n', stderr);
	}
}

void items_print_lookups(const struct contest *contest, enum stream_kind kind, double hits)
{
	const struct entrant *ours = contest_ours(contest);

	fprintf(stderr, "  %s, %.1f %% hit: ns a lookup, %u rounds\n", stream_name(kind),
		hits * 100, contest->rounds);
	for (int i = 0; i < contest->entrant_count; i++) {
		const struct entrant *entrant = &contest->entrants[i];
		const struct figure *figure = &entrant->figure;

		fprintf(stderr, "    %-24s %8.2f  (%.2f to %.2f)", entrant->name, figure->median,
			figure->min, figure->max);
		if (ours && ours != entrant && entrant->contender)
			fprintf(stderr, "  %.2f times ours", contest_ratio(contest, ours, entrant));
		fputc('\n', stderr);
	}
}
