#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How the engine attaches: native, generic, by itself, with large frames; never over another."""

from customer import SEATTLE, SEATTLE6, seattle
from edge import SERVER, program
from foreign import ForeignProgram
from statement import equal, run_each, true
from traffic import Echo, udp_frame_bytes


def counts(edge, host, count=50, payload=100, source=SEATTLE):
    """Exact traffic through a port that is attached."""
    before, _ = edge.connection("contoso-seattle")
    with Echo(edge.namespace, SERVER[6 if ":" in source else 4]):
        exchange = host.exchange(source, window=8)
        exchange.send(count, payload)
    equal(exchange.lost, 0, "datagrams lost")
    receive, _ = edge.connection("contoso-seattle")
    equal(receive, before + exchange.sent, "receive")


def mode_of(edge, port="east"):
    return edge.port(port)["mode"]


def begin(edge):
    edge.start_all()
    edge.apply([seattle()])


def native_mode_is_native(make):
    edge = make({"name": "east", "mode": "native"})
    host = edge.host("east", [SEATTLE])
    begin(edge)
    equal(mode_of(edge), "native", "mode")
    equal(edge.link_of("east")["xdp"]["mode"], 1, "the kernel's word for the mode (1: driver)")
    equal(edge.port("east")["driver"], "veth", "driver")
    counts(edge, host)


def generic_mode_is_generic(make):
    edge = make({"name": "east", "mode": "generic"})
    host = edge.host("east", [SEATTLE])
    begin(edge)
    true("generic" in mode_of(edge), f"mode {mode_of(edge)}")
    equal(edge.link_of("east")["xdp"]["mode"], 2, "the kernel's word for the mode (2: generic)")
    counts(edge, host)


def auto_prefers_native(make):
    edge = make({"name": "east", "mode": "auto"})
    host = edge.host("east", [SEATTLE])
    begin(edge)
    equal(mode_of(edge), "native", "mode")
    counts(edge, host)


def macvlan(edge):
    """A device without native XDP in place of the port, with the port's own MAC address."""
    link = edge.links["east"]
    edge.namespace.run("ip", "link", "add", "link", "east", "name", "slow", "type", "macvlan",
                       "mode", "passthru")
    edge.namespace.run("ip", "link", "set", "slow", "up")
    link.device = "slow"
    link.ends = ((link.near, "slow", 1), link.ends[1])
    link.up()


def auto_falls_back_and_says_so(make):
    edge = make({"name": "slow", "mode": "auto"})
    host = edge.host("east", [SEATTLE])
    macvlan(edge)
    host.route()
    begin(edge)
    true("generic" in mode_of(edge, "slow"), f"mode {mode_of(edge, 'slow')}")
    log = edge.log("peertag-xdp")
    true("slow" in log and "generic" in log, f"the engine says so: {log}")
    counts(edge, host)


def native_without_the_driver_is_an_error(make):
    edge = make({"name": "slow", "mode": "native"}, {"name": "west"})
    edge.host("east", [SEATTLE])
    west = edge.host("west", [SEATTLE6])
    macvlan(edge)
    edge.start_engine()
    edge.start_control()
    edge.wait_api()
    edge.apply([seattle()])
    edge.wait_ready()
    edge.wait("the other port", lambda: mode_of(edge, "west") == "native")
    true(mode_of(edge, "slow") not in ("native", "generic"), "the mode says why not")
    log = edge.log("peertag-xdp")
    true("slow" in log and "native" in log, f"the engine names port and reason: {log}")
    counts(edge, west, source=SEATTLE6)


def a_foreign_program_keeps_its_hook(make):
    edge = make({"name": "east"}, {"name": "west"})
    host = edge.host("east", [SEATTLE])
    west = edge.host("west", [SEATTLE6])
    foreign = ForeignProgram(edge.namespace, "east")
    there = edge.link_of("east")["xdp"]["prog"]["id"]
    edge.start_engine()
    edge.start_control()
    edge.wait_api()
    edge.apply([seattle()])
    edge.wait_ready()
    edge.wait("the other port", lambda: mode_of(edge, "west") == "native")
    equal(edge.link_of("east")["xdp"]["prog"]["id"], there, "the program on the hook")
    true(mode_of(edge) not in ("native", "generic"), f"the mode says why not: {mode_of(edge)}")
    log = edge.log("peertag-xdp")
    true("east" in log and "held" in log, f"the engine says why: {log}")
    counts(edge, west, source=SEATTLE6)
    foreign.detach()
    edge.wait("the free hook to be taken", lambda: mode_of(edge) == "native", 5)
    counts(edge, host)


def large_frames_are_counted_whole(make):
    edge = make({"name": "east", "mode": "native"})
    host = edge.host("east", [SEATTLE, SEATTLE6], mtu=9000)
    begin(edge)
    equal(mode_of(edge), "native", "mode")
    for payload in (100, 3500, 4500, 8900):
        counts(edge, host, 40, payload)
        counts(edge, host, 40, payload, source=SEATTLE6)
    equal(edge.port("east")["received"]["bytes"] > 40 * udp_frame_bytes(SEATTLE, 8900), True,
          "bytes of whole frames")
    edge.kill("peertag-xdp")
    edge.start_engine()
    edge.wait_ready()
    equal(mode_of(edge), "native", "mode after a restart")
    counts(edge, host, 40, 8900)


def detaching_leaves_nothing_behind(make):
    edge = make({"name": "east"}, {"name": "west"})
    host = edge.host("east", [SEATTLE])
    edge.host("west")
    begin(edge)
    counts(edge, host)
    edge.end("peertagd")
    edge.end("peertag-xdp")
    true("xdp" in edge.link_of("east"), "an orderly end leaves the program attached")
    result = edge.namespace.run(program("peertag-xdp"), "-c", edge.config, "detach", "east",
                                check=False)
    equal(result.returncode, 0, f"exit code of detach: {result.stderr}")
    true("xdp" not in edge.link_of("east"), "east is free")
    true("xdp" in edge.link_of("west"), "west is not touched")
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        exchange.send(20)
    equal(exchange.lost, 0, "datagrams lost without the program")


run_each(native_mode_is_native, generic_mode_is_generic, auto_prefers_native,
         auto_falls_back_and_says_so, native_without_the_driver_is_an_error,
         a_foreign_program_keeps_its_hook, large_frames_are_counted_whole,
         detaching_leaves_nothing_behind)
