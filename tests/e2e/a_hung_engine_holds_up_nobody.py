#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An engine that neither answers nor ends: others are answered, and it is reported."""

import contextlib
import signal
import time

from customer import seattle
from statement import Edge, begin, edge_holds, equal, true

PATIENCE = 3


@contextlib.contextmanager
def hung(edge):
    engine = edge.processes["peertag-xdp"]
    engine.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        engine.send_signal(signal.SIGCONT)


def questions_are_answered_without_it(edge):
    with hung(edge):
        for path in ("/v1/lookup?address=203.0.113.1", "/v1/status", "/v1/counters", "/metrics"):
            began = time.monotonic()
            equal(edge.api("GET", path)[0], 200, f"GET {path}")
            true(time.monotonic() - began < PATIENCE, f"GET {path} is answered soon")
        document = edge.get("/v1/lookup?address=203.0.113.1")
        equal((document["connection"], document["engines"]), ("contoso-seattle", []),
              "what control knows, and nothing of the engine")
    edge.wait_ready()


def it_is_down_until_it_answers_again(edge):
    with hung(edge):
        edge.wait("the engine to be down", lambda: not edge.status()["engines"][0]["up"], 15)
        true("answer" in edge.status()["engines"][0]["error"], "the status says why")
        equal(edge.api("GET", "/readyz")[0], 503, "readiness")
        equal(edge.api("PATCH", "/v1/connections/contoso-seattle", {"city": "Kent"})[0], 200,
              "a change")
    edge.wait_ready()
    edge.wait("the engine's answer", lambda: edge.get("/v1/lookup?address=203.0.113.1")["engines"])


def main():
    begin()
    with Edge([{"name": "eth0"}]) as edge:
        edge.host("eth0")
        edge.start_all()
        edge.apply([seattle()])
        held = edge_holds(edge, [questions_are_answered_without_it,
                                 it_is_down_until_it_answers_again])
    raise SystemExit(0 if held else 1)


main()
