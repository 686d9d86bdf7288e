#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demo's two distant offices: their round-trip times are measured, and seen on the status page.

    demo_shows_latency.py ENGINE
"""

import os
import sys

from browser import browser_obstacle, visit
from edge import ROOT, obstacle
from statement import Skipped, begin, equal, holds, logs_show, skip, true

sys.path.insert(0, os.path.join(ROOT, "tests", "demo"))

from demo import customers_start, demo_start  # noqa: E402
from scene import OFFICES, Scene  # noqa: E402

ENGINE = sys.argv[1]
CONNECTIONS = {"lumen": "contoso-seattle", "apac": "adatum-tokyo"}


def latency(scene):
    return scene.edge.cli("latency", check=True).json


def both_are_measured(scene):
    measured = latency(scene)["connections"]
    return all("p50" in measured.get(name, {}) for name in CONNECTIONS.values())


def times_are_those_of_the_distances(scene):
    scene.edge.wait("the latency of both offices", lambda: both_are_measured(scene), 40)
    document = latency(scene)
    for network, name in CONNECTIONS.items():
        expected, entry = 2 * OFFICES[network][0], document["connections"][name]
        print(f"       {name}: p50 {1000 * entry['p50']:.1f} ms, p90 {1000 * entry['p90']:.1f} ms "
              f"of {entry['samples']} samples; the distance there and back {1000 * expected:.0f} ms")
        true(expected <= entry["p50"] < 1.25 * expected + 0.005, f"{name}: {entry}")
        prefix = f"{OFFICES[network][1]}::/40"
        equal(document["prefixes"][prefix]["connection"], name, prefix)
        true("p50" in document["prefixes"][prefix], f"{prefix} reports by itself")
    true("withheld" in document["prefixes"]["203.0.113.0/26"], "a prefix that is too fine")


def no_host_is_told(scene):
    _, _, text = scene.edge.api("GET", "/metrics")
    told = text.decode() + str(latency(scene))
    for _, prefix in OFFICES.values():
        for number in range(1, 15):
            true(f"{prefix}:{number:x}:" not in told, f"{prefix}:{number:x}::10 is told")


def the_page_shows_them(scene):
    why = browser_obstacle()
    if why:
        raise Skipped(why)
    visit(scene.edge, "measured_latency_is_shown", names=list(CONNECTIONS.values()))


def main():
    begin()
    why = obstacle(f"peertag-{ENGINE}")
    if why:
        skip(why)
    with Scene(ENGINE, latency={"window": "2s"}) as scene:
        demo_start(scene)
        services = customers_start(scene)
        held = [holds(statement, scene) for statement in (
            times_are_those_of_the_distances, no_host_is_told, the_page_shows_them)]
        if not all(held):
            logs_show(scene.edge)
        for service in services:
            service.stopping.set()
    raise SystemExit(0 if all(held) else 1)


main()
