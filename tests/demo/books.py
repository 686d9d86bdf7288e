# SPDX-License-Identifier: BSD-3-Clause
"""The demo's books: every counter against what was really sent, both ways, exactly.

The senders know how many datagrams of which size they sent. At the far end of every port a ledger
saw each frame in both directions; it is first held against the senders, and then the counters of
connections and ports, in the API and in the metrics, against it.
"""

import time

from edge import tally
from scene import NETWORKS, STRANGERS
from traffic import ETHERNET_BYTES, Tally, frames_send, tcp_exchange

OUTCOMES = ("matched", "unmatched", "not_ip", "unsupported", "malformed")
TCP_DOWNLOAD = 400_000
TCP_UPLOAD = 150_000


class Books:
    """The list of comparisons; ok as long as each one held."""

    def __init__(self):
        self.checks = []

    @property
    def ok(self):
        return all(check["ok"] for check in self.checks)

    def compare(self, name, expected, actual):
        self.checks.append({"name": name, "ok": expected == actual,
                            "expected": plain(expected), "actual": plain(actual)})


def plain(value):
    return value.document() if isinstance(value, Tally) else value


def odd_frames(host):
    """Frames that are not IP, too deep, and broken: (outcome, frame)."""
    macs = bytes.fromhex((host.link.mac(1) + host.link.mac(2)).replace(":", ""))
    lldp = macs + b"\x88\xcc" + bytes(46)
    deep = macs + b"\x81\x00\x00\x05" * 3 + b"\x08\x00" + bytes(46)
    broken = macs + b"\x08\x00" + b"\x4f" + bytes(45)
    return (("not_ip", lldp), ("unsupported", deep), ("malformed", broken))


