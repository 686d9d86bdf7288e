#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `peertag classify` must say of a capture, worked out from the contract alone.

    oracle.py --registry FILE [--tag mark,dscp,vlan] [--write OUT.pcap] CAPTURE

Written apart from the product and from the C oracle, with nothing but the standard library.
"""
import argparse
import csv
import io
import ipaddress
import json
import sys
from dataclasses import dataclass, field

import capture as captures

VLAN_TYPES = (0x8100, 0x88a8, 0x9100)
OUTCOMES = ('matched', 'unmatched', 'not_ip', 'unsupported', 'malformed')


class Fate(Exception):
    """The frame's outcome is known before an IP header is reached."""


@dataclass
class Connection:
    name: str
    prefixes: list
    dscp: int = None
    vlan: int = None


def connection_of_json(record):
    prefixes = [p if isinstance(p, str) else p['prefix'] for p in record['prefixes']]
    tag = record.get('tag', {})
    return Connection(record['name'], prefixes, tag.get('dscp'), tag.get('vlan'))


def connections_of_csv(text):
    connections = {}
    for row in csv.DictReader(io.StringIO(text)):
        connection = connections.setdefault(row['name'], Connection(row['name'], []))
        if row['prefix']:
            connection.prefixes.append(row['prefix'])
    return list(connections.values())


def read_registry(path):
    with open(path, encoding='utf-8-sig') as file:
        text = file.read()
    start = text.lstrip()[:1]
    if start == '[':
        return [connection_of_json(record) for record in json.loads(text)]
    if start == '{' or not start:
        return [connection_of_json(json.loads(line)) for line in text.splitlines() if line.strip()]
    return connections_of_csv(text)


class Table:
    """Longest match by asking for every length, the longest first."""

    def __init__(self, connections):
        self.rules = {4: {}, 6: {}}
        for connection in connections:
            for text in connection.prefixes:
                network = ipaddress.ip_network(text)
                lengths = self.rules[network.version].setdefault(network.prefixlen, {})
                lengths[int(network.network_address)] = connection
        self.lengths = {version: sorted(rules, reverse=True)
                        for version, rules in self.rules.items()}

    def lookup(self, version, addr):
        bits = 32 if version == 4 else 128
        number = int.from_bytes(addr, 'big')
        for length in self.lengths[version]:
            first = number >> bits - length << bits - length
            found = self.rules[version][length].get(first)
            if found:
                return found
        return None


class Reader:
    """A frame, read from its first byte on; a header that is cut off is malformed."""

    def __init__(self, data):
        self.data = data
        self.pos = 0

    def take(self, size):
        if self.pos + size > len(self.data):
            raise Fate('malformed')
        self.pos += size
        return self.data[self.pos - size:self.pos]

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')


def find_ip(reader):
    """The version that the frame announces for the IP header at which the reader then stands."""
    reader.take(12)
    kind = reader.number(2)
    for _ in range(2):
        if kind in VLAN_TYPES:
            kind = int.from_bytes(reader.take(4)[2:], 'big')
    if kind in VLAN_TYPES:
        raise Fate('unsupported')
    if kind == 0x8864:
        return find_ip_in_pppoe(reader)
    if kind in (0x8847, 0x8848):
        return find_ip_in_mpls(reader)
    if kind not in (0x0800, 0x86dd):
        raise Fate('not_ip')
    return 4 if kind == 0x0800 else 6


def find_ip_in_pppoe(reader):
    header = reader.take(8)
    if header[:2] != b'\x11\x00':
        raise Fate('malformed')
    protocol = int.from_bytes(header[6:], 'big')
    if protocol not in (0x0021, 0x0057):
        raise Fate('not_ip')
    return 4 if protocol == 0x0021 else 6


def find_ip_in_mpls(reader):
    for _ in range(8):
        label = reader.number(4)
        if label >> 8 & 1:
            break
    else:
        raise Fate('unsupported')
    version = reader.number(1) >> 4
    reader.pos -= 1
    if version not in (4, 6):
        raise Fate('not_ip')
    return version


