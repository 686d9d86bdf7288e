/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eal.h"

void start_eal_with(const char *memory, const char *devices)
{
	char prefix[32], arguments[256];
	struct eal_options options = {
		.program = "test", .prefix = prefix, .arguments = arguments, .quiet = true};
	struct message message;

	snprintf(prefix, sizeof(prefix), "peertag-test-%d", getpid());
	snprintf(arguments, sizeof(arguments), "--no-pci --no-telemetry --lcores 0@0 %s %s", memory,
		 devices);
	expect(eal_start(&options, &message) == 0, "%s", message.text);
}

void start_eal(const char *devices)
{
	start_eal_with("--no-huge -m 128", devices);
}

void find(struct port *port, const char *name)
{
	struct pt_config_port *config = calloc(1, sizeof(*config));
	struct message message;

	config->name = strdup(name);
	expect(port_find(port, config, &message) == 0, "%s", message.text);
}

void find_and_start(struct port *port, const char *name, __u16 queues)
{
	struct message message;

	find(port, name);
	expect(port_start(port, (struct port_queues){queues, 0}, &message) == 0, "%s",
	       message.text);
}

struct pt_engine_port status_of(const struct port *port)
{
	struct pt_engine_port status;

	port_status(port, "lcore 1: 0", &status);
	return status;
}

void wait_until_up(struct port *port)
{
	bool restart = false;

	for (int i = 0; i < PORT_WAIT_MS && !status_of(port).up; i++, usleep(1000))
		port_check(port, &restart);
	expect(status_of(port).up, "%s", status_of(port).mode);
	expect(!restart);
}

void wait_until(struct port *port, const char *part)
{
	bool restart, changed = false;

	for (int i = 0; i < PORT_WAIT_MS && !strstr(status_of(port).mode, part); i++, usleep(1000))
		changed = port_check(port, &restart);
	expect_has(status_of(port).mode, part);
	expect(changed, "it does not tell that it changed");
	expect(!status_of(port).up);
}

void wait_and_restart(struct port *port)
{
	struct message message;
	bool restart = false;

	for (int i = 0; i < PORT_WAIT_MS && !restart; i++, usleep(1000))
		port_check(port, &restart);
	expect(restart, "%s", status_of(port).mode);
	expect(port_restart(port, &message) == 0, "%s", message.text);
}
