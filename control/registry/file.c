/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL and errno: it cannot be read. */
static char *read_stream(FILE *stream, size_t *ret_bytes)
{
	size_t capacity = 1 << 16, bytes = 0;
	char *text = NULL, *larger;

	do {
		capacity *= 2;
		larger = realloc(text, capacity + 1);
		if (!larger)
			break;
		text = larger;
		errno = 0;
		bytes += fread(text + bytes, 1, capacity - bytes, stream);
	} while (bytes == capacity && bytes <= INPUT_SIZE_MAX);
	if (larger && !ferror(stream) && bytes <= INPUT_SIZE_MAX) {
		text[bytes] = '\0';
		*ret_bytes = bytes;
		return text;
	}
	if (bytes > INPUT_SIZE_MAX)
		errno = EFBIG;
	free(text);
	return NULL;
}

static enum error_code code_of(int reason)
{
	if (reason == ENOENT)
		return ERROR_NOT_FOUND;
	return reason == EFBIG ? ERROR_TOO_LARGE : ERROR_INTERNAL;
}

bool file_read(const char *path, char **ret_text, size_t *ret_bytes, struct error *error)
{
	bool standard = !strcmp(path, "-");
	FILE *stream = standard ? stdin : fopen(path, "re");
	char *text = stream ? read_stream(stream, ret_bytes) : NULL;
	int reason = errno;

	if (stream && !standard)
		fclose(stream);
	if (!text)
		return error_set(error, code_of(reason), "cannot read %s: %s",
				 standard ? "standard input" : path, strerror(reason));
	*ret_text = text;
	return true;
}
