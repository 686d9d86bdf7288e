# SPDX-License-Identifier: BSD-3-Clause
"""Runs the statements of a test: functions whose names say what holds.

Each gets what the test hands it (mostly an Edge). The exit code is 0, or 1 if one did not hold, or
77 where the test cannot run.
"""

import signal
import sys
import time
import traceback

from edge import Edge, obstacle

SKIP = 77


class Skipped(Exception):
    """Raised where a statement cannot be tried here; the text says why."""


def equal(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected}, got {actual}")


def true(value, what):
    if not value:
        raise AssertionError(what)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def ends_orderly():
    """A signal to end becomes an exception, so that every edge is cleaned up."""
    def end(number, _):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)


def holds(statement, *arguments):
    """Tries one statement; prints the verdict."""
    name = statement.__name__.replace("_", " ")
    began = time.monotonic()
    try:
        statement(*arguments)
    except Skipped as reason:
        print(f"skip   {name}: {reason}", flush=True)
        return True
    except Exception:
        print(f"NOT OK {name}", flush=True)
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok     {name} ({time.monotonic() - began:.2f} s)", flush=True)
    return True


def logs_show(edge):
    for name, text in edge.logs().items():
        print(f"---- {name} said\n{text[-3000:]}", flush=True)


def edge_holds(edge, statements):
    """Tries each statement on an edge; returns whether all held."""
    verdicts = [holds(statement, edge) for statement in statements]
    if not all(verdicts):
        logs_show(edge)
    return all(verdicts)


def begin(kind=Edge):
    """To be called first: skips where no edge of this kind can be set up."""
    ends_orderly()
    reason = obstacle(kind.engine_program)
    if reason:
        skip(reason)


def run_each(*statements, kind=Edge, **options):
    """
    A test whose statements each make their own edges, of that kind and with these options, with
    the function they are given.
    """
    begin(kind)
    verdicts = []
    for statement in statements:
        with EdgeList(kind, options) as edges:
            verdicts.append(holds(statement, edges.make))
            if not verdicts[-1]:
                for edge in edges.edges:
                    logs_show(edge)
    sys.exit(0 if all(verdicts) else 1)


class EdgeList:
    """Makes edges and closes them together."""

    def __init__(self, kind, options):
        self.kind, self.options = kind, options
        self.edges = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for edge in reversed(self.edges):
            edge.close()

    def make(self, *ports, **configuration):
        edge = self.kind(ports, **self.options, **configuration)
        self.edges.append(edge)
        return edge
