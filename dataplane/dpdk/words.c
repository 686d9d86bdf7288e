/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* Within double quotes a backslash is itself, unless it stands before one of these. */
static bool backslash_quotes(char quote, char next)
{
	return quote == 0 || (quote == '"' && strchr("\"\\$`", next));
}

/* Copies one word from *from to *to, without its quotes. Returns 0 or -EINVAL. */
static int word_copy(const char **from, char **to)
{
	char quote = 0;

	for (; **from && (quote || !strchr(BLANKS, **from)); (*from)++) {
		if (**from == '\\' && (*from)[1] && backslash_quotes(quote, (*from)[1]))
			*(*to)++ = *++*from;
		else if (**from == '\\' && !quote)
			return -EINVAL;
		else if (!quote && (**from == '\'' || **from == '"'))
			quote = **from;
		else if (quote && **from == quote)
			quote = 0;
		else
			*(*to)++ = **from;
	}
	*(*to)++ = '\0';
	return quote ? -EINVAL : 0;
}

int words_split(const char *text, struct words *ret)
{
	const char *from = text ? text : "";
	size_t length = strlen(from);
	struct words words = {
		.text = malloc(length + 1),
		.words = calloc(length / 2 + 2, sizeof(char *)),
	};
	char *to = words.text;
	int error = words.text && words.words ? 0 : -ENOMEM;

	from += strspn(from, BLANKS);
	while (!error && *from) {
		words.words[words.count++] = to;
		error = word_copy(&from, &to);
		from += strspn(from, BLANKS);
	}
	if (error) {
		words_done(&words);
		return error;
	}
	*ret = words;
	return 0;
}

void words_done(struct words *words)
{
	free(words->words);
	free(words->text);
	*words = (struct words){};
}

bool words_have(const struct words *words, const char *name)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->words[i];
		size_t length;

		if (strncmp(word, "--", 2))
			continue;
		word += 2;
		length = strcspn(word, "=");
		if (length && strncmp(word, name, length) == 0)
			return true;
	}
	return false;
}
