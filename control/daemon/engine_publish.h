/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A publish: on a connection of its own, so that an engine which takes its time, since a table is
 * large or a worker stuck, goes on telling its status meanwhile. It may take as long as it wants;
 * that the engine lives is known from the other connection.
 *
 * Threading: the event loop's thread only.
 */
#ifndef CONTROL_ENGINE_PUBLISH_H
#define CONTROL_ENGINE_PUBLISH_H

#include "engine.h"

/* Leaves a publish that is under way, if any: its answer is not waited for. */
void publish_end(struct engine *engine);

/* In engine.c: notes what the engine says that it holds. */
void engine_hold(struct engine *engine, const struct pt_engine_open *open);

#endif
