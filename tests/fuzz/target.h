/* SPDX-License-Identifier: BSD-3-Clause */
/* What every fuzz target has: the function that libFuzzer calls, and a way to say "wrong". */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

#define require(condition) require_true(condition, #condition, __FILE__, __LINE__)

static inline void require_true(int truth, const char *what, const char *file, int line)
{
	if (truth)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* The input as a string of its own, to be freed. */
static inline char *input_string(const uint8_t *input, size_t size)
{
	char *text = malloc(size + 1);

	require(text != NULL);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)input[i];
	text[size] = '\0';
	return text;
}

#endif
