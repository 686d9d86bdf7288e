#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of peertagd, of peertag-xdp, and of both, under traffic: nothing lost or miscounted."""

import json
import subprocess
import sys
import time

from customer import LONDON, SEATTLE, SEATTLE6, customer, london, prefix6, seattle
from edge import SERVER, program
from statement import Edge, begin, equal, holds, logs_show, true
from traffic import Echo, Flow

PAUSE_PACKETS = 400


class Scene:
    """Three flows that never pause, while the programs die and come back."""

    def __init__(self, edge):
        self.edge = edge
        host = edge.host("east", [SEATTLE, SEATTLE6, LONDON])
        edge.start_all()
        edge.apply([seattle(), london()])
        self.exchanges = {address: host.exchange(address, window=16)
                          for address in (SEATTLE, SEATTLE6, LONDON)}
        self.host = host

    def packets(self):
        return sum(exchange.sent.packets for exchange in self.exchanges.values())

    def go_on(self):
        """Waits until some hundred packets more have passed."""
        begun = self.packets()
        self.edge.wait("traffic", lambda: self.packets() > begun + PAUSE_PACKETS)

    def try_it(self, fault):
        """Commits a fault in the middle of traffic; afterwards every packet is accounted for."""
        services = [Echo(self.edge.namespace, address) for address in SERVER.values()]
        services += [Flow(exchange) for exchange in self.exchanges.values()]
        for service in services:
            service.start()
        try:
            self.go_on()
            fault(self.edge, self)
            self.go_on()
        finally:
            for service in reversed(services):
                service.stop()
        # A stopped flow cannot start again: the exchanges keep their sums for the next one.
        self.accounts()

    def accounts(self):
        for address, exchange in self.exchanges.items():
            equal(exchange.lost, 0, f"datagrams lost from {address}")
        self.edge.wait_ready()
        seattle_receive, seattle_transmit = self.edge.connection("contoso-seattle")
        both = [self.exchanges[address] for address in (SEATTLE, SEATTLE6)]
        equal(seattle_receive, both[0].sent + both[1].sent, "seattle's receive")
        equal(seattle_transmit, both[0].returned + both[1].returned, "seattle's transmit")
        receive, transmit = self.edge.connection("northwind-london")
        equal(receive, self.exchanges[LONDON].sent, "london's receive")
        equal(transmit, self.exchanges[LONDON].returned, "london's transmit")
        port = self.edge.port("east")
        equal(port["received"]["packets"], self.host.sent_packets(), "what the port received")
        equal(port["outcomes"]["matched"], self.packets(), "packets that matched")


def killing_control_loses_nothing(scene):
    def fault(edge, scene):
        edge.kill("peertagd")
        scene.go_on()
        edge.start_control()
        edge.wait_ready()
    scene.try_it(fault)


def killing_the_engine_loses_nothing(scene):
    def fault(edge, scene):
        edge.kill("peertag-xdp")
        edge.wait("the report", lambda: not edge.status()["engines"][0]["up"], 2)
        true(not edge.status()["ready"], "readiness is false without the engine")
        scene.go_on()
        edge.start_engine()
        edge.wait_ready()
    scene.try_it(fault)


def killing_both_loses_nothing(scene):
    def fault(edge, scene):
        edge.kill("peertagd")
        edge.kill("peertag-xdp")
        scene.go_on()
        edge.start_engine()
        edge.start_control()
        edge.wait_ready()
    scene.try_it(fault)


def ending_orderly_leaves_the_programs_attached(scene):
    def fault(edge, scene):
        equal(edge.end("peertag-xdp"), 0, "exit code of peertag-xdp")
        equal(edge.end("peertagd"), 0, "exit code of peertagd")
        scene.go_on()
        edge.start_control()
        edge.wait_api()
        edge.start_engine()
        edge.wait_ready()
    scene.try_it(fault)


def what_was_acknowledged_survives_the_kill(scene):
    def fault(edge, _):
        for number in range(10):
            edge.cli("connection", "add", f"extra-{number}", "partner", "Colt", "country", "GB",
                     "prefix", f"192.0.2.{number * 16}/28", check=True)
            edge.kill("peertagd")
            edge.start_control()
            edge.wait_ready()
        names = edge.counters()["connections"]
        equal([number for number in range(10) if f"extra-{number}" not in names], [],
              "registrations that were lost")
    scene.try_it(fault)


def a_kill_during_apply_leaves_the_old_or_the_new(scene):
    """The file of 400 more connections is killed at different moments of its application."""
    edge = scene.edge
    small = exported_to(edge, "small.jsonl")
    large = small + [customer(f"more-{number}", prefix6(number)) for number in range(400)]
    write(edge.path("large.jsonl"), large)

    def fault(edge, _):
        for delay_ms in (0, 5, 15, 40):
            begun = subprocess.Popen(
                [program("peertag"), "-s", edge.socket, "apply", edge.path("large.jsonl")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay_ms / 1000)
            edge.kill("peertagd")
            begun.wait(20)
            edge.start_control()
            edge.wait_ready()
            found = edge.status()["connections"]
            true(found in (len(small), len(large)), f"{found} of {len(small)} or {len(large)}")
            edge.cli("apply", edge.path("small.jsonl"), "--force", check=True)
    scene.try_it(fault)


def exported_to(edge, name):
    text = edge.cli("export", form=(), check=True).stdout
    with open(edge.path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return [json.loads(line) for line in text.splitlines()]


def write(path, connections):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in connections)


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}]) as edge:
        scene = Scene(edge)
        verdicts = [holds(statement, scene) for statement in (
            killing_control_loses_nothing,
            killing_the_engine_loses_nothing,
            killing_both_loses_nothing,
            ending_orderly_leaves_the_programs_attached,
            what_was_acknowledged_survives_the_kill,
            a_kill_during_apply_leaves_the_old_or_the_new)]
        if not all(verdicts):
            logs_show(edge)
    sys.exit(0 if all(verdicts) else 1)


main()
