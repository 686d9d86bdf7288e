#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ports that do not end on the host: out of the paired port, tagged, or dropped after counting."""

import struct

from customer import LONDON, SEATTLE, STRANGER, london, seattle
from edge import tally
from namespace import settle
from statement import equal, run_each, true
from traffic import Echo, Sink, Tally, TcpServer, checksum_is_valid, tcp_exchange

REMOTE = "198.18.7.7"


def pair(make, mtu=1500, **configuration):
    """Two hosts on two ports that forward to each other; (edge, customer's host, remote host)."""
    edge = make({"name": "east", "forward": "west"}, {"name": "west", "forward": "east"},
                **configuration)
    east = edge.host("east", [SEATTLE, LONDON, STRANGER], mtu=mtu)
    west = edge.host("west", [REMOTE], mtu=mtu)
    for here, there in ((east, west), (west, east)):
        here.link.offload(2, gro="on", tx="off")
        for address in there.addresses:
            here.link.route(2, address)
        here.namespace.run("ip", "neigh", "replace", here.link.gateway(4, 1), "lladdr",
                           there.link.mac(2), "dev", here.device, "nud", "permanent")
    edge.start_all()
    return edge, east, west


def packets_cross_and_count(make):
    edge, east, west = pair(make)
    edge.apply([seattle(), london()])
    with Echo(west.namespace, REMOTE):
        exchanges = {source: east.exchange(source, server=REMOTE)
                     for source in (SEATTLE, LONDON, STRANGER)}
        for number, exchange in enumerate(exchanges.values()):
            exchange.send(300 + number, 64)
            exchange.send(50, 1400)
    for source, exchange in exchanges.items():
        equal(exchange.lost, 0, f"datagrams lost from {source}")
    for name, source in (("contoso-seattle", SEATTLE), ("northwind-london", LONDON)):
        receive, transmit = edge.connection(name)
        equal(receive, exchanges[source].sent, f"{name}: receive")
        equal(transmit, exchanges[source].returned, f"{name}: transmit")
    total = sum((exchange.sent for exchange in exchanges.values()), Tally())
    for port, host in (("east", east), ("west", west)):
        status = edge.port(port)
        equal(host.sent_packets(), total.packets, f"{port}: packets from its host")
        equal(tally(status["received"]), total, f"{port}: received")
        equal(status["outcomes"]["unmatched"], exchanges[STRANGER].sent.packets,
              f"{port}: unmatched")
        equal(status["forward_drops"], 0, f"{port}: forward drops")


def large_frames_cross(make):
    edge, east, west = pair(make, mtu=9000)
    edge.apply([seattle()])
    with Echo(west.namespace, REMOTE):
        exchange = east.exchange(SEATTLE, server=REMOTE)
        exchange.send(60, 8900)
        exchange.send(60, 64)
    equal((exchange.lost, edge.port("east")["forward_drops"]), (0, 0), "datagrams lost, drops")
    equal(edge.connection("contoso-seattle"), (exchange.sent, exchange.returned), "counters")


def tcp_crosses(make):
    edge, east, west = pair(make)
    edge.apply([seattle()])
    with TcpServer(west.namespace, REMOTE), east.ledger() as ledger:
        tcp_exchange(east.namespace, SEATTLE, REMOTE, 500_000, 100_000)
    receive, transmit = edge.connection("contoso-seattle")
    equal(receive, ledger.tally(True), "receive")
    equal(transmit, ledger.tally(False), "transmit")


def vlan_and_dscp_are_written(make):
    edge, east, west = pair(make, tag={"mark": False, "dscp": True, "vlan": True})
    edge.apply([seattle(tag={"vlan": 100, "dscp": 10}), london(tag={"vlan": 200})])
    with west.ledger() as ledger, Sink(west.namespace, REMOTE):
        for source, count in ((SEATTLE, 60), (LONDON, 40), (STRANGER, 20)):
            send_only(east, source, count)
    frames = [frame.content for frame in ledger.frames if not frame.outgoing]
    tags = {}
    for content in frames:
        kind, tag, inner = struct.unpack_from("!HHH", content, 12)
        tags[tag if kind == 0x8100 else None] = tags.get(tag if kind == 0x8100 else None, 0) + 1
        header = content[18:] if kind == 0x8100 else content[14:]
        equal(inner if kind == 0x8100 else kind, 0x0800, "the EtherType within")
        true(checksum_is_valid(header), "the IPv4 header's checksum")
        equal(header[1] >> 2, 10 if kind == 0x8100 and tag == 100 else 0, "dscp")
    equal(tags, {100: 60, 200: 40, None: 20}, "frames by VLAN tag")
    equal(edge.port("east")["tagged"]["vlan"], 100, "tags that were counted")
    receive, _ = edge.connection("contoso-seattle")
    equal(receive.packets, 60, "receive")


def send_only(host, source, count):
    exchange = host.exchange(source, server=REMOTE, port=9)
    for _ in range(count):
        exchange.sock.send(bytes(100))
    exchange.close()


def dropping_ports_count_and_pass_nothing(make):
    edge = make({"name": "east", "forward": "drop"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.apply([seattle()])
    with Sink(edge.namespace, "198.18.0.1") as sink:
        exchange = host.exchange(SEATTLE, port=9)
        for _ in range(200):
            exchange.sock.send(bytes(64))
        edge.wait("the count", lambda: edge.connection("contoso-seattle")[0].packets == 200)
    equal(sink.received, Tally(), "what reached the host")
    equal(edge.port("east")["forward_drops"], 0, "a wanted drop is no forward drop")


def a_full_or_missing_far_port_is_counted(make):
    edge, east, _ = pair(make)
    edge.apply([seattle()])
    edge.namespace.run("ip", "link", "set", "west", "down")
    send_only(east, SEATTLE, 100)
    edge.wait("the drops", lambda: edge.port("east")["forward_drops"] == 100, 3)
    equal(edge.connection("contoso-seattle")[0].packets, 100, "they were received all the same")


def what_the_kernel_routes_counts_once(make):
    edge = make({"name": "east", "forward": "pass"}, {"name": "west", "forward": "pass"})
    east = edge.host("east", [SEATTLE])
    west = edge.host("west", [REMOTE])
    with edge.namespace:
        settle("/proc/sys/net/ipv4/ip_forward", 1)
    east.link.route(2, REMOTE, SEATTLE)
    west.link.route(2, SEATTLE, REMOTE)
    edge.start_all()
    edge.apply([seattle()])
    with Echo(west.namespace, REMOTE):
        exchange = east.exchange(SEATTLE, server=REMOTE)
        exchange.send(150)
    equal(exchange.lost, 0, "datagrams lost")
    equal(edge.connection("contoso-seattle"), (exchange.sent, exchange.returned), "counters")
    for port in ("east", "west"):
        status = edge.port(port)
        equal((status["outcomes"]["matched"], sum(status["sent_outcomes"].values())), (150, 0),
              f"{port}: received, sent")


if __name__ == "__main__":
    run_each(packets_cross_and_count, large_frames_cross, tcp_crosses, vlan_and_dscp_are_written,
             dropping_ports_count_and_pass_nothing, what_the_kernel_routes_counts_once,
             a_full_or_missing_far_port_is_counted)
