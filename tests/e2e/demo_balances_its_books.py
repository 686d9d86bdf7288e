#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demo with --once: every counter equals what was sent, and stdout is one JSON document.

    demo_balances_its_books.py ENGINE [DRIVER]
"""

import json
import os
import subprocess
import sys

from edge import ROOT, obstacle
from statement import equal, holds, skip, true

ENGINE, DRIVERS = sys.argv[1], sys.argv[2:]
DEMO = os.path.join(ROOT, "tests", "demo", "demo.py")


def demo(*options):
    return subprocess.run([sys.executable, DEMO, *options], capture_output=True, text=True,
                          timeout=120, check=False)


def every_counter_equals_what_was_sent():
    result = demo("--once", "--engine", ENGINE, *(f"--driver={driver}" for driver in DRIVERS))
    document = json.loads(result.stdout)
    wrong = [check for check in document["checks"] if not check["ok"]]
    equal((result.returncode, wrong), (0, []), f"exit code and unequal counters: {result.stderr}")
    true(document["ok"] and len(document["checks"]) > 150, "the document says so")
    equal(document["engine"], ENGINE, "the engine")


def a_wrong_option_is_a_usage_error():
    result = demo("--onec")
    equal((result.returncode, result.stdout), (2, ""), "exit code and stdout")


def main():
    reason = obstacle(f"peertag-{ENGINE}")
    if reason:
        skip(reason)
    verdicts = [holds(statement) for statement in (
        every_counter_equals_what_was_sent, a_wrong_option_is_a_usage_error)]
    sys.exit(0 if all(verdicts) else 1)


main()
