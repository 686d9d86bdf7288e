#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""10,000 connections that all count: the page scrolls smoothly, and peertagd does not notice."""

import contextlib
import http.client
import ipaddress
import json
import socket
import threading
import time

from browser import browser_obstacle, visiting
from customer import customer, prefix6
from edge import SERVER
from namespace import settle
from statement import Edge, begin, edge_holds, equal, skip, true
from traffic import Service, socket_open

CONNECTIONS = 10_000
SLOW_S = 8  # that a reader does not read
PAGES = 3   # that many streams are read meanwhile
STREAMS_MAX = 16


def address_of(number):
    return str(ipaddress.IPv6Network(prefix6(number))[1])


class Round(Service):
    """A datagram from the edge to each customer, about once a second."""

    def __init__(self, edge):
        super().__init__()
        self.sock = socket_open(edge.namespace, SERVER[6], 0)
        self.addresses = [(address_of(n), 9) for n in range(CONNECTIONS)]
        self.at = 0

    def step(self):
        for address in self.addresses[self.at:self.at + 200]:
            self.sock.sendto(b"x" * (20 + self.at % 1000), address)
        self.at = (self.at + 200) % CONNECTIONS
        time.sleep(0.01)

    def stop(self):
        super().stop()
        self.sock.close()


class Listener:
    """A stream of events, read or left unread; `counts` is what it was told."""

    def __init__(self, edge, path):
        host, port = edge.configuration["listen"].rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=15)
        with edge.namespace:
            self.connection.connect()
        self.connection.request("GET", path)
        self.response = self.connection.getresponse()
        equal(self.response.status, 200, "status")
        self.counts, self.events = {}, []

    def event(self):
        """The next event."""
        while True:
            row = self.response.readline()
            if row.startswith(b"data: "):
                event = json.loads(row[6:])
                self.events.append(event["event"])
                self.counts |= event.get("connections", {})
                return event

    def read_until(self, done, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done(self.event()):
                return
        raise AssertionError(f"did not come within {seconds} s")

    def close(self):
        self.response.close()
        self.connection.close()


def told(edge):
    """/v1/counters in the form of the event."""
    return {name: [count[way][unit] for way in ("receive", "transmit")
                   for unit in ("packets", "bytes")]
            for name, count in edge.counters()["connections"].items()}


def memory_mib(edge):
    with open(f"/proc/{edge.processes['peertagd'].pid}/status", encoding="ascii") as file:
        return next(int(row.split()[1]) for row in file if row.startswith("VmRSS")) / 1024


def slowest_answer(edge, seconds):
    """Of the API, asked over and over for so long."""
    slowest, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        equal(edge.api("GET", "/healthz")[0], 200, "status")
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.02)
    return slowest


def ten_thousand_scroll_smoothly(edge):
    with Round(edge):
        with visiting(edge, "ten_thousand_scroll_smoothly", total=CONNECTIONS):
            slowest = slowest_answer(edge, 10)
    print(f"       slowest answer of peertagd meanwhile: {1000 * slowest:.0f} ms")
    true(slowest < 0.5, f"an answer took {slowest:.3f} s")


def the_first_event_tells_all_and_the_next_what_changed(edge):
    listener = Listener(edge, "/v1/events?counters=1")
    first = listener.event()
    equal(first["event"], "counters", "event")
    equal(len(first["connections"]), CONNECTIONS, "connections in the first event")
    equal(first["connections"], told(edge), "they equal /v1/counters")
    equal(first["outcomes"], edge.counters()["outcomes"], "outcomes")
    equal(listener.event()["connections"], {}, "at rest nothing changes")
    with edge.namespace:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", (address_of(77), 9))
    listener.read_until(lambda event: event["connections"])
    equal(listener.counts, told(edge), "all that was told")
    listener.close()


def who_does_not_ask_gets_none(edge):
    quiet = Listener(edge, "/v1/events")
    edge.cli("connection", "set", "connection-00001", "city", "Seattle", check=True)
    quiet.read_until(lambda event: event["event"] == "revision")
    time.sleep(2.5)
    edge.cli("connection", "set", "connection-00001", "city", "Tacoma", check=True)
    quiet.read_until(lambda event: event["event"] == "revision")
    true("counters" not in quiet.events, f"{quiet.events}")
    quiet.close()


def a_slow_reader_loses_events_is_told_and_catches_up(edge):
    before = memory_mib(edge)
    slow = Listener(edge, "/v1/events?counters=1")
    readers = [Listener(edge, "/v1/events?counters=1") for _ in range(PAGES)]
    stopping = threading.Event()
    threads = [threading.Thread(target=keep_reading, args=(reader, stopping), daemon=True)
               for reader in readers]
    for thread in threads:
        thread.start()
    with Round(edge):
        slowest = slowest_answer(edge, SLOW_S)
        after = memory_mib(edge)
    lost = []
    slow.read_until(lambda event: event["event"] == "lost" and
                    lost.append(event["counters"]) is None)
    slow.event()
    time.sleep(1.2)
    slow.read_until(lambda event: event["event"] == "counters" and not event["connections"])
    equal(slow.counts, told(edge), "what the slow reader was told in the end")
    stopping.set()
    for thread, reader in zip(threads, readers):
        thread.join(10)
        equal(reader.counts, slow.counts, "what a reader was told")
        reader.close()
    slow.close()
    print(f"       {lost[0]} events lost in {SLOW_S} s; memory of peertagd {before:.0f} to "
          f"{after:.0f} MiB with {PAGES + 1} streams; slowest answer {1000 * slowest:.0f} ms")
    true(slowest < 0.5, f"an answer took {slowest:.3f} s")
    true(lost[0] >= 3, f"{lost[0]} events lost in {SLOW_S} s")
    true(after - before < 16, f"peertagd grew from {before:.1f} to {after:.1f} MiB")


def keep_reading(reader, stopping):
    while not stopping.is_set():
        reader.event()


def streams_are_few(edge):
    listeners = []

    def fills_up():
        """Whoever left is noticed when he is written to."""
        with contextlib.suppress(AssertionError):
            while len(listeners) < STREAMS_MAX:
                listeners.append(Listener(edge, "/v1/events?counters=1"))
        return len(listeners) == STREAMS_MAX
    edge.wait(f"{STREAMS_MAX} streams", fills_up)
    equal(edge.tcp("GET", "/v1/events?counters=1")[0], 503, "status of one more")
    Listener(edge, "/v1/events").close()
    listeners.pop().close()
    edge.wait("a place that became free", fills_up)
    for listener in listeners:
        listener.close()


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}], max_connections=CONNECTIONS) as edge:
        edge.host("east")
        with edge.namespace:  # a sender that hides no seconds of what is not read
            settle("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 65536")
        edge.links["east"].route(1, "2001:db8:8000::/33", SERVER[6])
        edge.start_all()
        answer = edge.apply([customer(f"connection-{n:05}", prefix6(n), partner=f"partner-{n % 50}")
                             for n in range(CONNECTIONS)])
        equal(answer.code, 0, f"exit code: {answer.stdout}{answer.stderr}")
        held = edge_holds(edge, [
            the_first_event_tells_all_and_the_next_what_changed, who_does_not_ask_gets_none,
            a_slow_reader_loses_events_is_told_and_catches_up, streams_are_few])
        reason = browser_obstacle()
        if not reason:
            held = edge_holds(edge, [ten_thousand_scroll_smoothly]) and held
    if held and reason:
        skip(reason)
    raise SystemExit(0 if held else 1)


main()
