/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: a network device with our programs on it. Attached once; everything later is an update
 * of the pinned link, so that no packet passes by and no device is reset. A device that is missing
 * or goes away is waited for; a hook that somebody else holds is left alone and reported.
 * Threading: the loop's thread.
 */
#ifndef PEERTAG_DATAPLANE_XDP_PORT_H
#define PEERTAG_DATAPLANE_XDP_PORT_H

#include <stdbool.h>

#include <peertag/config.h>
#include <peertag/engine.h>

#include "../message.h"
#include "hook.h"
#include "state.h"

struct peertag;

struct port {
	const struct pt_config_port *config;
	const struct pt_config_tag *tag;
	struct state *state;
	__u32 slot;
	struct peertag *programs; /* as loaded; NULL: not yet */
	struct hook hook;
	int ifindex;		/* of the device it is attached to; 0: none */
	int output;		/* of the device it forwards to; 0: none */
	bool marks;		/* the mark can be taken over by the tc program */
	bool filtered;		/* the filters were there at the last look */
	bool detached;		/* by somebody, on purpose: not attached again */
	struct message problem; /* why it is not attached; "" if it is */
	struct message note;	/* what was not as asked for when it was attached */
	struct message filters; /* why a tc filter is not there */
	struct message remark;	/* what is not as it should be now */
};

/* Returns 0, or -errno and why. The config and the state outlive the port. */
int port_init(struct port *port, const struct pt_config_port *config,
	      const struct pt_config_tag *tag, struct state *state, struct message *message);
void port_done(struct port *port); /* leaves it attached */

/*
 * Brings the port into the state that its configuration asks for, as far as the device permits.
 * Returns whether what there is to say of it changed.
 */
bool port_check(struct port *port);

/* Its mode in words, or why it is not attached. */
void port_mode(const struct port *port, char *mode, size_t bytes);
void port_status(const struct port *port, struct pt_engine_port *ret);

/* Detaches what is pinned for a slot, and the filters on its device. Returns 0 or -errno. */
int port_detach(const char *pins, __u32 slot);

#endif
