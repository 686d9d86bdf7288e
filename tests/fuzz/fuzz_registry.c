/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader of registry files. Whatever it reads without an error is written as a line and read
 * again, and must be the same connection.
 */
#include <string.h>

#include "../../control/registry/input.h"
#include "target.h"

static void require_round_trip(const struct connection *connection)
{
	char *line = connection_line(connection, CONNECTION_AS_WRITTEN), *again;
	struct input input;

	require(line != NULL);
	input_read(line, strlen(line), &input);
	require(input.errors.count == 0 && input.connections.count == 1);
	again = connection_line(input.connections.items[0], CONNECTION_AS_WRITTEN);
	require(again && !strcmp(line, again));
	free(again);
	free(line);
	input_done(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t size)
{
	char *exact = malloc(size);
	struct input input;

	if (size)
		memcpy(exact, text, size);
	input_read(exact, size, &input);
	free(exact);
	for (size_t i = 0; i < input.connections.count && !input.errors.count; i++)
		require_round_trip(input.connections.items[i]);
	input_done(&input);
	return 0;
}
