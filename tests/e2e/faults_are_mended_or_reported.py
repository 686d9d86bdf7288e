#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What other people and programs do to a running edge: filters, names, pins, a second engine."""

import os

from customer import LONDON, SEATTLE, london, seattle
from edge import SERVER, program
from namespace import settle
from statement import equal, run_each, true
from traffic import Echo

REPORT_S = 2.0


def prepare(make, *ports):
    edge = make({"name": "east"}, *ports)
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.apply([seattle(), london()])
    exchange(edge, host)
    return edge, host


def exchange(edge, host, count=40):
    """Traffic that must be counted exactly both ways."""
    before = edge.connection("contoso-seattle")
    with Echo(edge.namespace, SERVER[4]):
        flow = host.exchange(SEATTLE)
        flow.send(count)
    equal(flow.lost, 0, "datagrams lost")
    receive, transmit = edge.connection("contoso-seattle")
    equal(receive, before[0] + flow.sent, "receive")
    equal(transmit, before[1] + flow.returned, "transmit")


def restart(edge, between=lambda: None, **changes):
    """The same edge with another configuration; the programs are attached all the while."""
    edge.end("peertag-xdp")
    edge.end("peertagd")
    between()
    edge.configure(**changes)
    edge.start_engine()
    edge.start_control()
    edge.wait_ready()


def filters(edge, device="east"):
    return edge.namespace.run("tc", "filter", "show", "dev", device, "egress").stdout


def a_removed_clsact_qdisc_is_put_back(make):
    edge, host = prepare(make)
    edge.namespace.run("tc", "qdisc", "del", "dev", "east", "clsact")
    edge.wait("the filter", lambda: "pt_egress" in filters(edge), REPORT_S)
    edge.wait("the report", lambda: "filter was removed" in edge.log("peertag-xdp"), REPORT_S)
    exchange(edge, host)


def a_removed_filter_is_put_back(make):
    edge, host = prepare(make)
    edge.namespace.run("tc", "filter", "del", "dev", "east", "egress", "pref", "28788")
    edge.wait("the filter", lambda: "pt_egress" in filters(edge), REPORT_S)
    exchange(edge, host)


def a_renamed_port_gets_new_programs_too(make):
    edge, host = prepare(make)
    def rename():
        edge.namespace.run("ip", "link", "set", "east", "name", "other")
    restart(edge, rename, max_connections=2048)
    edge.wait("the report", lambda: "other" in edge.port("east")["mode"], REPORT_S)
    exchange(edge, host)


def a_name_that_goes_to_another_device_takes_the_filters_along(make):
    edge, host = prepare(make)
    edge.namespace.run("ip", "link", "set", "east", "name", "other")
    edge.wait("the report", lambda: "other" in edge.port("east")["mode"], REPORT_S)
    edge.namespace.run("ip", "link", "add", "east", "type", "veth", "peer", "name", "far")
    edge.wait("the new device", lambda: "xdp" in edge.link_of("east"), REPORT_S)
    edge.wait("its filter", lambda: "pt_egress" in filters(edge), REPORT_S)
    true("xdp" not in edge.link_of("other"), "the other device's hook is free")
    equal(filters(edge, "other"), "", "filters on the other device")


def counts_of_an_old_size_never_come_back(make):
    edge, host = prepare(make)
    pins = os.path.join(edge.pins, "xdp")
    # As if the engine had been killed in the instant before it removed them.
    for kind in ("counters", "owners"):
        os.link(f"{pins}/{kind}-1024", f"{pins}/{kind}")
    restart(edge, max_connections=2048)
    exchange(edge, host)
    for kind in ("counters", "owners"):
        os.rename(f"{pins}/{kind}", f"{pins}/{kind}-1024")
    restart(edge)
    exchange(edge, host)
    before = edge.connection("contoso-seattle")
    restart(edge, max_connections=1024)
    equal(edge.connection("contoso-seattle"), before, "receive and transmit")
    exchange(edge, host)


def two_engines_never_share_pins(make):
    edge, host = prepare(make)
    other = edge.path("other")
    os.mkdir(other)
    config = edge.path("other.yaml")
    with open(edge.config, encoding="utf-8") as file:
        text = file.read().replace(f'run_dir: "{edge.folder}"', f'run_dir: "{other}"')
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    second = edge.namespace.run(program("peertag-xdp"), "-c", config, "-n", "xdp", check=False,
                                timeout=20)
    equal(second.returncode, 1, "exit code")
    true("another engine" in second.stderr, f"it says why: {second.stderr}")
    exchange(edge, host)


def what_arrives_by_a_detached_port_counts_as_sent(make):
    edge, host = prepare(make, {"name": "west"})
    west = edge.host("west", [LONDON])
    edge.wait("west", lambda: edge.port("west")["up"], REPORT_S)
    with edge.namespace:
        settle("/proc/sys/net/ipv4/ip_forward", 1)
    host.link.route(2, LONDON, SEATTLE)
    west.link.route(2, SEATTLE, LONDON)
    with Echo(west.namespace, LONDON):
        flow = host.exchange(SEATTLE, LONDON)
        flow.send(30)
        equal(flow.lost, 0, "datagrams lost")
        sent = edge.port("west")["sent_outcomes"]["matched"]
        equal(sent, 0, "what east counted already")
        edge.namespace.run(program("peertag-xdp"), "-c", edge.config, "detach", "east")
        flow.send(30)
    equal(flow.lost, 0, "datagrams lost")
    equal(edge.port("west")["sent_outcomes"]["matched"] - sent, 30, "sent by west, matched")


def a_removed_pin_of_the_table_is_made_anew(make):
    edge, host = prepare(make)
    def remove():
        pins = os.path.join(edge.pins, "xdp")
        for name in os.listdir(pins):
            if name.startswith("rules"):
                os.unlink(os.path.join(pins, name))
    restart(edge, remove)
    exchange(edge, host)
    answer = edge.cli("lookup", SEATTLE, check=True).json
    true(answer["engines"][0]["agrees"], f"the engine's own lookup: {answer}")


def a_removed_pin_of_a_port_is_put_back(make):
    edge, host = prepare(make)
    pin = os.path.join(edge.pins, "xdp", "xdp-0")
    os.unlink(pin)
    edge.wait("the pin", lambda: os.path.exists(pin), REPORT_S)
    edge.kill("peertag-xdp")
    true("xdp" in edge.link_of("east"), "the program outlives the engine")
    edge.start_engine()
    edge.wait_ready()
    exchange(edge, host)


def the_number_of_latency_slots_may_change(make):
    edge, host = prepare(make)
    for slots in (64, 9000):
        restart(edge, latency={"slots": slots})
        kept = [name for name in os.listdir(os.path.join(edge.pins, "xdp"))
                if name.startswith("latency-")]
        equal(kept, [f"latency-{slots}"], "pinned round-trip times")
        exchange(edge, host)


def removed_pins_are_reported(make):
    edge, host = prepare(make)
    edge.pins_remove()
    edge.wait("the report", lambda: "pins are gone" in edge.port("east")["mode"], REPORT_S)
    exchange(edge, host)


run_each(a_removed_clsact_qdisc_is_put_back, a_removed_filter_is_put_back,
         a_renamed_port_gets_new_programs_too,
         a_name_that_goes_to_another_device_takes_the_filters_along,
         counts_of_an_old_size_never_come_back, two_engines_never_share_pins,
         what_arrives_by_a_detached_port_counts_as_sent,
         a_removed_pin_of_the_table_is_made_anew, a_removed_pin_of_a_port_is_put_back,
         the_number_of_latency_slots_may_change, removed_pins_are_reported)
