#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""100,000 registered connections: a scrape stays below a second, valid, and blocked by nothing."""

import shutil
import time

from customer import customer, prefix6
from statement import Edge, begin, edge_holds, equal, true

CONNECTIONS = 100_000


def scrape(edge):
    began = time.monotonic()
    status, _, body = edge.api("GET", "/metrics")
    seconds = time.monotonic() - began
    equal(status, 200, "status")
    return seconds, body.decode()


def a_hundred_thousand_connections_are_registered(edge):
    began = time.monotonic()
    answer = edge.apply([customer(f"connection-{n:06}", prefix6(n), partner=f"partner-{n % 50}")
                         for n in range(CONNECTIONS)])
    equal(answer.code, 0, f"exit code: {answer.stdout}{answer.stderr}")
    equal(edge.status()["connections"], CONNECTIONS, "connections")
    print(f"       applied in {time.monotonic() - began:.2f} s, of that in the daemon "
          f"{answer.json['seconds']:.2f} s")


def a_scrape_is_fast(edge):
    edge.wait_ready(30)
    times = sorted(scrape(edge)[0] for _ in range(3))
    text = scrape(edge)[1]
    print(f"       scrape of {CONNECTIONS} connections: median {times[1]:.3f} s, "
          f"{len(text) >> 20} MiB, goal 0.5 s")
    true(times[1] < 1.0, f"a scrape takes {times[1]:.3f} s")


def a_scrape_is_valid(edge):
    _, text = scrape(edge)
    samples = sum(1 for row in text.splitlines() if row and not row.startswith("#"))
    true(samples >= 6 * CONNECTIONS, f"{samples} samples")
    if shutil.which("promtool"):
        result = edge.namespace.run("promtool", "check", "metrics", input=text, check=False)
        equal((result.returncode, result.stderr), (0, ""), "promtool check metrics")


def a_scrape_does_not_wait_for_an_apply(edge):
    begun = edge.start("apply", *edge.cli_command("apply", edge.path("registry.jsonl")))
    slowest = 0
    while begun.poll() is None:
        began = time.monotonic()
        equal(edge.api("GET", "/healthz")[0], 200, "status")
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.01)
    edge.processes.pop("apply")
    equal(begun.returncode, 0, f"exit code of apply: {edge.log('apply')}")
    print(f"       slowest answer during an apply: {slowest:.3f} s")
    true(slowest < 0.5, f"an answer took {slowest:.3f} s during an apply")


def main():
    begin()
    ports = [{"name": "east", "forward": "pass"}]
    with Edge(ports, max_connections=CONNECTIONS, max_prefixes=200_000) as edge:
        edge.host("east")
        edge.start_all()
        held = edge_holds(edge, [
            a_hundred_thousand_connections_are_registered, a_scrape_is_fast, a_scrape_is_valid,
            a_scrape_does_not_wait_for_an_apply])
    raise SystemExit(0 if held else 1)


main()
