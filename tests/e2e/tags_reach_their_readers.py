#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tag where it is read: skb->mark by nftables and by routing rules, dscp by the receiver."""

import json
import shutil

from customer import LONDON, SEATTLE, SEATTLE6, STRANGER, london, seattle
from edge import SERVER
from statement import Skipped, equal, run_each, true
from traffic import Echo, checksum_is_valid

RULES = """
table inet peertag_test {{
	chain arriving {{
		type filter hook prerouting priority -200; policy accept;
		{rules}
	}}
	chain leaving {{
		type filter hook postrouting priority 0; policy accept;
	}}
}}
"""


def count_marks(edge, *marks):
    """Counters in nftables, one for each mark of arriving UDP packets."""
    if not shutil.which("nft"):
        raise Skipped("nft is not installed (package nftables)")
    rules = "\n\t\t".join(f"udp dport 7 meta mark {mark:#x} counter" for mark in marks)
    edge.namespace.run("nft", "-f", "-", input=RULES.format(rules=rules))


def marks_seen(edge):
    document = json.loads(edge.namespace.run("nft", "-j", "list", "table", "inet",
                                             "peertag_test").stdout)
    seen = {}
    for entry in document["nftables"]:
        words = entry.get("rule", {}).get("expr", [])
        mark = next((word["match"]["right"] for word in words if "match" in word
                     and "meta" in word["match"]["left"]), None)
        if mark is not None:
            seen[mark] = next(word["counter"]["packets"] for word in words if "counter" in word)
    return seen


def exchange_all(edge, host, counts):
    echoes = [Echo(edge.namespace, address) for address in SERVER.values()]
    for echo in echoes:
        echo.start()
    for source, count in counts.items():
        exchange = host.exchange(source)
        exchange.send(count)
        equal(exchange.lost, 0, f"datagrams lost from {source}")
    for echo in echoes:
        echo.stop()


def marked(make, mode, **tag):
    edge = make({"name": "east", "mode": mode, "forward": "pass"}, tag={"mark": True} | tag)
    host = edge.host("east", [SEATTLE, SEATTLE6, LONDON, STRANGER])
    edge.start_all()
    edge.apply([seattle(tag={"mark": 0x1001}), london(tag={"mark": 0x52})])
    return edge, host


def nftables_sees_the_mark_in_native_mode(make):
    nftables_sees_the_mark(make, "native")


def nftables_sees_the_mark_in_generic_mode(make):
    nftables_sees_the_mark(make, "generic")


def nftables_sees_the_mark(make, mode):
    edge, host = marked(make, mode)
    count_marks(edge, 0, 0x1001, 0x52)
    exchange_all(edge, host, {SEATTLE: 100, SEATTLE6: 50, LONDON: 70, STRANGER: 30})
    equal(marks_seen(edge), {0: 30, 0x1001: 150, 0x52: 70}, "packets by mark")
    equal(edge.port("east")["tag_failures"]["mark"], 0, "tag failures")
    true(edge.port("east")["tagged"]["mark"] >= 220, "tags that were counted")


def only_the_masked_bits_are_written(make):
    edge, host = marked(make, "native", mark_mask=0xff)
    count_marks(edge, 0, 0x01, 0x52, 0x1001)
    exchange_all(edge, host, {SEATTLE: 100, LONDON: 70, STRANGER: 30})
    equal(marks_seen(edge), {0: 30, 0x01: 100, 0x52: 70, 0x1001: 0}, "packets by mark")


def a_routing_rule_follows_the_mark(make):
    edge, host = marked(make, "native")
    edge.namespace.run("ip", "rule", "add", "fwmark", "0x52", "lookup", "66", "pref", "1")
    edge.namespace.run("ip", "rule", "del", "lookup", "local")
    edge.namespace.run("ip", "rule", "add", "lookup", "local", "pref", "2")
    edge.namespace.run("ip", "route", "add", "blackhole", "default", "table", "66")
    echo = Echo(edge.namespace, SERVER[4])
    with echo:
        host.exchange(SEATTLE).send(40)
        lost = host.exchange(LONDON, window=4)
        lost.sock.settimeout(0.3)
        lost.send(4)
    equal(lost.lost, 4, "datagrams of the mark that the rule drops")
    equal(echo.answered, 40, "datagrams of the other mark")


def dscp_arrives_with_a_valid_checksum(make):
    edge = make({"name": "east", "forward": "pass"}, tag={"mark": False, "dscp": True})
    host = edge.host("east", [SEATTLE, SEATTLE6, LONDON, STRANGER])
    edge.start_all()
    edge.apply([seattle(tag={"dscp": 46}), london()])
    with host.ledger() as ledger:
        exchange_all(edge, host, {SEATTLE: 40, SEATTLE6: 30, LONDON: 20, STRANGER: 10})
    seen = {}
    for frame in ledger.frames:
        version, source, destination, dscp, header = frame.ip()
        if version == 4:
            true(checksum_is_valid(header), "the IPv4 header's checksum")
        peer = source if frame.outgoing else destination
        key = (peer, frame.outgoing, dscp)
        seen[key] = seen.get(key, 0) + 1
    equal(seen, {(SEATTLE, True, 0): 40, (SEATTLE, False, 46): 40,
                 (SEATTLE6, True, 0): 30, (SEATTLE6, False, 46): 30,
                 (LONDON, True, 0): 20, (LONDON, False, 0): 20,
                 (STRANGER, True, 0): 10, (STRANGER, False, 0): 10}, "frames by dscp")
    equal(edge.port("east")["tag_failures"]["dscp"], 0, "tag failures")


def dscp_is_written_on_arrival(make):
    edge = make({"name": "east", "forward": "pass", "egress": False},
                tag={"mark": False, "dscp": True})
    host = edge.host("east", [SEATTLE, SEATTLE6])
    edge.start_all()
    edge.apply([seattle(tag={"dscp": 34})])
    if not shutil.which("nft"):
        raise Skipped("nft is not installed (package nftables)")
    rules = "udp dport 7 ip dscp 34 counter\n\t\tudp dport 7 ip6 dscp 34 counter"
    edge.namespace.run("nft", "-f", "-", input=RULES.format(rules=rules))
    exchange_all(edge, host, {SEATTLE: 40, SEATTLE6: 30})
    listed = edge.namespace.run("nft", "list", "table", "inet", "peertag_test").stdout
    true("packets 40 " in listed and "packets 30 " in listed, f"nftables counted: {listed}")
    sent = edge.port("east")["sent_outcomes"]
    equal(sum(sent.values()), 0, "without egress nothing is counted as sent")


run_each(nftables_sees_the_mark_in_native_mode, nftables_sees_the_mark_in_generic_mode,
         only_the_masked_bits_are_written, a_routing_rule_follows_the_mark,
         dscp_arrives_with_a_valid_checksum, dscp_is_written_on_arrival)
