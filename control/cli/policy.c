/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"

#include "output.h"

bool policy_load(const struct invocation *invocation, struct policy *ret_policy,
		 struct pt_config_tag *ret_tag, enum exit_code *ret_code)
{
	struct pt_config *config;
	char message[512];

	if (pt_config_load(invocation->config_path, &config, message, sizeof(message)) < 0) {
		*ret_code = output_failure(invocation, EXIT_FAILED, "configuration",
					   "name another file with -c", "%s", message);
		return false;
	}
	*ret_policy = policy_from_config(config);
	if (ret_tag)
		*ret_tag = config->tag;
	pt_config_free(config);
	return true;
}
