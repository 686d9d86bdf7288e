#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Round-trip times of real TCP: published for many hosts, withheld for few, and never an address."""

import os

from customer import customer
from edge import SERVER
from namespace import family_of
from spellings import Canaries
from statement import Edge, begin, edge_holds, equal, true
from traffic import Service, TcpServer, tcp_exchange

MANY = [f"203.0.113.{host}" for host in range(101, 113)]
MANY6 = [f"2001:db8:100:{host:x}::77" for host in range(0xa01, 0xa0d)]
FEW = [f"198.51.100.{host}" for host in range(101, 106)]
FINE = [f"192.0.2.{host}" for host in range(101, 113)]
REGISTRY = [
    customer("many", {"prefix": "203.0.113.0/24", "latency": True},
             {"prefix": "2001:db8:100::/48", "latency": True}),
    customer("few", {"prefix": "198.51.100.0/24", "latency": True}),
    customer("fine", {"prefix": "192.0.2.0/25", "latency": True}),
    customer("unmeasured", "100.64.0.0/24"),
]
SLOTS = 4
PATHS = ("/v1/connections", "/v1/connections/many", "/v1/export", "/v1/history", "/v1/status",
         "/v1/counters", "/v1/latency", "/v1/latency?name=few", "/v1/lookup?address=203.0.113.1",
         "/metrics", "/healthz", "/readyz", "/")
COMMANDS = (("connection", "show"), ("connection", "show", "many"), ("export",), ("history",),
            ("status",), ("counters",), ("top", "-b", "-n", "1"), ("latency",), ("port", "show"),
            ("latency", "few"), ("lookup", "203.0.113.1"))
PROGRAMS = ("peertagd", "peertag-xdp")


class Talk(Service):
    """Downloads of all the addresses, one after the other, until stop()."""

    def __init__(self, host):
        super().__init__()
        self.host = host
        self.rounds = 0

    def step(self):
        for address in self.host.addresses:
            if self.stopping.is_set():
                return
            tcp_exchange(self.host.namespace, address, SERVER[family_of(address)], 20000, 2000)
        self.rounds += 1


def figures_of(edge, kind, name):
    return edge.get("/v1/latency")[kind][name]


def measured(edge, kind, name, seconds=15):
    """The figures, as soon as there are some."""
    def find():
        figures = figures_of(edge, kind, name)
        return figures if "samples" in figures else None
    return edge.wait(f"latency of {name}", find, seconds, pause=0.2)


def plausible(figures, what):
    """Veth pairs on one machine: some microseconds, and no more than a busy one needs."""
    true(0 < figures["p50"] <= figures["p90"] <= figures["p99"] < 2, f"{what}: {figures}")
    true(figures["p50"] < 0.05 and 0 < figures["mean"] < 0.5, f"{what}: {figures}")
    true(figures["samples"] >= 10, f"{what}: a sample of each host: {figures}")
    equal(sum(count for _, count in figures["buckets"]), figures["samples"], f"{what}: buckets")


def many_hosts_are_published(edge):
    for prefix in ("203.0.113.0/24", "2001:db8:100::/48"):
        plausible(measured(edge, "prefixes", prefix), prefix)
    plausible(measured(edge, "connections", "many"), "many")
    metrics = edge.metrics()
    of_many = (("connection", "many"),)
    count = metrics["peertag_connection_rtt_seconds_count", of_many]
    true(count >= 20, f"{count} samples in the metrics")
    equal(metrics["peertag_connection_rtt_seconds_bucket", of_many + (("le", "+Inf"),)], count,
          "the last bucket")
    equal(metrics["peertag_latency_slots", ()], float(SLOTS), "slots in use")
    equal(metrics["peertag_series", ()], float(len(metrics)), "peertag_series is the truth")


