/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words of a line as a shell would part them, and nothing else of a shell: quotes and backslashes
 * work, variables and patterns stay as they are written. Threading: pure.
 */
#ifndef PEERTAG_DATAPLANE_DPDK_WORDS_H
#define PEERTAG_DATAPLANE_DPDK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	size_t count;
	char **words;
	char *text; /* that they are in */
};

/*
 * Parts `text` (NULL: none) into words. Returns 0 and *ret, which words_done() frees, or -errno:
 * -EINVAL for a quote that is not closed, or a backslash at the end.
 */
int words_split(const char *text, struct words *ret);
void words_done(struct words *words);

/* Whether a word is the long option `name`, as getopt_long() takes it: cut short, with a value. */
bool words_have(const struct words *words, const char *name);

#endif
