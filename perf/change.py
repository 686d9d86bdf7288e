#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One prefix more in a large registry: how long until packets see it, with the real programs.

    change.py BUILD [--prefixes N,...] [--changes N] [--quick]

For each engine: a registry of random prefixes, and then single prefixes are added by the API, one
after the other. "acknowledge to live" is the publish: from the commit's snapshot to the answer of the
engine that every later packet sees it. "request to live" has the whole of it: check, commit to disk,
compile, publish. Prints a list of items as report.py takes them.
"""

import argparse
import ipaddress
import json
import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIXES_A_CONNECTION = 125


def registry_write(path, count):
    """Distinct /24s, each connection's anywhere."""
    dice = random.Random(1)
    numbers = dice.sample(range(1 << 16, 200 << 16), count)
    with open(path, "w", encoding="ascii") as file:
        for first in range(0, count, PREFIXES_A_CONNECTION):
            prefixes = [f"{ipaddress.IPv4Address(number << 8)}/24"
                        for number in numbers[first:first + PREFIXES_A_CONNECTION]]
            file.write(json.dumps({"name": f"c{first}", "partner": "p", "country": "DE",
                                   "prefixes": prefixes}) + "\n")


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def changes_run(edge, changes):
    """Milliseconds of each change: from request to live, and of that the publish."""
    requests, publishes = [], []
    for number in range(changes):
        address = f"{ipaddress.IPv4Address((223 << 24) + (number << 8))}/24"
        began = time.monotonic()
        status, _, body = edge.api("PATCH", "/v1/connections/c0", {"prefixes_add": [address]})
        ended = time.monotonic()
        if status != 200:
            raise SystemExit(f"change: {address}: {status}: {body}")
        engine = edge.status()["engines"][0]
        if engine["generation"] != engine["desired_generation"]:
            raise SystemExit(f"change: {address} was answered before it was live")
        requests.append((ended - began) * 1000)
        publishes.append(engine["publish_seconds"] * 1000)
    return requests, publishes


def engine_run(make, kind, prefixes, changes):
    with make() as edge:
        path = edge.path("registry.jsonl")
        registry_write(path, prefixes)
        edge.host("east", ["203.0.113.1"])
        edge.start_all()
        edge.cli("apply", path, check=True)
        edge.wait_ready(60)
        requests, publishes = changes_run(edge, changes)
    found = []
    for what, values in (("request to live", requests), ("acknowledge to live", publishes)):
        found.append({"bench": "one change, live", "case": f"ipv4 {prefixes}, {kind}, {what}",
                      "kind": "scale", "unit": "ms", "ours": spread(values), "prefixes": prefixes,
                      "set": kind, "stream": what})
        print(f"one change, {prefixes} prefixes, {kind}, {what}: "
              f"{statistics.median(values):.0f} ms ({min(values):.0f} to {max(values):.0f})",
              file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--prefixes", default="100000,1000000")
    parser.add_argument("--changes", type=int, default=15)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    sizes = [1000] if options.quick else [int(size) for size in options.prefixes.split(",")]
    os.environ["PEERTAG_BUILD"] = os.path.abspath(options.build)
    sys.path.insert(0, os.path.join(HERE, "..", "tests", "e2e"))
    from dpdk import DpdkEdge
    from edge import Edge, obstacle

    why = obstacle()
    if why:
        print(why)
        raise SystemExit(77)
    keys = {"overlap": "nested", "allow_special": True, "max_connections": 16384}
    makers = {"xdp": lambda: Edge([{"name": "east", "forward": "pass"}], **keys),
              "dpdk": lambda: DpdkEdge([{"name": "east", "forward": "drop"}], **keys)}
    items = []
    for kind, make in makers.items():
        for prefixes in sizes:
            items += engine_run(make, kind, prefixes, 3 if options.quick else options.changes)
    print(json.dumps(items, indent=1))


if __name__ == "__main__":
    main()
