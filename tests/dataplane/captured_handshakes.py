#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Handshakes of real captures: as many, and as long, as tshark says.

    captured_handshakes.py CAPTURE_RTTS

Everybody in a capture is a customer, so a handshake is two samples: SYN until SYN and ACK, which
its responder makes, and SYN and ACK until ACK, which its initiator makes. Together they are what
tshark calls the initial RTT, of which the manifest has the number and the first three. A SYN that
RST answers is one for tshark as well. Skipped (77) without data.
"""
import collections
import csv
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get('PEERTAG_DATA', TESTS.parent.parent / 'shared' / 'data')) / 'pcaps'
ETHERNET = '1'
NEAR_NS = 3 * 1024  # both halves are whole ticks of 1,024 ns; the capture has microseconds
TUNNEL = 'tshark looks into the tunnel: what is measured is the outer packet'
UNREADABLE = 'libpcap refuses a file whose interfaces have different snapshot lengths'
ONE_WAY = 'only one direction is in the capture: tshark takes the time from SYN to any ACK'

# Captures where the figures must differ: handshakes that are whole here, and why.
EXPECTED = {
    'good/zeek__ipv6-http-atomic-frag.pcap':
        (3, 'the SYN stands behind its answer in the capture'),
    'good/zeek__ssh__ssh.client-side-half-duplex.pcap': (0, ONE_WAY),
    'good/zeek__ssh__ssh.pcap':
        (21, 'a SYN and its answer were sent again: nobody knows which of them was answered'),
    'malformed/tcpreplay__test.rewrite_efcs.pcap':
        (6, 'the ACK of one is cut within its header, so that data ends the handshake'),
    'malformed/tcpreplay__test.rewrite_l7fuzzing.pcap': (4, 'a SYN has its bytes changed'),
    'malformed/tcpreplay__test.rewrite_layer2.pcap':
        (5, 'one is of IPv6, by an EtherType of IPv4: malformed'),
    'malformed/zeek__modbus__fuzz-72.pcap':
        (0, 'a SYN that is FIN, PUSH and more as well, and no answer'),
    'tunnels/tcpdump__geneve.pcap': (0, TUNNEL),
    'tunnels/tcpdump__ldp-common-session.pcap': (0, ONE_WAY),
    'tunnels/tcpdump__pptp.pcap': (0, 'the SYN and ACK is there twice'),
    'tunnels/zeek__erspan.pcap': (0, TUNNEL),
    'tunnels/zeek__ldap__gap-data-missing.pcapng': (0, UNREADABLE),
    'tunnels/zeek__ldap__modify-request.pcapng': (0, UNREADABLE),
    'tunnels/zeek__mixed-vlan-mpls.pcap': (2, ONE_WAY),
    'tunnels/zeek__tunnels__geneve-47101.pcap': (0, TUNNEL),
    'tunnels/zeek__tunnels__geneve-many-options.pcap': (0, TUNNEL),
    'tunnels/zeek__tunnels__gre-sample.pcap': (0, TUNNEL),
    'tunnels/zeek__tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap': (0, TUNNEL),
    'tunnels/zeek__tunnels__gtp__gtp2_different_udp_port.pcap': (0, TUNNEL),
    'tunnels/zeek__tunnels__vxlan-encapsulated-http.pcap': (0, TUNNEL),
    'tunnels/zeek__vlan-collisions.pcap': (0, 'the SYN is there three times, in as many VLANs'),
    'tunnels/zeek__vlan-pcp-dei.pcapng': (0, 'every segment is there three times'),
    'tunnels/zeek__vlan-qinqinq.pcap': (0, 'three VLAN tags are unsupported'),
}


def samples(program, capture):
    """(handshakes that are whole, as nanoseconds by flow; how many samples there are of a kind)"""
    done = subprocess.run([program, capture], capture_output=True, text=True, check=False)
    halves, kinds = collections.defaultdict(dict), collections.Counter()
    for line in done.stdout.splitlines():
        kind, customer, customer_port, other, other_port, ns = line.split()
        kinds[kind] += 1
        if kind == 'echo':
            continue
        ends = (customer, customer_port), (other, other_port)
        halves[ends if kind == 'synack' else ends[::-1]][kind] = int(ns)
    whole = [sum(half.values()) for half in halves.values() if len(half) == 2 or 'refused' in half]
    return whole, kinds


def differences(program, row):
    whole, kinds = samples(program, DATA / row['file'])
    if row['file'] in EXPECTED:
        wanted, why = EXPECTED[row['file']]
        if len(whole) != wanted:
            yield f'{len(whole)} handshakes, not {wanted}: {why}'
        return
    if len(whole) != int(row['n_initial_rtt'] or 0):
        yield f'{len(whole)} handshakes, tshark has {row["n_initial_rtt"]}; {dict(kinds)}'
    for seconds in filter(None, row['initial_rtt_s'].split(';')):
        if not any(abs(ns - float(seconds) * 1e9) <= NEAR_NS for ns in whole):
            yield f'no handshake of {seconds} s: {whole[:6]}'


def main():
    if not (DATA / 'MANIFEST.tsv').exists():
        print(f'skipped: needs {DATA}/MANIFEST.tsv')
        return 77
    with open(DATA / 'MANIFEST.tsv', encoding='utf-8', newline='') as file:
        rows = [row for row in csv.DictReader(file, delimiter='\t') if row['linktypes'] == ETHERNET]
    wrong = [f'{row["file"]}: {why}' for row in rows for why in differences(sys.argv[1], row)]
    for line in wrong:
        print(line)
    total = sum(int(row['n_initial_rtt'] or 0) for row in rows if row['file'] not in EXPECTED)
    print(f'{total} handshakes of {len(rows)} captures, {len(EXPECTED)} of them with reasons to '
          f'differ; {len(wrong)} differences')
    return 1 if wrong or not total else 0


if __name__ == '__main__':
    sys.exit(main())
