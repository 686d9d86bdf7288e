/* SPDX-License-Identifier: BSD-3-Clause */
#include "quoted.h"

/* Names hold no control characters, so two are left to escape. */
char *quoted_write(char *pos, const char *name)
{
	*pos++ = '"';
	for (; *name; name++) {
		if (*name == '\\' || *name == '"')
			*pos++ = '\\';
		*pos++ = *name;
	}
	*pos++ = '"';
	return pos;
}
