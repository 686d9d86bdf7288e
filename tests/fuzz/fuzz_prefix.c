/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prefix parser. What it accepts the C library reads too and it is the one spelling; what it
 * refuses has a reason, and a spelling that it suggests it accepts.
 */
#include <stdbool.h>
#include <string.h>

#include <arpa/inet.h>

#include "../../control/registry/prefix.h"
#include "target.h"

static void require_accepted(const char *text, const struct prefix *prefix)
{
	char addr[64], again[PREFIX_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	uint8_t bytes[16] = {0};
	struct prefix cleared = *prefix;

	require(prefix->family == 4 || prefix->family == 6);
	require(prefix->length <= prefix_full_length(prefix->family));
	require(!prefix_clear_host_bits(&cleared));
	require(slash != NULL && slash - text < (int)sizeof(addr));
	memcpy(addr, text, slash - text);
	addr[slash - text] = '\0';
	require(inet_pton(prefix->family == 4 ? AF_INET : AF_INET6, addr, bytes) == 1);
	require(!memcmp(bytes, prefix->addr, sizeof(bytes)));
	require(!strcmp(prefix_format(prefix, again), text));
}

static void require_refused(const char *text, const struct error *error)
{
	const char *meant = strstr(error->hint, "did you mean ");
	struct prefix prefix;
	struct error why;
	char suggested[128];

	require(error->code == ERROR_BAD_VALUE || error->code == ERROR_HOST_BITS);
	require(error->message[0] != '\0');
	if (!meant || sscanf(meant, "did you mean %127[^?]?", suggested) != 1)
		return;
	require(strcmp(suggested, text) != 0);
	require(prefix_parse(suggested, &prefix, &why));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *text = input_string(input, size);
	struct prefix prefix = {0};
	struct error error = {0};

	if (prefix_parse(text, &prefix, &error))
		require_accepted(text, &prefix);
	else
		require_refused(text, &error);
	if (prefix_parse_address(text, &prefix, &error))
		require(prefix.length == prefix_full_length(prefix.family));
	free(text);
	return 0;
}