def check_ip(version, header):
    if len(header) < (20 if version == 4 else 40) or header[0] >> 4 != version:
        raise Fate('malformed')
    if version == 4:
        size = (header[0] & 15) * 4
        total = int.from_bytes(header[2:4], 'big')
        if size < 20 or size > len(header) or 0 < total < size:
            raise Fate('malformed')


@dataclass
class Verdict:
    outcome: str
    version: int = 0
    ip: int = 0  # where the IP header is
    source: Connection = None
    destination: Connection = None

    @property
    def tag(self):
        return self.source or self.destination


def classify(table, data):
    reader = Reader(data)
    try:
        version = find_ip(reader)
        header = data[reader.pos:]
        check_ip(version, header)
    except Fate as fate:
        return Verdict(fate.args[0])
    if version == 4:
        ends = header[12:16], header[16:20]
    else:
        ends = header[8:24], header[24:40]
    source, destination = (table.lookup(version, end) for end in ends)
    outcome = 'matched' if source or destination else 'unmatched'
    return Verdict(outcome, version, reader.pos, source, destination)


def with_dscp(data, verdict, dscp):
    frame, ip = bytearray(data), verdict.ip
    if verdict.version == 6:
        word = int.from_bytes(frame[ip:ip + 2], 'big') & ~(63 << 6) | dscp << 6
        frame[ip:ip + 2] = word.to_bytes(2, 'big')
        return bytes(frame)
    old, new = frame[ip + 1], dscp << 2 | frame[ip + 1] & 3
    frame[ip + 1] = new
    checksum = int.from_bytes(frame[ip + 10:ip + 12], 'big')
    frame[ip + 10:ip + 12] = ((checksum + old - new) % 65535).to_bytes(2, 'big')
    return bytes(frame)


def tagged(data, verdict, carriers):
    """The frame as it leaves, and which carriers it bears."""
    connection, borne = verdict.tag, []
    if not connection:
        return data, borne
    if 'mark' in carriers:
        borne.append('mark')
    if 'dscp' in carriers and connection.dscp is not None:
        borne.append('dscp')
        data = with_dscp(data, verdict, connection.dscp)
    if 'vlan' in carriers and connection.vlan is not None:
        borne.append('vlan')
        data = data[:12] + b'\x81\x00' + connection.vlan.to_bytes(2, 'big') + data[12:]
    return data, borne


def zero():
    return {'packets': 0, 'bytes': 0}


def add(count, size):
    count['packets'] += 1
    count['bytes'] += size


@dataclass
class Books:
    received: dict = field(default_factory=zero)
    outcomes: dict = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    tagged: dict = field(default_factory=lambda: dict(mark=0, dscp=0, vlan=0, failed=0))
    connections: dict = field(default_factory=dict)

    def count(self, verdict, borne, size):
        add(self.received, size)
        self.outcomes[verdict.outcome] += 1
        for carrier in borne:
            self.tagged[carrier] += 1
        for direction, end in (('receive', verdict.source), ('transmit', verdict.destination)):
            if end:
                counts = self.connections.setdefault(
                    end.name, {'receive': zero(), 'transmit': zero()})
                add(counts[direction], size)


def judge(connections, frames, carriers):
    """The document of `classify -j`, and the frames as they leave."""
    table, books, leaving = Table(connections), Books(), []
    for frame in frames:
        verdict = classify(table, frame.data)
        data, borne = tagged(frame.data, verdict, carriers)
        books.count(verdict, borne, len(frame.data))
        longer = len(data) - len(frame.data)
        leaving.append(captures.Frame(data, frame.original + longer, frame.time_ns, frame.link))
    return vars(books), leaving


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--registry', required=True)
    parser.add_argument('--tag', default='mark')
    parser.add_argument('--write')
    parser.add_argument('capture')
    args = parser.parse_args()
    capture = captures.read(args.capture)
    if not capture.ethernet:
        sys.exit(f'{args.capture}: link types {capture.links}, Ethernet is {captures.ETHERNET}')
    document, leaving = judge(read_registry(args.registry), capture.frames, args.tag.split(','))
    if args.write:
        captures.write(args.write, leaving)
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == '__main__':
    main()
