/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that the user named, whole. Threading: pure functions. */
#ifndef CONTROL_FILE_H
#define CONTROL_FILE_H

#include "error.h"

/*
 * Reads `path`, or standard input for "-", up to INPUT_SIZE_MAX bytes. True: *ret_text, to be
 * freed, is NUL terminated and *ret_bytes long; else `error` says what could not be read and why.
 */
bool file_read(const char *path, char **ret_text, size_t *ret_bytes, struct error *error);

#endif
