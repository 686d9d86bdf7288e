#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Round-trip times are what they are: against a customer whose delay is known, in both engines.

    rtt_is_true.py xdp|af_packet

What counts is not the delay that the customer was asked for but the one that it achieved, by its own
clock: this machine has other things to do.
"""

import os
import random
import socket
import statistics
import sys
import time

from customer import LONDON, SEATTLE, SEATTLE6, customer, london
from dpdk import DpdkEdge, threads
from edge import Edge
from forwarding_counts_and_tags import REMOTE, pair
from latency import Histogram, latency_read
from namespace import Link, Namespace, address_add, settle
from segments import Customer, Relay, Server
from statement import equal, run_each, true
from traffic import socket_open

REMOTE6 = "2001:db8:ff::7"
DELAYS = (0.001, 0.005, 0.020, 0.050, 0.200)
LATENCY = {"slots": 16, "window": "24h"}
FLOWS = 20
HICCUP = 0.020  # seconds that a busy machine may keep an engine from a packet
AGAIN = 0.3  # seconds until a segment is sent again


def asking():
    """Of the connections, contoso-seattle asks: for IPv4 in slot 1, for IPv6 in slot 2."""
    return [customer("contoso-seattle", {"prefix": "203.0.113.0/24", "latency": True},
                     {"prefix": "2001:db8:100::/40", "latency": True}), london()]


class Bench:
    """Where the server's and the customer's frames go in and out."""

    def __init__(self, edge, server, customer_host, macs):
        self.edge, self.server, self.customer, self.macs = edge, server, customer_host, macs

    def serve(self, source=REMOTE, destination=SEATTLE, **options):
        return Server(*self.server, self.macs, source, destination, **options)

    def attend(self, choose, **options):
        return Customer(self.customer.namespace, self.customer.device, choose, **options)


def forwarding(make):
    edge, east, west = pair(make, latency=LATENCY)
    edge.apply(asking())
    macs = bytes.fromhex((east.link.mac(2) + west.link.mac(2)).replace(":", ""))
    silence(east)
    return Bench(edge, (west.namespace, west.device), east, macs)


def passing(make):
    edge = make({"name": "east", "forward": "pass"}, latency=LATENCY)
    east = edge.host("east", [SEATTLE, LONDON])
    edge.start_all()
    edge.apply(asking())
    macs = bytes.fromhex((east.link.mac(2) + east.link.mac(1)).replace(":", ""))
    silence(east)
    return Bench(edge, (edge.namespace, "east"), east, macs)


def silence(host):
    """The customer's kernel does not answer: that is done by hand."""
    for address in host.addresses:
        host.namespace.run("ip", "addr", "del", f"{address}/32", "dev", "lo")


def make_room(edge):
    """A worker of DPDK has the last CPU for itself, as it should: else it would measure how long
    packets wait for it."""
    if edge.engine_program != "peertag-dpdk":
        return
    for name, thread in threads(edge.processes["peertag-dpdk"].pid).items():
        if name.startswith("rte-worker"):
            os.setpriority(os.PRIO_PROCESS, thread, -20)
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cpus[:1])


def measure(bench, choose, act, slot=1, **options):
    """Runs act(server) against a customer. Returns what was measured, what was lost, and what the
    customer achieved."""
    make_room(bench.edge)
    slots, lost = latency_read(bench.edge)
    before = slots.get(slot, Histogram())
    with bench.attend(choose) as there:
        act(bench.serve(**options))
        time.sleep(0.3)
    slots, lost_then = latency_read(bench.edge)
    return slots.get(slot, Histogram()) - before, lost_then - lost, there.delays


def near(measured, delays, what):
    due = statistics.median(delays)
    got = measured.quantile(0.5)
    print(f"  {what}: {measured.count} samples, p50 {got * 1000:.3f} ms, due {due * 1000:.3f} ms",
          flush=True)
    true(abs(got - due) <= max(0.0001, due * 0.02), f"{what}: p50 {got:.6f}, due {due:.6f}")
    true(measured.longest() <= max(delays) * 1.13 + HICCUP,
         f"{what}: none is longer than the customer took: {measured.longest()}, {max(delays)}")


def fixed_delays(bench):
    for delay in DELAYS:
        measured, lost, delays = measure(bench, lambda delay=delay: delay,
                                         lambda server: server.run(10, 2))
        equal(measured.count, FLOWS * 11, "a sample for each handshake and each round")
        equal(lost, 0, "lost")
        near(measured, delays, f"{delay * 1000:.0f} ms")


def delays_are_told_when_the_engine_forwards(make):
    fixed_delays(forwarding(make))


def delays_are_told_when_the_host_answers(make):
    fixed_delays(passing(make))


def ipv6_has_a_slot_of_its_own(make):
    bench = forwarding(make)
    measured, _, delays = measure(bench, lambda: 0.010, lambda server: server.run(10, 2), slot=2,
                                  source=REMOTE6, destination=SEATTLE6)
    equal(measured.count, FLOWS * 11, "samples")
    near(measured, delays, "IPv6")
    equal(set(latency_read(bench.edge)[0]), {2}, "slots with samples")


