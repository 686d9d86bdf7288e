/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An edge at site sea1 whose alerts are given counters and time by hand; its time passes in looks.
 * Threading: the test's thread.
 */
#ifndef TESTS_UNIT_ALERTS_SCENE_H
#define TESTS_UNIT_ALERTS_SCENE_H

#include "registry_fixture.h"

#include "daemon/alerts.h"

#define LOOK_S	 10
#define SILENT_S 600
#define IDS	 8
#define MINUTE_S 60
#define HOUR_S	 3600

#define LINE(name, more)                                                                           \
	"{\"name\":\"" name "\",\"partner\":\"Lumen\",\"country\":\"GB\",\"prefixes\":[]" more "}\n"
#define OPTED_IN ",\"monitor\":true"
#define AT_HOME	 ",\"primary_site\":\"sea1\",\"backup_site\":\"pdx1\""
#define BACKUP	 ",\"primary_site\":\"pdx1\",\"backup_site\":\"sea1\""

struct scene {
	struct alerts *alerts;
	struct view *view;
	uint64_t now_us;
	uint64_t arrived;
	uint64_t received[IDS];
	uint64_t rate[IDS]; /* packets that come to each id between two looks */
	uint64_t stray;	    /* that come for nobody */
	struct alerts_engine engine;
	char heard[1024];
};

/* `text` is a registry file: ids are given from 1 in its order. */
struct scene *scene_new(const char *text);
void scene_free(struct scene *scene);
/* The registry is another one from here on. */
void scene_show(struct scene *scene, const char *text);

void scene_look(struct scene *scene);
void scene_pass(struct scene *scene, unsigned int seconds);

/* An alerts_tell. */
void scene_hear(void *closure, const struct alerts_note *note);
/* All that was told since the last time: "+NAME(whose)value -NAME(whose)0 ". */
void assert_heard(struct scene *scene, const char *expected);

#endif
