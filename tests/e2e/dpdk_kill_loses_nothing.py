#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of the DPDK engine and of control: counters go on, no hugepage is leaked.

    dpdk_kill_loses_nothing.py [KILLS]
"""

import statistics
import sys
import time

from customer import LONDON, SEATTLE, STRANGER, london, seattle
from dpdk import DpdkEdge, hugepages, hugepages_reserved
from forwarding_counts_and_tags import REMOTE, pair
from statement import equal, run_each, true
from traffic import Echo, Tally

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
HUGEPAGES = 300  # two sets of tables, and the packets


def memory_and_pages(free):
    return "--in-memory" if free >= HUGEPAGES else "--no-huge -m 768"


class Books:
    """Exchanges with the far side, and what the edge must have counted altogether."""

    def __init__(self, edge, east):
        self.edge, self.east = edge, east
        self.sent = {name: Tally() for name in ("contoso-seattle", "northwind-london")}
        self.returned = dict(self.sent)
        self.packets = 0

    def exchange(self, count):
        for name, source in (("contoso-seattle", SEATTLE), ("northwind-london", LONDON),
                             (None, STRANGER)):
            exchange = self.east.exchange(source, server=REMOTE)
            exchange.send(count)
            exchange.close()
            equal(exchange.lost, 0, f"datagrams lost from {source}")
            self.packets += exchange.sent.packets
            if name:
                self.sent[name] += exchange.sent
                self.returned[name] += exchange.returned

    def check(self):
        for name, sent in self.sent.items():
            equal(self.edge.connection(name), (sent, self.returned[name]), name)
        for port in ("east", "west"):
            equal(self.edge.port(port)["received"]["packets"], self.packets, f"{port}: received")


def killing_the_engine_again_and_again_loses_no_count_and_no_hugepage(make):
    with hugepages_reserved(HUGEPAGES) as free:
        edge, east, west = pair(make, memory=memory_and_pages(free))
        edge.apply([seattle(), london()])
        books, seconds = Books(edge, east), []
        with Echo(west.namespace, REMOTE):
            for _ in range(KILLS):
                books.exchange(20)
                edge.kill("peertag-dpdk")
                began = time.monotonic()
                edge.start_engine()
                edge.wait("the report", lambda: edge.status()["engines"][0]["up"], 10)
                edge.wait_ready()
                seconds.append(time.monotonic() - began)
                books.check()
            books.exchange(20)
        books.check()
        edge.kill("peertag-dpdk")
        # Others on this machine may have some for a moment; what is leaked stays away.
        edge.wait("all hugepages", lambda: hugepages("free") >= free, 20)
        print(f"# {KILLS} kills, {'with' if free >= HUGEPAGES else 'without'} hugepages; from "
              f"start to ready: median {statistics.median(seconds):.2f} s, "
              f"most {max(seconds):.2f} s")


def killing_control_stops_neither_packets_nor_counts(make):
    edge, east, west = pair(make)
    edge.apply([seattle(), london()])
    books = Books(edge, east)
    with Echo(west.namespace, REMOTE):
        for _ in range(3):
            books.exchange(50)
            edge.kill("peertagd")
            books.exchange(50)
            edge.start_control()
            edge.wait_ready()
            books.check()


def more_workers_or_connections_keep_the_counts(make):
    edge, east, west = pair(make)
    edge.apply([seattle(), london()])
    books = Books(edge, east)
    with Echo(west.namespace, REMOTE):
        for capacity, lcores in ((4096, "0-1"), (64, "0,1,2@1"), (1024, "0-1")):
            books.exchange(40)
            equal(edge.end("peertag-dpdk"), 0, "exit code")
            edge.lcores = lcores if "@" not in lcores else None
            edge.configure(max_connections=capacity,
                           engines=[engine_with(edge, lcores)])
            edge.end("peertagd")
            edge.start_engine()
            edge.start_control()
            edge.wait_ready()
            books.check()
            books.exchange(40)
            books.check()


def engine_with(edge, lcores):
    entry = edge.engine_entry()
    words = entry["eal"].split()
    words[0:2] = ["--lcores", "0,1,2@1"] if "@" in lcores else ["-l", lcores]
    return entry | {"eal": " ".join(words)}


def the_set_is_there_before_control_is(make):
    edge, east, west = pair(make)
    edge.apply([seattle(), london()])
    books = Books(edge, east)
    edge.kill("peertagd")
    edge.kill("peertag-dpdk")
    edge.start_engine()
    edge.wait("the port", lambda: edge.log("peertag-dpdk").count("port west") == 2)
    with Echo(west.namespace, REMOTE):
        books.exchange(50)
    edge.start_control()
    edge.wait_ready()
    books.check()
    true(edge.port("east")["outcomes"]["unmatched"] == 50, "only the stranger is unmatched")


run_each(killing_the_engine_again_and_again_loses_no_count_and_no_hugepage,
         killing_control_stops_neither_packets_nor_counts,
         more_workers_or_connections_keep_the_counts,
         the_set_is_there_before_control_is, kind=DpdkEdge)