class Traffic:
    """A fixed number of packets from every customer, and what was seen of them."""

    def __init__(self, scene):
        self.scene = scene
        self.udp = {}
        self.ledgers = {name: host.ledger() for name, host in scene.ends().items()}

    def run(self):
        for ledger in self.ledgers.values():
            ledger.start()
        for number, customer in enumerate(self.scene.customers.values()):
            self.customer(customer, 1000 + 10 * number)
        for name, host in self.scene.hosts.items():
            self.strangers(name, host)
        time.sleep(0.3)
        for ledger in self.ledgers.values():
            ledger.stop()

    def customer(self, customer, count):
        host = self.scene.hosts[self.scene.network_of(customer.name)]
        sent, returned = Tally(), Tally()
        for place, address in enumerate(customer.addresses):
            server = self.scene.server_of(customer.name, address)
            exchange = host.exchange(address, server=server)
            exchange.send(count, payload=64 + 100 * place)
            exchange.send(count // 10, payload=1400)
            exchange.close()
            sent, returned = sent + exchange.sent, returned + exchange.returned
            tcp_exchange(host.namespace, address, server, TCP_DOWNLOAD, TCP_UPLOAD)
        self.udp[customer.name] = (sent, returned)

    def strangers(self, name, host):
        """What no connection registered, and what is no IP packet at all."""
        server = self.scene.server_of(NETWORKS[name][0], STRANGERS[name])
        exchange = host.exchange(STRANGERS[name], server=server)
        exchange.send(123, payload=40)
        exchange.close()
        for number, (_, frame) in enumerate(odd_frames(host)):
            frames_send(host.namespace, host.device, [frame] * (number + 7))

    # What the ledgers say

    def seen(self, ledger, outgoing, chosen):
        return self.ledgers[ledger].tally(outgoing, lambda frame: chosen(frame.ip()))

    def of_customer(self, customer, udp_only=False):
        """(receive, transmit) of a customer as its own network's ledger saw it."""
        name = self.scene.network_of(customer.name)

        def owned(place):
            return lambda ip: (ip and customer.owns(ip[place])
                               and (not udp_only or protocol(ip) == 17))
        return self.seen(name, True, owned(1)), self.seen(name, False, owned(2))

    def of_port(self, name, outgoing):
        """Outcome -> what crossed a port in one direction, judged by its addresses."""
        place = 1 if outgoing else 2
        registered = {address for customer in self.scene.customers.values()
                      for address in customer.addresses}
        other = 3 - place

        def matched(ip):
            return ip and (ip[place] in registered or ip[other] in registered)

        def unmatched(ip):
            return ip and not matched(ip)
        return {"matched": self.seen(name, outgoing, matched),
                "unmatched": self.seen(name, outgoing, unmatched)}


def protocol(ip):
    return ip[4][9] if ip[0] == 4 else ip[4][6]


def odd_of_port(name):
    """What Traffic.strangers put on a port besides IP packets."""
    if name not in NETWORKS:
        return {}
    frame_bytes = {"not_ip": 46, "unsupported": 12 + 46, "malformed": 46}
    return {outcome: Tally(number + 7, (number + 7) * (ETHERNET_BYTES + frame_bytes[outcome]))
            for number, outcome in enumerate(("not_ip", "unsupported", "malformed"))}


def books_of_connections(books, traffic, counters, metrics):
    """Each connection, both ways: senders = ledger (UDP), ledger = counters = metrics (all)."""
    for customer in traffic.scene.customers.values():
        sent, returned = traffic.udp[customer.name]
        books.compare(f"{customer.name}: datagrams sent and seen on the wire",
                      sent, traffic.of_customer(customer, udp_only=True)[0])
        books.compare(f"{customer.name}: datagrams answered and seen on the wire",
                      returned, traffic.of_customer(customer, udp_only=True)[1])
        books.compare(f"{customer.name}: no datagram lost", sent.packets, returned.packets)
        count = counters["connections"][customer.name]
        for way, wire in zip(("receive", "transmit"), traffic.of_customer(customer)):
            books.compare(f"{customer.name}: {way}", wire, tally(count[way]))
    for name, count in counters["connections"].items():
        if name not in traffic.scene.customers and nonzero(count):
            books.compare(f"{name}: counted without traffic", 0, count)
    books.compare("connections with a counter", len(counters["connections"]),
                  sum(1 for metric, _ in metrics
                      if metric == "peertag_connection_receive_packets_total"))
    books.compare("connection metrics equal the API", api_samples(counters),
                  {key: number for key, number in metrics.items() if is_connection_count(key[0])})
    summarize(books)


def nonzero(count):
    return any(count[way][unit] for way in ("receive", "transmit") for unit in ("packets", "bytes"))


def is_connection_count(metric):
    return metric.startswith(("peertag_connection_receive_", "peertag_connection_transmit_"))


def api_samples(counters):
    return {(f"peertag_connection_{way}_{unit}_total", (("connection", name),)): float(count[unit])
            for name, counts in counters["connections"].items()
            for way, count in counts.items() for unit in ("packets", "bytes")}


def summarize(books):
    """The comparison of a thousand samples is told as a number, and in full only where it fails."""
    check = books.checks[-1]
    expected, actual = check["expected"], check["actual"]
    wrong = [f"{metric}{dict(labels)}: {expected.get((metric, labels))} != "
             f"{actual.get((metric, labels))}" for metric, labels in expected.keys() | actual.keys()
             if expected.get((metric, labels)) != actual.get((metric, labels))]
    check["expected"], check["actual"] = len(expected), len(actual)
    if wrong:
        check["different"] = sorted(wrong)[:20]


def books_of_ports(books, traffic, status, metrics):
    """Each port: outcomes, their sum, the device's own count, what the host sent, the metrics."""
    engine = status["engines"][0]
    ports = {port["name"]: port for port in engine["ports"]}
    scene = traffic.scene
    for name in scene.ends():
        port = ports[f"{name}0"]
        if scene.engine == "xdp":
            books.compare(f"{name}0: mode", "native", port["mode"])
        books_of_received(books, traffic, name, port)
        if name in NETWORKS and name not in scene.forwarded:
            books_of_sent(books, traffic, name, port)
        books.compare(f"{name}0: forward drops", 0, port["forward_drops"])
        books_of_port_metrics(books, engine["name"], port, metrics)


def books_of_received(books, traffic, name, port):
    expected = {outcome: Tally() for outcome in OUTCOMES}
    expected |= traffic.of_port(name, outgoing=True) | odd_of_port(name)
    for outcome in OUTCOMES:
        books.compare(f"{port['name']}: received {outcome}", expected[outcome].packets,
                      outcome_packets(port["outcomes"][outcome]))
    wire = traffic.ledgers[name].tally(True)
    books.compare(f"{port['name']}: received", wire, tally(port["received"]))
    books.compare(f"{port['name']}: sum of outcomes", wire.packets,
                  sum(outcome_packets(count) for count in port["outcomes"].values()))
    books.compare(f"{port['name']}: the device's own count", wire.packets, port["nic_packets"])


def books_of_sent(books, traffic, name, port):
    expected = traffic.of_port(name, outgoing=False)
    for outcome in OUTCOMES:
        books.compare(f"{port['name']}: sent {outcome}", expected.get(outcome, Tally()).packets,
                      outcome_packets(port["sent_outcomes"][outcome]))


def books_of_port_metrics(books, engine, port, metrics):
    for metric, counts in (("peertag_packets_total", port["outcomes"]),
                           ("peertag_sent_packets_total", port["sent_outcomes"])):
        for outcome, count in counts.items():
            labels = (("engine", engine), ("port", port["name"]), ("outcome", outcome))
            books.compare(f"{port['name']}: {metric} {outcome} equals the API",
                          outcome_packets(count), sample(metrics, metric, labels))


def outcome_packets(count):
    return count["packets"] if isinstance(count, dict) else count


def sample(metrics, name, labels):
    """A sample by name and labels, in whatever order they are written."""
    for (metric, given), number in metrics.items():
        if metric == name and set(given) == set(labels):
            return int(number)
    return None
