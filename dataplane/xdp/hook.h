/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP hook of one device: a pinned link to one of our programs. The link keeps the hook against
 * everybody else, and survives this process. Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_XDP_HOOK_H
#define PEERTAG_DATAPLANE_XDP_HOOK_H

#include <limits.h>
#include <stdbool.h>

#include <peertag/config.h>

#include "../message.h"
#include "device.h"

struct hook {
	char pin[PATH_MAX];
	int link; /* -1: none */
	bool generic;
	bool frags;
};

/* The two programs that may hold the hook. */
struct hook_programs {
	int plain;
	int frags; /* -1: not to be tried */
};

/* Takes up the link that is pinned at `pin`, if there is one. */
void hook_init(struct hook *hook, const char *pin);
void hook_done(struct hook *hook); /* leaves it attached */

/* The number of the device that the link is on; 0: none, or the device is gone. */
int hook_ifindex(const struct hook *hook);

/* Whether the link is on `device`: its number alone may be that of another, in another namespace.
 */
bool hook_is_on(const struct hook *hook, const struct device *device);

/*
 * Puts a program on the hook of `device`, by an update if the link is there already. Returns 0, or
 * -errno and why. *note says what is not as asked for: the mode that `auto` fell back to.
 */
int hook_attach(struct hook *hook, const struct device *device, enum pt_config_mode mode,
		const struct hook_programs *programs, struct message *note,
		struct message *message);

/* Detaches, and removes the pin. Returns 0 or -errno. */
int hook_detach(struct hook *hook);

#endif