def jitter_is_told(make):
    bench = forwarding(make)
    measured, _, delays = measure(bench, lambda: random.uniform(0.020, 0.030),
                                  lambda server: server.run(40, 2))
    equal(measured.count, FLOWS * 41, "samples")
    near(measured, delays, "20 to 30 ms")


def no_retransmission_is_measured(make):
    """Of what goes to the customer and of what he answers, a twentieth is lost each."""
    bench = forwarding(make)

    def choose():
        # Not heard, or the answer is lost on its way: both look alike from here.
        return None if random.random() < 0.1 else 0.020

    measured, lost, delays = measure(bench, choose, lambda server: server.run(30, AGAIN))
    true(lost > 0, "samples were lost")
    # Under way is one a flow at most; all the others ended or are lost.
    true(FLOWS * 31 * 0.8 < measured.count < FLOWS * 31, f"{measured.count} samples, {lost} lost")
    near(measured, delays, "with loss")
    true(measured.longest() < AGAIN / 2, "an original's time until the answer of what came again")


def reordering_costs_samples_and_not_truth(make):
    bench = forwarding(make)

    def choose():
        return 0.020 if random.random() < 0.95 else 0.035

    def act(server):
        server.run(1, 2)
        server.pour(300, 0.005)

    measured, lost, delays = measure(bench, choose, act)
    true(measured.count > FLOWS * 20, f"{measured.count} samples")
    true(lost > 0, "samples were overtaken")
    near(measured, delays, "with reordering")


def without_timestamps_only_handshakes_are_measured(make):
    bench = forwarding(make)
    measured, _, delays = measure(bench, lambda: 0.020, lambda server: server.run(10, 2),
                                  timestamps=False)
    equal(measured.count, FLOWS, "a sample for each handshake")
    near(measured, delays[:FLOWS], "handshakes")


def who_did_not_ask_is_not_measured(make):
    bench = forwarding(make)
    measure(bench, lambda: 0.005, lambda server: server.run(5, 2), destination=LONDON)
    equal(latency_read(bench.edge), ({}, 0), "slots with samples, lost")
    true(bench.edge.connection("northwind-london")[1].packets >= FLOWS * 6, "it was counted")


def kernel_customer(bench):
    """A namespace whose kernel is the customer, behind the customer's device, and the way there."""
    relay = bench.customer
    namespace = Namespace(f"{bench.edge.name}-kernel")
    bench.edge.stack.callback(namespace.remove)
    link = Link(relay.namespace, "inner", namespace)
    for end in (1, 2):
        link.offload(end, tx="off", gso="off", gro="off")
    address_add(namespace, SEATTLE)
    link.route(2, REMOTE, SEATTLE)
    east, west = relay.link, bench.server[0]
    macs = [bytes.fromhex(text.replace(":", "")) for text in
            (link.mac(2) + link.mac(1), bench.edge.links["west"].mac(2) + east.mac(2))]
    return namespace, west, macs


def ping_pong(server, namespace, rounds):
    """The customer calls, then the server asks and he answers, `rounds` times."""
    with socket_open(server, REMOTE, 80, socket.SOCK_STREAM) as listener:
        listener.listen(1)
        with socket_open(namespace, SEATTLE, 0, socket.SOCK_STREAM) as caller:
            caller.settimeout(10)
            caller.connect((REMOTE, 80))
            called, _ = listener.accept()
            with called:
                called.settimeout(10)
                for _ in range(rounds):
                    called.sendall(b"ping")
                    caller.sendall(caller.recv(4))
                    called.recv(4)


def kernel_flows(make, timestamps, delay=0.020, flows=5, rounds=20):
    """(what was measured, what the relay achieved)"""
    bench = forwarding(make)
    namespace, server, macs = kernel_customer(bench)
    with namespace:
        settle("/proc/sys/net/ipv4/tcp_timestamps", timestamps)
    make_room(bench.edge)
    with Relay(bench.customer.namespace, ("inner", bench.customer.device), macs, delay) as relay:
        for _ in range(flows):
            ping_pong(server, namespace, rounds)
        time.sleep(0.2)
    return latency_read(bench.edge)[0][1], relay.delays


def kernels_are_measured(make):
    measured, delays = kernel_flows(make, 1)
    # Each flow has its handshake, its rounds, and perhaps an end.
    true(5 * 20 * 0.9 <= measured.count <= 5 * 22, f"{measured.count} samples")
    near(measured, delays, "kernel")


def kernels_without_timestamps_have_their_handshakes_measured(make):
    measured, delays = kernel_flows(make, 0)
    equal(measured.count, 5, "samples: one a handshake")
    near(measured, delays, "kernel, handshakes")


ENGINE = sys.argv[1] if len(sys.argv) > 1 else "xdp"
STATEMENTS = (delays_are_told_when_the_engine_forwards, ipv6_has_a_slot_of_its_own, jitter_is_told,
              no_retransmission_is_measured, reordering_costs_samples_and_not_truth,
              without_timestamps_only_handshakes_are_measured, who_did_not_ask_is_not_measured,
              kernels_are_measured, kernels_without_timestamps_have_their_handshakes_measured)

if __name__ == "__main__":
    if ENGINE == "xdp":
        run_each(delays_are_told_when_the_host_answers, *STATEMENTS, kind=Edge)
    run_each(*STATEMENTS, kind=DpdkEdge, driver=ENGINE)
