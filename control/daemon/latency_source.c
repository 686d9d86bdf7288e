/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency_source.h"

#include <string.h>

void latency_source_done(struct latency_source *source)
{
	latency_slots_done(&source->slots);
	view_unref(source->sent);
}

void latency_source_sending(struct latency_source *source, struct view *view)
{
	struct latency_slots slots;

	source->unanswered |= source->sent != NULL;
	view_unref(source->sent);
	source->sent = view_ref(view);
	if (latency_slots_init(&slots, view, 0) < 0) {
		latency_slots_done(&source->slots); /* whose they are, nobody knows */
		return;
	}
	latency_slots_doubt(&source->slots, &slots);
	latency_slots_done(&slots);
}

static void sent_done(struct latency_source *source)
{
	view_unref(source->sent);
	source->sent = NULL;
}

static bool set_is_of(const struct pt_engine_set *set, const struct view *view)
{
	return view && set->generation == view->generation && set->checksum == view->checksum &&
	       !memcmp(set->registry, view->uuid, sizeof(set->registry));
}

/* The engine holds another set than before: that of `view`, or of nobody whom we know. */
static void take_set(struct latency_source *source, const struct view *view, uint64_t now_ns)
{
	struct latency_slots held = {};

	if (view)
		latency_slots_init(&held, view, now_ns); /* without memory, nobody's */
	latency_slots_replace(&source->slots, &held);
	source->set = source->engine->held.set;
	source->unanswered = false;
	sent_done(source);
}

void latency_source_changed(struct latency_source *source, const struct view *view, uint64_t now_ns)
{
	const struct pt_engine_set *held = &source->engine->held.set;
	const struct view *sent = source->sent;

	if (!source->lost_known)
		latency_source_count_lost(source);
	if (sent && source->engine->refused_generation == sent->generation) {
		if (!source->unanswered)
			latency_slots_trust(&source->slots);
		sent_done(source);
		return;
	}
	if (!memcmp(held, &source->set, sizeof(*held)))
		return;
	if (set_is_of(held, sent))
		take_set(source, sent, now_ns);
	else
		take_set(source, set_is_of(held, view) ? view : NULL, now_ns);
}

bool latency_source_measures(const struct latency_source *source)
{
	const struct pt_latency *memory = &source->engine->latency;

	return memory->lanes && memory->window_ms * 1000000ull == source->window_ns;
}

/* What a lane has of the slot. */
static void read_lane(const struct pt_latency_lane *lane, uint32_t index, uint32_t number,
		      struct histogram *times, struct host_set *hosts)
{
	const struct pt_latency_window *window =
		&lane->slots[index].windows[number % PT_LATENCY_WINDOWS];

	if (window->number != number)
		return;
	for (size_t word = 0; word < PT_LATENCY_HOST_WORDS; word++)
		hosts->words[word] |= window->hosts[word];
	histogram_add_bins(times, window->bins);
}

bool latency_source_read(const struct latency_source *source, const struct ended_window *window,
			 const struct latency_owner *owner, size_t *cursor, struct histogram *times,
			 struct host_set *hosts)
{
	const struct pt_latency *memory = &source->engine->latency;
	const struct owned_slot *owned = latency_slots_next(&source->slots, cursor, owner);

	if (!owned || owned->doubtful || owned->since_ns > window->start_ns ||
	    !latency_source_measures(source) || owned->index >= memory->slots)
		return false;
	for (uint32_t i = 0; i < memory->lane_count; i++)
		read_lane(pt_latency_lane(memory, i), owned->index, (uint32_t)window->number, times,
			  hosts);
	return true;
}

void latency_source_count_lost(struct latency_source *source)
{
	const struct pt_latency *memory = &source->engine->latency;
	uint64_t lost = 0;

	if (!memory->lanes)
		return;
	for (uint32_t i = 0; i < memory->lane_count; i++)
		lost += pt_latency_lane(memory, i)->lost;
	source->lost = lost;
	source->lost_known = true;
}
