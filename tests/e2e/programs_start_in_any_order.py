#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Control and engine start in any order, and the engine starts without control from its file."""

from customer import SEATTLE, london, seattle
from edge import SERVER
from statement import equal, run_each, true
from traffic import Echo

FIRST_MARK = 120  # where a snapshot has its first class's mark: only the checksum tells


def traffic(edge, host, count):
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        exchange.send(count)
    equal(exchange.lost, 0, "datagrams lost")


def the_engine_may_start_before_control(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_engine()
    edge.wait("the programs", lambda: "xdp" in edge.link_of("east"))
    traffic(edge, host, 10)
    edge.start_control()
    edge.wait_ready()
    edge.apply([seattle()])
    traffic(edge, host, 25)
    equal(edge.connection("contoso-seattle")[0].packets, 25, "packets after the registration")
    equal(edge.port("east")["outcomes"]["unmatched"], 10, "packets before it")


def control_may_start_before_the_engine(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_control()
    edge.wait_api()
    equal(edge.api("GET", "/readyz")[0], 503, "readiness without an engine")
    answer = edge.apply([seattle()])
    equal(answer.code, 0, "the commit stands although the engine is absent")
    true(not edge.status()["ready"], "status says so")
    edge.start_engine()
    edge.wait_ready()
    traffic(edge, host, 25)
    equal(edge.connection("contoso-seattle")[0].packets, 25, "packets")


def the_engine_starts_from_its_file_after_a_reboot(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.apply([seattle(), london()])
    traffic(edge, host, 5)
    edge.kill("peertagd")
    edge.kill("peertag-xdp")
    edge.pins_remove()
    traffic(edge, host, 3)
    edge.start_engine()
    edge.wait("the programs", lambda: "xdp" in edge.link_of("east"))
    traffic(edge, host, 40)
    edge.start_control()
    edge.wait_ready()
    equal(edge.connection("contoso-seattle")[0].packets, 40,
          "what was counted from the file's set, without control")


def a_broken_file_is_not_believed(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.apply([seattle()])
    edge.end("peertag-xdp")
    edge.end("peertagd")
    edge.pins_remove()
    kept = [name for name in edge.files() if "snapshot" in name]
    equal(len(kept), 1, f"files with the last snapshot of {edge.files()}")
    with open(edge.path(kept[0]), "r+b") as file:
        file.seek(FIRST_MARK)
        file.write(b"\xff\xff\xff\x0f")
    edge.start_engine()
    edge.wait("the programs", lambda: "xdp" in edge.link_of("east"))
    true(kept[0] in edge.log("peertag-xdp"), "the engine names the file")
    traffic(edge, host, 7)
    edge.start_control()
    edge.wait_ready()
    traffic(edge, host, 40)
    equal(edge.connection("contoso-seattle")[0].packets, 40, "packets with control's set")
    equal(edge.port("east")["outcomes"]["unmatched"], 7, "packets before it")


def two_engines_of_one_name_do_not_fight(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.apply([seattle()])
    second = edge.start("second", *edge.engine_command())
    true(second.wait(10) != 0, "the second engine ends with an error")
    edge.processes.pop("second")
    true("engine-xdp.sock" in edge.log("second"), "and names what is taken")
    traffic(edge, host, 12)
    equal(edge.connection("contoso-seattle")[0].packets, 12, "the first one goes on")


run_each(the_engine_may_start_before_control, control_may_start_before_the_engine,
         the_engine_starts_from_its_file_after_a_reboot, a_broken_file_is_not_believed,
         two_engines_of_one_name_do_not_fight)
