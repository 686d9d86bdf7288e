#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A port that goes down, comes up, is removed or renamed: reported in a second, counted again."""

from customer import SEATTLE, SEATTLE6, seattle
from edge import SERVER, program
from statement import equal, run_each, true
from traffic import Echo

REPORT_S = 2.0


def prepare(make):
    edge = make({"name": "east", "forward": "pass"}, {"name": "west", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    other = edge.host("west", [SEATTLE6])
    edge.start_all()
    edge.apply([seattle()])
    exchange(edge, host, SEATTLE, 20)
    return edge, host, other


def exchange(edge, host, source, count):
    """Traffic that must be counted exactly."""
    before, _ = edge.connection("contoso-seattle")
    with Echo(edge.namespace, SERVER[6 if ":" in source else 4]):
        flow = host.exchange(source)
        flow.send(count)
    equal(flow.lost, 0, "datagrams lost")
    receive, _ = edge.connection("contoso-seattle")
    equal(receive, before + flow.sent, "receive")


def up(edge, port="east"):
    return edge.port(port)["up"]


def down_and_up_is_reported_and_counts_again(make):
    edge, host, other = prepare(make)
    edge.namespace.run("ip", "link", "set", "east", "down")
    edge.wait("the report of down", lambda: not up(edge), REPORT_S)
    exchange(edge, other, SEATTLE6, 10)
    host.link.up()
    host.route()
    edge.wait("the report of up", lambda: up(edge), REPORT_S)
    exchange(edge, host, SEATTLE, 30)


def removed_and_made_anew_is_attached_again(make):
    edge, host, other = prepare(make)
    edge.namespace.run("ip", "link", "del", "east")
    edge.wait("the report", lambda: not up(edge), REPORT_S)
    exchange(edge, other, SEATTLE6, 10)
    host.link.create()
    host.route()
    edge.wait("the port", lambda: up(edge) and edge.port("east")["mode"] == "native", REPORT_S)
    exchange(edge, host, SEATTLE, 30)
    true(edge.port("east")["received"]["packets"] >= 50, "the port's counters went on")


def removed_while_the_engine_is_away(make):
    edge, host, _ = prepare(make)
    edge.kill("peertag-xdp")
    edge.namespace.run("ip", "link", "del", "east")
    host.link.create()
    host.route()
    edge.start_engine()
    edge.wait_ready()
    edge.wait("the port", lambda: up(edge), REPORT_S)
    exchange(edge, host, SEATTLE, 30)


def a_port_that_comes_later_is_attached(make):
    edge = make({"name": "east", "forward": "pass"}, {"name": "late", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_engine()
    edge.start_control()
    edge.wait_api()
    edge.apply([seattle()])
    edge.wait_ready()
    edge.wait("the first port", lambda: up(edge))
    exchange(edge, host, SEATTLE, 10)
    late = edge.host("late", [SEATTLE6])
    edge.wait("the late port", lambda: up(edge, "late"), REPORT_S)
    exchange(edge, late, SEATTLE6, 10)


def renamed_is_reported_and_goes_on_counting(make):
    edge, host, _ = prepare(make)
    edge.namespace.run("ip", "link", "set", "east", "name", "other")
    edge.wait("the report", lambda: "other" in edge.port("east")["mode"], REPORT_S)
    exchange(edge, host, SEATTLE, 15)
    edge.namespace.run("ip", "link", "set", "other", "name", "east")
    edge.wait("the port", lambda: edge.port("east")["mode"] == "native", REPORT_S)
    exchange(edge, host, SEATTLE, 30)


def a_program_taken_off_on_purpose_stays_off(make):
    edge, host, _ = prepare(make)
    result = edge.namespace.run(program("peertag-xdp"), "-c", edge.config, "detach", "east")
    edge.wait("the report", lambda: not up(edge) and "detach" in edge.port("east")["mode"],
              REPORT_S)
    true("xdp" not in edge.link_of("east"), f"the hook is free: {result.stderr}")
    edge.end("peertag-xdp")
    edge.start_engine()
    edge.wait_ready()
    edge.wait("the port", lambda: up(edge), REPORT_S)
    exchange(edge, host, SEATTLE, 30)


run_each(down_and_up_is_reported_and_counts_again, removed_and_made_anew_is_attached_again,
         removed_while_the_engine_is_away, a_port_that_comes_later_is_attached,
         renamed_is_reported_and_goes_on_counting, a_program_taken_off_on_purpose_stays_off)
