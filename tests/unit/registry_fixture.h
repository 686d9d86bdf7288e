/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the registry core share: a directory, texts as input, expected errors. */
#ifndef TESTS_UNIT_REGISTRY_FIXTURE_H
#define TESTS_UNIT_REGISTRY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/registry.h"

/* A fresh directory, and a path in it; valid until the next call of either. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
const char *fixture_path(const char *name);

/* Real data: $PEERTAG_DATA or ../shared/data; skips the test where it is absent. */
const char *fixture_data(const char *name);

/* @text is a registry file. */
void fixture_input(const char *text, struct input *ret_input);
/* The view of a file without errors; view_unref() when done. */
struct view *fixture_view(const char *text);
void fixture_file(const char *path, const void *bytes, size_t size);

/* The number of errors with that code, and with that connection and prefix unless these are NULL.
 */
size_t fixture_count(const struct error_list *list, enum error_code code, const char *connection,
		     const char *prefix);

/* Opens the registry at fixture_path("registry.db"); fails the test if that fails. */
struct registry *fixture_open(const struct registry_settings *settings);

/* Each must succeed, and leaves the result's numbers in @ret_result (may be NULL). */
void fixture_apply(struct registry *registry, const char *text, bool force,
		   struct registry_result *ret_result);
void fixture_add(struct registry *registry, const char *text);

/* Must be refused with exactly one error, of this code. */
void fixture_apply_refused(struct registry *registry, const char *text, enum error_code code);

uint32_t fixture_id(struct registry *registry, const char *name);

#endif
