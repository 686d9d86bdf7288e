/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold in a configuration beyond the form of each value: names that are unique, ports
 * that exist, settings that go together. Threading: pure functions.
 */
#ifndef CONTROL_CONFIG_RULES_H
#define CONTROL_CONFIG_RULES_H

#include "config_document.h"

#include <peertag/config.h>

/* `document` is the one that `config` came from; gives the lines. Returns 0 or -EINVAL. */
int config_rules_check(const struct config_document *document, const struct pt_config *config);

#endif
