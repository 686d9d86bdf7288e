/* SPDX-License-Identifier: BSD-3-Clause */
/* peertag monitor: the daemon's server-sent events as JSON lines. */
#include "output.h"
#include "programs.h"
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of the stream that has not ended yet. */
struct line {
	char *text;
	size_t bytes;
	size_t capacity;
};

static bool line_append(struct line *line, char character)
{
	if (line->bytes + 1 >= line->capacity) {
		size_t capacity = line->capacity ? 2 * line->capacity : 256;
		char *text = realloc(line->text, capacity);

		if (!text)
			return false;
		line->text = text;
		line->capacity = capacity;
	}
	line->text[line->bytes++] = character;
	line->text[line->bytes] = '\0';
	return true;
}

/* Comments, which keep the stream alive, and field names of no use here are left out. */
static bool line_end(struct line *line)
{
	static const char field[] = "data:";
	const char *text = line->text;
	bool is_field = line->bytes && !strncmp(text, field, strlen(field));

	line->bytes = 0;
	if (!is_field)
		return true;
	text += strlen(field);
	puts(text + (*text == ' '));
	return !fflush(stdout);
}

static bool receive(void *closure, const char *piece, size_t bytes)
{
	struct line *line = closure;

	for (size_t i = 0; i < bytes; i++) {
		if (piece[i] != '\n' && !line_append(line, piece[i]))
			return false;
		if (piece[i] == '\n' && !line_end(line))
			return false;
	}
	return true;
}

enum exit_code run_monitor(struct invocation *invocation)
{
	enum exit_code code = EXIT_FAILED;
	struct client *client = request_client(invocation, &code);
	struct line line = {};
	struct error error;

	if (!client)
		return code;
	if (client_stream(client, "/v1/events", receive, &line, &error)) {
		code = output_finish(EXIT_DONE);
	} else {
		code = output_error(invocation, &error);
	}
	free(line.text);
	client_free(client);
	return code;
}
