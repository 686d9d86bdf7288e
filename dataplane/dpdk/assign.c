/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <peertag/engine.h>

#include "assign.h"

_Static_assert(PT_PORTS_MAX <= 32, "a set of ports is the bits of a __u32");

/* A plan in the making. No worker polls two queues of a port, so ports say all. */
struct plan {
	const struct assign_port *ports;
	__u16 port_count;
	__u16 workers;
	__u32 polled[PT_WORKERS_MAX]; /* ports, by worker */
	__u32 inputs[PT_PORTS_MAX];   /* ports that forward to this one */
};

static __u16 min(__u16 a, __u16 b)
{
	return a < b ? a : b;
}

static int load(const struct plan *plan, __u16 worker)
{
	return __builtin_popcount(plan->polled[worker]);
}

/* How many workers poll one of these ports. */
static __u16 pollers(const struct plan *plan, __u32 ports)
{
	__u16 count = 0;

	for (__u16 worker = 0; worker < plan->workers; worker++)
		count += (plan->polled[worker] & ports) != 0;
	return count;
}

static __u16 receive_queues(const struct plan *plan, __u16 port)
{
	const struct assign_port *self = &plan->ports[port];
	__u16 count = min(self->receive_max, plan->workers);

	if (self->output == ASSIGN_NONE)
		return count;
	return min(count, plan->ports[self->output].transmit_max);
}

/* Whether the worker can poll one more queue: one of this port. */
static bool may_poll(const struct plan *plan, __u16 worker, __u16 port)
{
	__u16 output = plan->ports[port].output;

	if (plan->polled[worker] & 1u << port)
		return false;
	return output == ASSIGN_NONE || plan->polled[worker] & plan->inputs[output] ||
	       pollers(plan, plan->inputs[output]) < plan->ports[output].transmit_max;
}

/* There is one: as many as it has queues may send to its output, and not all of those poll it. */
static __u16 least_loaded(const struct plan *plan, __u16 port)
{
	__u16 best = ASSIGN_NONE;

	for (__u16 worker = 0; worker < plan->workers; worker++)
		if (may_poll(plan, worker, port) &&
		    (best == ASSIGN_NONE || load(plan, worker) < load(plan, best)))
			best = worker;
	return best;
}

/* Ports with few queues choose first. */
static void plan_spread(struct plan *plan)
{
	for (__u16 queues = 1; queues <= plan->workers; queues++) {
		for (__u16 port = 0; port < plan->port_count; port++) {
			if (receive_queues(plan, port) != queues)
				continue;
			for (__u16 i = 0; i < queues; i++)
				plan->polled[least_loaded(plan, port)] |= 1u << port;
		}
	}
}

/* Gives a queue of `port` to another worker, if that may poll it. */
static bool queue_move(struct plan *plan, __u16 port, __u16 from, __u16 to)
{
	plan->polled[from] &= ~(1u << port);
	if (!may_poll(plan, to, port)) {
		plan->polled[from] |= 1u << port;
		return false;
	}
	plan->polled[to] |= 1u << port;
	return true;
}

/* Gives all that a worker sends to `output` to one that sends nothing there, if that is evener. */
static bool share_move(struct plan *plan, __u16 output, __u16 from, __u16 to)
{
	__u32 share = plan->polled[from] & plan->inputs[output];

	if (!share || plan->polled[to] & plan->inputs[output] ||
	    load(plan, from) - load(plan, to) <= __builtin_popcount(share))
		return false;
	plan->polled[from] &= ~share;
	plan->polled[to] |= share;
	return true;
}

static bool pair_even(struct plan *plan, __u16 from, __u16 to)
{
	for (__u16 port = 0; port < plan->port_count; port++)
		if (plan->polled[from] & 1u << port && queue_move(plan, port, from, to))
			return true;
	for (__u16 output = 0; output < plan->port_count; output++)
		if (share_move(plan, output, from, to))
			return true;
	return false;
}

/* Ends, because each move makes the sum of the squares of the loads smaller. */
static bool plan_even(struct plan *plan)
{
	for (__u16 from = 0; from < plan->workers; from++)
		for (__u16 to = 0; to < plan->workers; to++)
			if (load(plan, from) - load(plan, to) > 1 && pair_even(plan, from, to))
				return true;
	return false;
}

static __u16 transmit_queue(const struct plan *plan, __u16 output, __u16 worker)
{
	__u16 queue = 0;

	if (output == ASSIGN_NONE)
		return 0;
	for (__u16 other = 0; other < worker; other++)
		queue += (plan->polled[other] & plan->inputs[output]) != 0;
	return queue;
}

static void plan_number(const struct plan *plan, struct assignment *assignment)
{
	for (__u16 port = 0; port < plan->port_count; port++) {
		assignment->transmit[port] = pollers(plan, plan->inputs[port]);
		for (__u16 worker = 0; worker < plan->workers; worker++) {
			if (!(plan->polled[worker] & 1u << port))
				continue;
			assignment->queues[assignment->queue_count++] = (struct assign_queue){
				.port = port,
				.queue = assignment->receive[port]++,
				.worker = worker,
				.transmit_queue =
					transmit_queue(plan, plan->ports[port].output, worker),
			};
		}
	}
}

static int check_port(const struct plan *plan, __u16 port, __u16 *ret_port, struct message *message)
{
	__u16 output = plan->ports[port].output;

	*ret_port = port;
	if (plan->ports[port].receive_max == 0)
		return message_set(message, -ENOTSUP, "its device has no receive queue");
	if (output == ASSIGN_NONE)
		return 0;
	if (output >= plan->port_count)
		return message_set(message, -EINVAL, "there is no port %u to forward to", output);
	*ret_port = output;
	if (plan->ports[output].transmit_max == 0)
		return message_set(
			message, -ENOTSUP,
			"its device has no transmit queue: nothing can be forwarded to it");
	return 0;
}

static int plan_check(const struct plan *plan, __u16 *ret_port, struct message *message)
{
	int error = 0;

	*ret_port = 0;
	if (plan->port_count > PT_PORTS_MAX)
		return message_set(message, -EINVAL, "%u ports are more than %u", plan->port_count,
				   PT_PORTS_MAX);
	if (plan->workers == 0 || plan->workers > PT_WORKERS_MAX)
		return message_set(message, -EINVAL, "%u workers are not 1 to %u", plan->workers,
				   PT_WORKERS_MAX);
	for (__u16 port = 0; !error && port < plan->port_count; port++)
		error = check_port(plan, port, ret_port, message);
	return error;
}

int assign(const struct assign_port *ports, __u16 port_count, __u16 workers,
	   struct assignment **ret, __u16 *ret_port, struct message *message)
{
	struct plan plan = {.ports = ports, .port_count = port_count, .workers = workers};
	struct assignment *assignment;
	__u16 problem;
	int error = plan_check(&plan, &problem, message);

	if (error) {
		*ret_port = problem;
		return error;
	}
	assignment =
		calloc(1, sizeof(*assignment) + port_count * workers * sizeof(*assignment->queues));
	if (!assignment)
		return message_set(message, -ENOMEM, "out of memory");
	for (__u16 port = 0; port < port_count; port++)
		if (ports[port].output != ASSIGN_NONE)
			plan.inputs[ports[port].output] |= 1u << port;
	plan_spread(&plan);
	while (plan_even(&plan))
		;
	plan_number(&plan, assignment);
	*ret = assignment;
	return 0;
}
