#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What holds for forwarding by XDP holds by DPDK, on the same ports: by AF_PACKET or by AF_XDP."""

import sys

from customer import SEATTLE, seattle
from dpdk import DpdkEdge
from edge import TABLE
from forwarding_counts_and_tags import (REMOTE, dropping_ports_count_and_pass_nothing, pair,
                                        packets_cross_and_count, send_only, tcp_crosses,
                                        vlan_and_dscp_are_written)
from statement import equal, run_each, true
from traffic import Echo


def two_engines_hand_packets_over_by_memif(make):
    """east - engine one - shared memory - engine two - west: both classify and count."""
    edge, east, west = pair(make)
    edge.end("peertag-dpdk")
    entries = []
    for name, port, role in (("one", "east", "server"), ("two", "west", "client")):
        memif = f"net_memif_{name}"
        ports = [{"name": port, "forward": memif}, {"name": memif, "forward": port}]
        memif = (f"--vdev {memif},role={role},id=0,socket-abstract=no,"
                 f"socket={edge.path('memif.sock')}")
        entries.append({"name": name, "table": TABLE, "ports": ports,
                        "eal": edge.eal(ports[:1], memif).replace(f"--file-prefix {edge.name}",
                                                                  f"--file-prefix {edge.name}-{name}")})
    edge.end("peertagd")
    edge.configure(engines=entries)
    for entry in entries:
        name = entry["name"]
        edge.start(name, edge.engine_command()[0], "-c", edge.config, "-n", name)
        # A client that comes before its server may try no more.
        edge.wait("the engine", lambda: f"port net_memif_{name} " in edge.log(name))
    edge.start_control()
    edge.wait_ready()
    edge.apply([seattle()])
    edge.wait("memif", lambda: all(port["up"] for engine in edge.status()["engines"]
                                   for port in engine["ports"]), 10)
    with Echo(west.namespace, REMOTE):
        exchange = east.exchange(SEATTLE, server=REMOTE)
        exchange.send(200, 64)
    equal(exchange.lost, 0, "datagrams lost")
    receive, transmit = edge.connection("contoso-seattle")
    equal((receive, transmit), (exchange.sent + exchange.sent,
                                exchange.returned + exchange.returned), "counted by each engine")


def killed_af_xdp_falls_open_to_the_kernel(make):
    edge = make({"name": "east", "forward": "drop"})
    host = edge.host("east", [SEATTLE])
    host.link.offload(2, tx="off")
    edge.start_all()
    edge.apply([seattle()])
    with Echo(edge.namespace, "198.18.0.1") as echo:
        send_only_to_edge(host, 50)
        edge.wait("the count", lambda: edge.connection("contoso-seattle")[0].packets == 50)
        equal(echo.answered, 0, "what reached the host")
        edge.kill("peertag-dpdk")
        edge.wait("the kernel", lambda: send_only_to_edge(host, 1) or echo.answered > 0, 5)
        edge.start_engine()
        edge.wait_ready()
        true(edge.connection("contoso-seattle")[0].packets >= 50, "the counters go on")
        before = edge.connection("contoso-seattle")[0].packets
        send_only_to_edge(host, 20)
        edge.wait("the count",
                  lambda: edge.connection("contoso-seattle")[0].packets == before + 20)


def send_only_to_edge(host, count):
    exchange = host.exchange(SEATTLE)
    for _ in range(count):
        exchange.sock.send(bytes(100))
    exchange.close()


DRIVER = sys.argv[1]
SHARED = (packets_cross_and_count, tcp_crosses, vlan_and_dscp_are_written)
OWN = (two_engines_hand_packets_over_by_memif, dropping_ports_count_and_pass_nothing,
       killed_af_xdp_falls_open_to_the_kernel)
run_each(*SHARED, *(OWN if DRIVER == "af_xdp" else ()), kind=DpdkEdge, driver=DRIVER)
