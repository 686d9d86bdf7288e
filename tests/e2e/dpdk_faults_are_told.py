#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong around the DPDK engine is told: by its messages, its status, its telemetry."""

import contextlib
import ctypes
import json
import os
import socket

from customer import LONDON, SEATTLE, london, seattle
from dpdk import DpdkEdge, threads
from forwarding_counts_and_tags import REMOTE, pair, send_only
from namespace import libc, run
from statement import equal, run_each, true
from traffic import Echo

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


@contextlib.contextmanager
def stopped(thread):
    """Holds one thread of another process, as if it hung."""
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(PTRACE_SEIZE, thread, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    libc.ptrace(PTRACE_INTERRUPT, thread, None, None)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, thread, None, None)


def refused(edge, **entry):
    """What the engine says to an engine entry that it cannot start with."""
    edge.configure(engines=[edge.engine_entry() | entry])
    result = run(*edge.namespace.command(*edge.engine_command()), check=False, timeout=30)
    equal(result.returncode, 1, f"exit code: {result.stderr}")
    return result.stderr.strip().splitlines()[-1]


def what_is_missing_is_named_last(make):
    edge = make({"name": "east", "forward": "drop"})
    edge.host("east")
    eal = edge.eal(edge.ports)
    words = {
        "an unknown port": (refused(edge, ports=[{"name": "eest", "forward": "drop"}]),
                            ("eest", "east")),
        "an unknown PCI address": (
            refused(edge, ports=[{"name": "0000:fe:1f.7", "forward": "drop"}]),
            ("0000:fe:1f.7", "PCI")),
        "forward pass": (refused(edge, ports=[{"name": "east", "forward": "pass"}]),
                         ("east", "pass", "drop")),
        "a mode": (refused(edge, ports=[{"name": "east", "forward": "drop", "mode": "native"}]),
                   ("east", "mode")),
        "one lcore": (refused(edge, eal=eal.replace("-l 0-1", "-l 0")), ("lcore",)),
        "a table that there is not": (refused(edge, table="trie"), ("trie", "flat", "lpm")),
        "an EAL argument": (refused(edge, eal=eal + " --no-such-thing"), ("EAL", "arguments")),
        "an open quote": (refused(edge, eal=eal + " 'x"), ("quote",)),
        "a missing interface": (refused(edge, eal=eal.replace("iface=east", "iface=eost")),
                                ("east", "--vdev")),
    }
    for what, (message, parts) in words.items():
        for part in parts:
            true(part in message, f"{what}: {part!r} is in {message!r}")


def a_second_engine_of_the_name_is_refused(make):
    edge, _, _ = pair(make)
    result = run(*edge.namespace.command(*edge.engine_command()), check=False, timeout=30)
    equal(result.returncode, 1, "exit code")
    true("running" in result.stderr, result.stderr)


def a_stuck_worker_is_reported_and_goes_on(make):
    edge, east, west = pair(make)
    edge.apply([seattle()])
    thread = threads(edge.processes["peertag-dpdk"].pid)["rte-worker-1"]
    with stopped(thread):
        edge.wait("the report", lambda: edge.status()["engines"][0]["workers"][0]["stuck"], 5)
        true(edge.metrics()[("peertag_worker_stuck", (("engine", "dpdk"), ("worker", "1")))] == 1,
             "the metric")
        edge.wait("the log", lambda: "lcore 1 is stuck" in edge.log("peertag-dpdk"), 2)
    edge.wait("its going on", lambda: not edge.status()["engines"][0]["workers"][0]["stuck"], 5)
    with Echo(west.namespace, REMOTE):
        exchange = east.exchange(SEATTLE, server=REMOTE)
        exchange.send(50)
    equal(exchange.lost, 0, "datagrams lost")


def a_link_that_goes_and_comes_is_shown(make):
    edge, east, west = pair(make)
    edge.apply([seattle()])
    edge.namespace.run("ip", "link", "set", "west", "down")
    edge.wait("the status", lambda: "down" in edge.port("west")["mode"], 3)
    send_only(east, SEATTLE, 20)
    edge.wait("the count", lambda: edge.connection("contoso-seattle")[0].packets == 20)
    edge.namespace.run("ip", "link", "set", "west", "up")
    edge.wait("the status", lambda: "down" not in edge.port("west")["mode"], 3)


def an_interface_that_is_made_anew_is_taken_up(make):
    edge, east, _ = pair(make)
    edge.apply([seattle()])
    edge.namespace.run("ip", "link", "del", "west")
    edge.wait("the status", lambda: "gone" in edge.port("west")["mode"], 3)
    edge.links["west"].create()
    edge.wait("the port", lambda: "gone" not in edge.port("west")["mode"], 20)
    send_only(east, SEATTLE, 20)
    edge.wait("the count", lambda: edge.connection("contoso-seattle")[0].packets == 20)


def telemetry(edge, command):
    """Asks DPDK's own socket."""
    path = f"/var/run/dpdk/{edge.name}/dpdk_telemetry.v2"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        sock.recv(4096)
        sock.send(command.encode())
        return json.loads(sock.recv(65536))[command.split(",", maxsplit=1)[0]]


def telemetry_says_what_the_status_says(make):
    edge, east, west = pair(make)
    connections = [seattle(), london()]
    edge.apply(connections + [
        {"name": f"more-{number}", "partner": "Colt", "country": "GB",
         "prefixes": [f"2001:db8:{number:x}::/48"]} for number in range(1, 201)])
    with Echo(west.namespace, REMOTE):
        for source, count in ((SEATTLE, 70), (LONDON, 30)):
            exchange = east.exchange(source, server=REMOTE)
            exchange.send(count)
    ports = telemetry(edge, "/peertag/ports")
    for port in ("east", "west"):
        equal((ports[port]["matched"], ports[port]["received_packets"]), (100, 100), port)
        equal(ports[port]["nic_packets"], 100, f"{port}: by the device")
    worker = telemetry(edge, "/peertag/workers")["lcore_1"]
    equal(worker["packets"], 200, "packets of the worker")
    true(worker["cycles_per_packet"] > 0 and worker["packets_per_burst"] >= 1, f"{worker}")
    shown = edge.status()["engines"][0]["workers"][0]
    equal((shown["lcore"], shown["packets"], shown["stuck"]), (1, 200, False), "in the status")
    counters, index = {}, 0
    while index is not None:
        page = telemetry(edge, f"/peertag/counters,{index}")
        index = page.pop("next", None)
        counters |= page
    equal(len(counters), 202, "connections on all pages")
    equal(sorted(count["receive_packets"] for count in counters.values())[-2:], [30, 70],
          "packets of connections")


run_each(what_is_missing_is_named_last, a_second_engine_of_the_name_is_refused,
         a_stuck_worker_is_reported_and_goes_on, a_link_that_goes_and_comes_is_shown,
         an_interface_that_is_made_anew_is_taken_up, telemetry_says_what_the_status_says,
         kind=DpdkEdge)
