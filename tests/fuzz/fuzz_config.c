/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration's reader: whatever it accepts lies within its limits, all else has a message.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peertag/config.h>

#include "target.h"

static void require_sane(const struct pt_config *config)
{
	require(config->registry && config->api && config->run_dir && config->pins);
	require(config->site && config->listen);
	for (size_t i = 0; i < config->engine_count; i++) {
		const struct pt_config_engine *engine = &config->engines[i];

		require(engine->name && pt_config_engine(config, engine->name) == engine);
		for (size_t k = 0; k < engine->port_count; k++) {
			require(engine->ports[k].name != NULL);
			require((engine->ports[k].forward == PT_FORWARD_PORT) ==
				(engine->ports[k].forward_port != NULL));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);
	struct pt_config *config = NULL;
	char path[64], message[512] = "";
	int error;

	require(fd >= 0 && write(fd, input, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	error = pt_config_load(path, &config, message, sizeof(message));
	if (error)
		require(error < 0 && message[0] && !strchr(message, '\n'));
	else
		require_sane(config);
	if (!error)
		pt_config_free(config);
	close(fd);
	return 0;
}
