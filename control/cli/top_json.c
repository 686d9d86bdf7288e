/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <time.h>

static json_t *rate_json(const struct top_rate *rate)
{
	return json_pack("{s:f, s:f}", "packets_per_second", rate->packets_s, "bits_per_second",
			 rate->bits_s);
}

static json_t *row_json(const struct top *top, const struct top_row *row)
{
	json_t *object = json_object();

	for (enum pt_direction direction = 0; direction < PT_DIRECTIONS; direction++)
		json_object_set_new(object, pt_direction_name(direction),
				    rate_json(&row->rate[direction]));
	json_object_set_new(object, "last_seen_seconds",
			    row->seen_s > 0 ? json_real(top_now() - row->seen_s) : json_null());
	json_object_set_new(object, "reason", json_string(top_reason(top, row)));
	return object;
}

static json_t *engine_json(const struct top_engine *engine)
{
	return json_pack("{s:s, s:b, s:I, s:I}", "name", engine->name, "up", engine->up,
			 "generation", (json_int_t)engine->generation, "desired_generation",
			 (json_int_t)engine->desired_generation);
}

json_t *top_json(const struct top *top)
{
	json_t *connections = json_object(), *engines = json_array();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < top->engine_count; i++)
		json_array_append_new(engines, engine_json(&top->engines[i]));
	for (size_t i = 0; i < top->row_count; i++)
		json_object_set_new(connections, top->rows[i]->name, row_json(top, top->rows[i]));
	return json_pack("{s:f, s:f, s:b, s:b, s:I, s:o, s:o, s:o}", "time",
			 now.tv_sec + now.tv_nsec / 1e9, "seconds", top->interval_s, "reachable",
			 top->reachable, "ready", top->reachable && top->ready, "revision",
			 (json_int_t)top->revision, "engines", engines, "received",
			 rate_json(&top->received), "connections", connections);
}
