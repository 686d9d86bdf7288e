#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the host sends: TCP with segmentation offload counts as the receiver gets it."""

from customer import SEATTLE, SEATTLE6, customer, seattle
from edge import SERVER, tally
from statement import equal, run_each, true
from traffic import Echo, TcpServer, tcp_exchange

DOWNLOAD = 5_000_000
UPLOAD = 1_000_000


def prepare(make, **port):
    edge = make({"name": "east", "forward": "pass"} | port)
    host = edge.host("east", [SEATTLE, SEATTLE6])
    edge.start_all()
    edge.apply([seattle()])
    return edge, host


def segments_that_arrived(host, version):
    """The kernel's own count at the receiver: an offloaded packet counts as its segments."""
    with host.namespace:
        with open(f"/proc/thread-self/net/{'snmp6' if version == 6 else 'netstat'}",
                  encoding="ascii") as file:
            rows = [row.split() for row in file]
    if version == 6:
        return next(int(row[1]) for row in rows if row[0] == "Ip6InNoECTPkts")
    names, values = (row for row in rows if row[0] == "IpExt:")
    return int(values[names.index("InNoECTPkts")])


def offloaded_segments_count_one_by_one(make):
    for source, version in ((SEATTLE, 4), (SEATTLE6, 6)):
        edge, host = prepare(make)
        with TcpServer(edge.namespace, SERVER[version]), host.ledger() as ledger:
            tcp_exchange(host.namespace, source, SERVER[version], DOWNLOAD, UPLOAD)
        received, sent = ledger.tally(False), ledger.tally(True)
        true(any(frame.segments > 1 for frame in ledger.frames), "offload was at work")
        receive, transmit = edge.connection("contoso-seattle")
        equal(transmit, received, f"transmit over IPv{version}")
        equal(receive, sent, f"receive over IPv{version}")
        equal(transmit.packets, segments_that_arrived(host, version), "the kernel's own count")
        equal(edge.port("east")["sent_outcomes"]["matched"], received.packets, "sent, matched")


def without_offload_the_count_is_the_same(make):
    edge, host = prepare(make)
    edge.namespace.run("ethtool", "-K", "east", "tso", "off", "gso", "off")
    with TcpServer(edge.namespace, SERVER[4]), host.ledger() as ledger:
        tcp_exchange(host.namespace, SEATTLE, SERVER[4], DOWNLOAD, UPLOAD)
    equal([frame for frame in ledger.frames if frame.segments > 1], [], "offloaded frames")
    receive, transmit = edge.connection("contoso-seattle")
    equal(transmit, ledger.tally(False), "transmit")
    equal(receive, ledger.tally(True), "receive")


def generic_mode_counts_what_arrives(make):
    edge, host = prepare(make, mode="generic")
    host.link.offload(2, tso="off", gso="off")
    with TcpServer(edge.namespace, SERVER[4]), host.ledger() as ledger:
        tcp_exchange(host.namespace, SEATTLE, SERVER[4], DOWNLOAD, UPLOAD)
    receive, transmit = edge.connection("contoso-seattle")
    equal(transmit, ledger.tally(False), "transmit")
    equal(receive, ledger.tally(True), "receive")


def other_traffic_of_the_host_is_unmatched(make):
    edge, host = prepare(make)
    edge.apply([customer("somebody-else", "198.51.100.0/24")], "--force")
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        exchange.send(90)
    port = edge.port("east")
    equal((port["sent_outcomes"]["matched"], port["sent_outcomes"]["unmatched"]), (0, 90), "sent")
    equal(tally(port["received"]), exchange.sent, "received")


def egress_can_be_switched_off(make):
    edge, host = prepare(make, egress=False)
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        exchange.send(90)
    receive, transmit = edge.connection("contoso-seattle")
    equal((receive.packets, transmit.packets), (90, 0), "receive and transmit")


run_each(offloaded_segments_count_one_by_one, without_offload_the_count_is_the_same,
         generic_mode_counts_what_arrives, other_traffic_of_the_host_is_unmatched,
         egress_can_be_switched_off)
