/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names in JSON that is written by hand, because it is written piece by piece.
 * Threading: pure functions.
 */
#ifndef CONTROL_QUOTED_H
#define CONTROL_QUOTED_H

#define QUOTED_NAME_MAX 258 /* of CONNECTION_TEXT_MAX bytes */

/* Writes `name`, without control characters, as a JSON string and no NUL. Returns its end. */
char *quoted_write(char *pos, const char *name);

#endif