def few_hosts_are_withheld(edge):
    reason = {"withheld": "fewer than 10 hosts in the last window"}
    for _ in range(3):
        end = edge.get("/v1/latency")["window"]["end"]
        edge.wait("the next window", lambda was=end: edge.get("/v1/latency")["window"]["end"] != was)
        equal(figures_of(edge, "connections", "few"), reason, "few")
        equal(figures_of(edge, "prefixes", "198.51.100.0/24"), reason | {"connection": "few"},
              "the prefix of few")
    names = {dict(labels)["connection"] for name, labels in edge.metrics()
             if name.startswith(("peertag_connection_rtt_seconds_", "peertag_prefix_rtt_seconds_"))}
    true("few" not in names and "many" in names, f"connections with times in the metrics: {names}")


def a_prefix_that_is_too_fine_reports_under_its_connection(edge):
    plausible(measured(edge, "connections", "fine"), "fine")
    equal(figures_of(edge, "prefixes", "192.0.2.0/25"),
          {"withheld": "finer than /24: reports under its connection", "connection": "fine"},
          "the prefix")


def what_is_not_selected_is_not_listed(edge):
    document = edge.get("/v1/latency")
    equal(sorted(document["connections"]), ["few", "fine", "many"], "connections")
    equal(sorted(edge.get("/v1/latency?name=fine")["prefixes"]), ["192.0.2.0/25"], "of one")
    equal(edge.cli("latency", "nobody").code, 3, "exit code for a connection that is not there")
    equal(edge.cli("latency", check=True).json["window"]["seconds"], 2, "the command's document")


def more_than_the_slots_is_refused(edge):
    answer = edge.cli("prefix", "add", "few", "198.18.5.0/24", "latency", "on")
    equal((answer.code, answer.error["code"]), (4, "capacity"), "exit code and code")
    message = answer.error["message"] + answer.error["hint"]
    true("5 latency slots" in message and "latency.slots: 5" in message, message)


def core_files_are_ruled_out(edge):
    for name in PROGRAMS:
        pid = edge.processes[name].pid
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            limits = {line[:25].strip(): line[25:].split()[:2] for line in file}
        equal(limits["Max core file size"], ["0", "0"], f"core files of {name}")


def outputs(edge):
    """Everything that a user, a scraper or a thief of files could get: (where, bytes)."""
    for path in PATHS:
        yield f"GET {path}", edge.api("GET", path)[2]
    yield "GET /metrics, OpenMetrics", edge.api("GET", "/metrics", headers={
        "Accept": "application/openmetrics-text; version=1.0.0"})[2]
    for words in COMMANDS:
        for form in (("-j",), ()):
            answer = edge.cli(*words, form=form)
            yield f"peertag {' '.join(form + words)}", (answer.stdout + answer.stderr).encode()
    for name in edge.files():
        path = edge.path(name)
        if os.path.isfile(path) and not name.endswith(".snapshot"):
            with open(path, "rb") as file:
                yield name, file.read()


def no_address_is_told_anywhere(edge):
    canaries = Canaries(MANY + MANY6 + FEW + FINE)
    own = Canaries(["203.0.113.1"])
    seen = dict(outputs(edge))
    told = {where: canaries.found_in(content) for where, content in seen.items()}
    equal({where: found for where, found in told.items() if found}, {}, "addresses that are told")
    # The search finds what is asked for on purpose, and the events were there to be searched.
    true(own.found_in(seen["GET /v1/lookup?address=203.0.113.1"]), "the search itself")
    true(b'"event":"latency"' in seen["monitor.log"], "events of windows")


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}],
              latency={"window": "2s", "slots": SLOTS}) as edge:
        edge.east = edge.host("east", MANY + MANY6 + FEW + FINE)
        edge.start_all()
        edge.apply(REGISTRY)
        edge.start("monitor", *edge.cli_command("monitor"))
        with TcpServer(edge.namespace, SERVER[4]), TcpServer(edge.namespace, SERVER[6]), \
                Talk(edge.east) as talk:
            edge.wait("a round of all hosts", lambda: talk.rounds)
            held = edge_holds(edge, [
                many_hosts_are_published, few_hosts_are_withheld,
                a_prefix_that_is_too_fine_reports_under_its_connection,
                what_is_not_selected_is_not_listed, more_than_the_slots_is_refused,
                core_files_are_ruled_out, no_address_is_told_anywhere])
    raise SystemExit(0 if held else 1)


main()
