/* SPDX-License-Identifier: BSD-3-Clause */
#include "alerts_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scene_hear(void *closure, const struct alerts_note *note)
{
	struct scene *scene = closure;
	size_t length = strlen(scene->heard);

	snprintf(scene->heard + length, sizeof(scene->heard) - length, "%c%s(%s)%g ",
		 note->firing ? '+' : '-', alert_name(note->kind),
		 note->connection ? note->connection->name
		 : note->engine	  ? note->engine
				  : "",
		 note->value);
}

static uint64_t scene_received(void *closure, const struct connection *connection)
{
	return ((struct scene *)closure)->received[connection->id];
}

void scene_show(struct scene *scene, const char *text)
{
	uint64_t revision = scene->view ? scene->view->revision : 0;

	view_unref(scene->view);
	scene->view = fixture_view(text);
	scene->view->revision = revision + 1;
}

struct scene *scene_new(const char *text)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->alerts = alerts_new(&(struct alerts_settings){
		.site = "sea1",
		.silent_after_us = SILENT_S * ALERT_SECOND_US,
		.max_connections = 10,
		.max_prefixes = 100,
		.engine_count = 1,
		.tell = scene_hear,
		.closure = scene,
	});
	assert_non_null(scene->alerts);
	scene->now_us = 5 * ALERT_SECOND_US;
	scene->stray = 1;
	scene->engine = (struct alerts_engine){.name = "xdp", .up = true, .current = true};
	scene_show(scene, text);
	return scene;
}

void scene_free(struct scene *scene)
{
	alerts_free(scene->alerts);
	view_unref(scene->view);
	free(scene);
}

void scene_look(struct scene *scene)
{
	scene->now_us += LOOK_S * ALERT_SECOND_US;
	scene->arrived += scene->stray;
	for (size_t id = 0; id < IDS; id++) {
		scene->received[id] += scene->rate[id];
		scene->arrived += scene->rate[id];
	}
	alerts_evaluate(scene->alerts, &(struct alerts_look){
					       .now_us = scene->now_us,
					       .view = scene->view,
					       .arrived = scene->arrived,
					       .engines = &scene->engine,
					       .received = scene_received,
					       .closure = scene,
				       });
}

void scene_pass(struct scene *scene, unsigned int seconds)
{
	for (; seconds >= LOOK_S; seconds -= LOOK_S)
		scene_look(scene);
}

void assert_heard(struct scene *scene, const char *expected)
{
	assert_string_equal(scene->heard, expected);
	scene->heard[0] = '\0';
}
