#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demo with --once: every counter equals what was sent, and stdout is one JSON document.

    demo_balances_its_books.py ENGINE [DRIVER]
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from edge import BPFFS, ROOT, obstacle, program
from statement import equal, holds, skip, true

ENGINE, DRIVERS = sys.argv[1], sys.argv[2:]
DEMO = os.path.join(ROOT, "tests", "demo", "demo.py")
WAY = ("--engine", ENGINE, *(f"--driver={driver}" for driver in DRIVERS))


def demo(*options, **environment):
    return subprocess.run([sys.executable, DEMO, *options], capture_output=True, text=True,
                          timeout=120, check=False, env=os.environ | environment)


def every_counter_equals_what_was_sent():
    result = demo("--once", *WAY)
    document = json.loads(result.stdout)
    wrong = [check for check in document["checks"] if not check["ok"]]
    equal((result.returncode, wrong), (0, []), f"exit code and unequal counters: {result.stderr}")
    true(document["ok"] and len(document["checks"]) > 150, "the document says so")
    equal(document["engine"], ENGINE, "the engine")


def leftovers(name):
    """What a demo of this name has on the machine: files, and processes that were told of them."""
    found = [os.path.join(folder, entry)
             for folder in ("/run/netns", "/run/dpdk", BPFFS, tempfile.gettempdir())
             if os.path.isdir(folder) for entry in os.listdir(folder) if entry.startswith(name)]
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                words = file.read()
        except OSError:
            continue
        found += [process] if name.encode() in words else []
    return found


def interrupt_impatiently(process):
    """Ctrl-C as a terminal sends it, to the whole group, and again while the demo cleans up."""
    for _ in range(4):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)


def an_interrupted_demo_leaves_nothing_behind():
    with subprocess.Popen([sys.executable, DEMO, *WAY], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        said = ""
        while "the logs are in" not in said:
            line = process.stderr.readline()
            true(line, f"the demo ended early: {said}")
            said += line
        name = re.search(r"peertag-demo-[0-9a-f]+", said).group()
        before = leftovers(name)
        interrupt_impatiently(process)
        _, rest = process.communicate(timeout=60)
    true(any("netns" in entry for entry in before) and any(entry.isdigit() for entry in before),
         f"it had namespaces and processes: {before}")
    equal((process.returncode, leftovers(name)), (0, []), f"exit code and what is left: {rest}")


def an_engine_that_is_not_built_is_an_error():
    with tempfile.TemporaryDirectory(prefix="peertag-unbuilt-") as folder:
        for name in ("peertag", "peertagd"):
            os.symlink(program(name), os.path.join(folder, name))
        result = demo("--once", *WAY, PEERTAG_BUILD=folder)
    true(f"peertag-{ENGINE} is not built" in result.stderr, f"the message: {result.stderr}")
    equal((result.returncode, json.loads(result.stdout)["ok"]), (1, False), "exit code, document")


def a_wrong_option_is_a_usage_error():
    result = demo("--onec")
    equal((result.returncode, result.stdout), (2, ""), "exit code and stdout")


def main():
    reason = obstacle(f"peertag-{ENGINE}")
    if reason:
        skip(reason)
    verdicts = [holds(statement) for statement in (
        every_counter_equals_what_was_sent, an_interrupted_demo_leaves_nothing_behind,
        an_engine_that_is_not_built_is_an_error, a_wrong_option_is_a_usage_error)]
    sys.exit(0 if all(verdicts) else 1)


main()
