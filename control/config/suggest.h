/* SPDX-License-Identifier: BSD-3-Clause */
/* "Did you mean": the nearest of a few known words. Threading: pure functions. */
#ifndef CONTROL_SUGGEST_H
#define CONTROL_SUGGEST_H

#include <stddef.h>

/* The word of @words nearest to @text by edit distance, or that it begins; NULL: none is near. */
const char *suggest_word(const char *const *words, size_t count, const char *text);

#endif
