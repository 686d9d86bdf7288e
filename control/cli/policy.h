/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules and limits of the configuration, for commands that need no daemon. */
#ifndef CONTROL_POLICY_H
#define CONTROL_POLICY_H

#include "../registry/check.h"
#include "commands.h"

#include <peertag/config.h>

/*
 * From the configuration that the invocation names; `ret_tag` may be NULL. False: an error was
 * printed, its exit code is in *ret_code.
 */
bool policy_load(const struct invocation *invocation, struct policy *ret_policy,
		 struct pt_config_tag *ret_tag, enum exit_code *ret_code);

#endif
