#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the host sends: TCP with segmentation offload counts as the receiver gets it."""

import os
import socket
import struct

from customer import SEATTLE, SEATTLE6, customer, seattle
from edge import SERVER, tally
from statement import equal, run_each, true
from traffic import (ETHERNET_BYTES, IP_BYTES, Echo, Tally, TcpServer, offloaded_send,
                     tcp_exchange)

DOWNLOAD = 5_000_000
UPLOAD = 1_000_000
TCP, UDP = 6, 17
TRANSPORT = {TCP: struct.pack("!HHIIBBHHH", 7, 9, 1, 1, 0x50, 0x10, 1000, 0, 0),
             UDP: struct.pack("!HHHH", 7, 9, 5008, 0)}
NEEDS_CHECKSUM = 1
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])
GSO_TYPE = {(TCP, 4): 1, (TCP, 6): 4, (UDP, 4): 5, (UDP, 6): 5}


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


def frame_of(edge, version, protocol, payload=5000):
    """A frame of the edge's server to the customer."""
    link = edge.links["east"]
    content = TRANSPORT[protocol] + bytes(payload)
    macs = bytes.fromhex((link.mac(2) + link.mac(1)).replace(":", ""))
    if version == 6:
        header = struct.pack("!IHBB", 6 << 28, len(content), protocol, 64)
        return b"".join((macs, b"\x86\xdd", header, socket.inet_pton(socket.AF_INET6, SERVER[6]),
                         socket.inet_pton(socket.AF_INET6, SEATTLE6), content))
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 1, 0, 64, protocol, 0)
    return b"".join((macs, b"\x08\x00", header, socket.inet_aton(SERVER[4]),
                     socket.inet_aton(SEATTLE), content))


def segments_that_the_sender_did_not_count_are_counted(make):
    edge, _ = prepare(make)
    for (protocol, version), gso_type in GSO_TYPE.items():
        if protocol != TCP and KERNEL < (6, 2):
            continue  # such kernels take no UDP of several segments from a virtual machine
        for payload, segments in ((5000, 5), (5001, 6), (2000, 2), (1001, 2), (60000, 60)):
            before = edge.connection("contoso-seattle")[1]
            start = ETHERNET_BYTES + IP_BYTES[version]
            headers = start + len(TRANSPORT[protocol])
            offloaded_send(edge.namespace, "east", frame_of(edge, version, protocol, payload),
                           (NEEDS_CHECKSUM, gso_type, headers, 1000, start,
                            16 if protocol == TCP else 6))
            expected = before + Tally(segments, payload + segments * headers)
            edge.wait("the count", lambda was=before: edge.connection("contoso-seattle")[1] != was)
            equal(edge.connection("contoso-seattle")[1], expected,
                  f"protocol {protocol} over IPv{version}, {segments} segments")


def headers_outside_of_the_linear_part_are_found(make):
    edge = make({"name": "east"}, tag={"mark": True, "dscp": True})
    host = edge.host("east", [SEATTLE, SEATTLE6], mtu=9000)
    edge.start_all()
    edge.apply([seattle(tag={"dscp": 10})])
    with host.ledger() as ledger:
        for version in (4, 6):
            for linear in (14, 15, 30, 40):
                offloaded_send(edge.namespace, "east", frame_of(edge, version, UDP),
                               (0, 0, linear, 0, 0, 0))
    arrived = [frame.ip() for frame in ledger.frames if not frame.outgoing]
    equal([ip[3] for ip in arrived], [10] * 8, "the DSCP that the receiver sees")
    equal(edge.connection("contoso-seattle")[1], ledger.tally(False), "transmit")


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


run_each(offloaded_segments_count_one_by_one, segments_that_the_sender_did_not_count_are_counted,
         headers_outside_of_the_linear_part_are_found, without_offload_the_count_is_the_same,
         generic_mode_counts_what_arrives, other_traffic_of_the_host_is_unmatched,
         egress_can_be_switched_off)
