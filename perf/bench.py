#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""All benchmarks, one after the other, into one report.

    bench.py BUILD [--quick] [--only NAME,...] [--json]

Writes BUILD/bench.json, the list of items that report.py explains, BUILD/bench-environment.json, and
BUILD/bench.html; prints the figures as a table, or with --json the items. --quick is small: it
shows that everything runs, and its figures mean little. Exits with 1 if a benchmark failed.
"""

import argparse
import json
import os
import subprocess
import sys

import report

HERE = os.path.dirname(os.path.abspath(__file__))

# name -> command, its options for a quick run
BENCHMARKS = {
    "lookup": (["perf/lookup"], ["--quick"]),
    "xdp_lookup": (["perf/xdp_lookup"], ["--quick"]),
    "xdp_packet": (["perf/xdp_packet"], ["--quick"]),
    "xdp_rtt": (["perf/xdp_rtt"], ["--quick"]),
    "rtt": (["perf/rtt"], ["--quick"]),
    "xdp_live": (["perf/xdp_live"], ["--quick"]),
    "pipeline": ([sys.executable, os.path.join(HERE, "pipeline.py"), "."], ["--quick"]),
    "publish": (["perf/publish"], ["--quick"]),
    "change": ([sys.executable, os.path.join(HERE, "change.py"), "."], ["--quick"]),
}
SKIPPED = 77


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(name, build, quick):
    """Its items; none if it cannot run here, None if it failed."""
    command, small = BENCHMARKS[name]
    command = command + (small if quick else [])
    if not os.path.isabs(command[0]) and not os.path.exists(os.path.join(build, command[0])):
        say(f"{name} is not built here: left out")
        return []
    say(f"{name} ...")
    done = subprocess.run(command, cwd=build, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == SKIPPED:
        say(f"{name}: {done.stdout.strip()}")
        return []
    if done.returncode:
        say(f"{name} failed with {done.returncode}")
        return None
    return json.loads(done.stdout)


def write(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help="names, by commas")
    parser.add_argument("--json", action="store_true", help="items instead of the table")
    options = parser.parse_args()
    build, names = os.path.abspath(options.build), options.only.split(",")
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark is called {name}: it is one of {', '.join(BENCHMARKS)}")
    where = report.environment("./run bench " + " ".join(sys.argv[2:]))
    found = {name: run(name, build, options.quick) for name in names}
    items = [item for those in found.values() for item in those or []]
    write(os.path.join(build, "bench.json"), items)
    write(os.path.join(build, "bench-environment.json"), where)
    with open(os.path.join(build, "bench.html"), "w", encoding="utf-8") as file:
        file.write(report.page(items, where))
    print(json.dumps(items, indent=1) if options.json else report.terminal(items, where))
    say(f"written: {build}/bench.json and bench.html")
    return 1 if None in found.values() else 0


if __name__ == "__main__":
    sys.exit(main())
