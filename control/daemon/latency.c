/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency.h"
#include "latency_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_NS 250000000ull /* behind a window's end, for samples that were under way */

struct latency {
	struct latency_observer observer;
	sd_event_source *timer;
	uint64_t window_ns;
	struct view *view;	     /* the last one; NULL: none yet */
	struct latency_slots wanted; /* its owners */
	struct latency_report *report;
	struct disclosure disclosure;
	struct slot_times slot; /* of the owner who is read */
	size_t source_count;
	struct latency_source sources[]; /* in the order of the engines */
};

/* A window that has ended, while its owners are gone through. */
struct closing {
	struct latency *latency;
	struct ended_window window;
	struct latency_report *report;
	size_t before;	  /* cursor in the report before */
	size_t cursors[]; /* in the slots of the sources */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Reads the owner's slot from all engines. False: none has it for all of the window. */
static bool read_owner(struct closing *closing, const struct latency_owner *owner)
{
	struct latency *latency = closing->latency;
	struct slot_times *slot = &latency->slot;
	bool measured = false;

	memset(&slot->times, 0, sizeof(slot->times));
	memset(slot->hosts, 0, latency->source_count * sizeof(*slot->hosts));
	for (size_t i = 0; i < latency->source_count; i++)
		measured |=
			latency_source_read(&latency->sources[i], &closing->window, owner,
					    &closing->cursors[i], &slot->times, &slot->hosts[i]);
	return measured;
}

static struct latency_entry *add_entry(struct closing *closing, const struct latency_owner *owner)
{
	return latency_report_add(closing->report, closing->latency->report, &closing->before,
				  owner);
}

/* The slots of one connection, from `at` on. Returns where the next one's begin. */
static size_t close_connection(struct closing *closing, size_t at)
{
	struct latency *latency = closing->latency;
	const struct latency_slots *wanted = &latency->wanted;
	struct latency_owner whole = {.connection = wanted->items[at].owner.connection};
	struct latency_entry *entry = add_entry(closing, &whole);
	bool any_measured = false;

	disclosure_begin(&latency->disclosure);
	for (; at < wanted->count; at++) {
		const struct latency_owner *owner = &wanted->items[at].owner;
		bool measured, published;

		if (owner->connection != whole.connection)
			break;
		measured = read_owner(closing, owner);
		published = disclosure_add(&latency->disclosure, &latency->slot);
		any_measured |= measured;
		if (owner->prefix.family)
			latency_report_fill(closing->report, add_entry(closing, owner), measured,
					    published ? &latency->slot.times : NULL);
	}
	latency_report_fill(closing->report, entry, any_measured,
			    disclosure_end(&latency->disclosure));
	return at;
}

/* The report that the window makes, or NULL without memory. */
static struct latency_report *make_report(struct latency *latency,
					  const struct ended_window *window)
{
	struct closing *closing =
		calloc(1, sizeof(*closing) + latency->source_count * sizeof(size_t));
	struct latency_report *report;

	if (!closing)
		return NULL;
	closing->latency = latency;
	closing->window = *window;
	/* No more connections than slots. */
	closing->report = latency_report_new(2 * latency->wanted.count);
	for (size_t at = 0; closing->report && at < latency->wanted.count;)
		at = close_connection(closing, at);
	report = closing->report;
	free(closing);
	return report;
}

static void tell(const struct latency *latency)
{
	const struct latency_observer *observer = &latency->observer;
	const struct latency_report *report = latency->report;

	for (size_t i = 0; observer->closed && i < report->count; i++) {
		const struct latency_entry *entry = &report->entries[i];

		if (!entry->owner.prefix.family && entry->last.samples)
			observer->closed(observer->closure,
					 view_find_id(latency->view, entry->owner.connection),
					 entry->last.p90);
	}
	if (report->count)
		observer->ended(observer->closure, report->published,
				report->count - report->published);
}

/*
 * Where it took so long to get here that the window after the next has begun, what was read may be
 * of that one, and nothing is taken of it.
 */
static void latency_close(struct latency *latency, const struct ended_window *window)
{
	struct latency_report *report = make_report(latency, window);
	uint64_t end_ns = window->start_ns + latency->window_ns;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!report || now_ns >= end_ns + latency->window_ns) {
		latency_report_unref(report);
		return;
	}
	report->end_time = (double)(clock_ns(CLOCK_REALTIME) - (now_ns - end_ns)) / 1e9;
	latency_report_unref(latency->report);
	latency->report = report;
	for (size_t i = 0; i < latency->source_count; i++)
		latency_source_count_lost(&latency->sources[i]);
	tell(latency);
}

