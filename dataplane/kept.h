/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of the last published snapshot. Threading: none. */
#ifndef PEERTAG_DATAPLANE_KEPT_H
#define PEERTAG_DATAPLANE_KEPT_H

#include <stddef.h>

/* Replaces the file at `path`, whole and on disk or not at all. Returns 0 or -errno. */
int kept_save(const char *path, const void *image, size_t bytes);

/*
 * Reads it into memory of its own. Returns 0, *ret (to be given to munmap) and *ret_bytes; or
 * -errno: -ENOENT if there is none.
 */
int kept_load(const char *path, void **ret, size_t *ret_bytes);

#endif