/* The window whose end, and the time to settle, were last passed has this number less one. */
static uint64_t windows_settled(const struct latency *latency)
{
	return (clock_ns(CLOCK_MONOTONIC) - SETTLE_NS) / latency->window_ns;
}

static int arm(struct latency *latency)
{
	uint64_t next_ns = (windows_settled(latency) + 1) * latency->window_ns + SETTLE_NS;
	int r = sd_event_source_set_time(latency->timer, next_ns / 1000 + 1);

	return r < 0 ? r : sd_event_source_set_enabled(latency->timer, SD_EVENT_ONESHOT);
}

static int window_ended(sd_event_source *timer, uint64_t usec, void *userdata)
{
	struct latency *latency = userdata;
	struct ended_window window = {.number = windows_settled(latency) - 1};

	(void)timer;
	(void)usec;
	window.start_ns = window.number * latency->window_ns;
	latency_close(latency, &window);
	return arm(latency);
}

static int latency_start(struct latency *latency, sd_event *loop, unsigned min_hosts)
{
	int r = disclosure_init(&latency->disclosure, latency->source_count, min_hosts);

	latency->report = latency_report_new(0);
	latency->slot.hosts = calloc(latency->source_count + 1, sizeof(*latency->slot.hosts));
	if (r == 0 && (!latency->report || !latency->slot.hosts))
		r = -ENOMEM;
	if (r == 0)
		r = sd_event_add_time(loop, &latency->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000,
				      window_ended, latency);
	return r < 0 ? r : arm(latency);
}

int latency_new(sd_event *loop, const struct pt_config *config, const struct engines *engines,
		const struct latency_observer *observer, struct latency **ret_latency)
{
	size_t count = engines_count(engines);
	struct latency *latency = calloc(1, sizeof(*latency) + count * sizeof(*latency->sources));
	int r;

	if (!latency)
		return -ENOMEM;
	latency->observer = *observer;
	latency->window_ns = config->latency_window_s * 1000000000ull;
	latency->source_count = count;
	for (size_t i = 0; i < count; i++) {
		latency->sources[i].engine = engines_at(engines, i);
		latency->sources[i].window_ns = latency->window_ns;
	}
	r = latency_start(latency, loop, config->latency_min_hosts);
	if (r < 0) {
		latency_free(latency);
		return r;
	}
	*ret_latency = latency;
	return 0;
}

void latency_free(struct latency *latency)
{
	if (!latency)
		return;
	for (size_t i = 0; i < latency->source_count; i++)
		latency_source_done(&latency->sources[i]);
	sd_event_source_disable_unref(latency->timer);
	latency_slots_done(&latency->wanted);
	view_unref(latency->view);
	latency_report_unref(latency->report);
	disclosure_done(&latency->disclosure);
	free(latency->slot.hosts);
	free(latency);
}

/* Without memory nobody's times are published until the next view. */
void latency_set_view(struct latency *latency, struct view *view)
{
	view_unref(latency->view);
	latency->view = view_ref(view);
	latency_slots_done(&latency->wanted);
	latency_slots_init(&latency->wanted, view, 0);
}

/* The engine is one of those that there were from the start. */
static size_t source_index(const struct latency *latency, const struct engine *engine)
{
	size_t index = 0;

	while (latency->sources[index].engine != engine)
		index++;
	return index;
}

void latency_engine_publishing(struct latency *latency, const struct engine *engine)
{
	latency_source_sending(&latency->sources[source_index(latency, engine)], latency->view);
}

void latency_engine_changed(struct latency *latency, const struct engine *engine)
{
	latency_source_changed(&latency->sources[source_index(latency, engine)], latency->view,
			       clock_ns(CLOCK_MONOTONIC));
}

struct latency_report *latency_report(const struct latency *latency)
{
	return latency->report;
}

bool latency_is_measured(const struct latency *latency)
{
	for (size_t i = 0; i < latency->source_count; i++)
		if (latency_source_measures(&latency->sources[i]))
			return true;
	return false;
}

uint64_t latency_samples_lost(const struct latency *latency, const struct engine *engine)
{
	return latency->sources[source_index(latency, engine)].lost;
}
