#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What classification costs a DPDK worker, on top of moving packets.

peertag-dpdk and testpmd (forward mode macswap) take turns on the same pair of virtual ports, which
play the same capture without end: a registry of IPv4 prefixes, packets of which a given part
matches, the DSCP tag on. Then each stage of the worker by itself, through rings, with each table.
One core works in both; the other one has testpmd's prompt, or control.

    pipeline.py BUILD [--prefixes N] [--stages N,...] [--matching PERCENT] [--malformed PERCENT]
                [--rounds N] [--seconds S] [--quick]

Prints a list of items as report.py takes them.
"""

import argparse
import contextlib
import ipaddress
import json
import os
import random
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PACKETS = 1024  # in the capture
PREFIXES_A_CONNECTION = 8
LPM_MAX = 100000  # rte_lpm takes minutes to build a larger one


class Failure(Exception):
    """The figures cannot be had; the text says why."""


def hugepages_free():
    path = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
    with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
        return int(file.read())
    return 0


def memory_arguments():
    return ["--in-memory"] if hugepages_free() >= 256 else ["--no-huge", "-m", "1024"]


# What is looked up


def prefixes_make(dice, count):
    """Lengths as in a full table: most are /24, a few are longer. No two are equal."""
    prefixes = {}
    while len(prefixes) < count:
        length = dice.choices((24, dice.randint(16, 23), dice.randint(25, 31), 32),
                              (60, 36, 3, 1))[0]
        address = dice.randrange(11 << 24, 200 << 24) >> (32 - length) << (32 - length)
        prefixes[ipaddress.ip_network((address, length))] = None
    return list(prefixes)


def registry_write(path, prefixes):
    with open(path, "w", encoding="utf-8") as file:
        for first in range(0, len(prefixes), PREFIXES_A_CONNECTION):
            number = first // PREFIXES_A_CONNECTION
            mine = [str(prefix) for prefix in prefixes[first:first + PREFIXES_A_CONNECTION]]
            file.write(json.dumps({"name": f"bench-{number}", "partner": "Bench", "country": "DE",
                                   "tag": {"dscp": number % 64}, "prefixes": mine}) + "\n")


def packet_make(source, destination, malformed):
    first = 0x4F if malformed else 0x45  # a header that passes the end
    header = struct.pack(">BBHHHBBHII", first, 0, 46, 0, 0, 64, 17, 0, source, destination)
    return bytes(5) + b"\2" + bytes(5) + b"\1" + b"\x08\0" + header + bytes(26)


def capture_write(path, dice, prefixes, options):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(PACKETS):
            prefix = dice.choice(prefixes)
            source = int(prefix[dice.randrange(prefix.num_addresses)])
            if dice.randrange(100) >= options.matching:
                source = dice.randrange(240 << 24, 255 << 24)
            packet = packet_make(source, dice.randrange(240 << 24, 255 << 24),
                                 dice.randrange(100) < options.malformed)
            file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


# Who moves the packets


def vdevs(capture):
    return [word for number in range(2)
            for word in ("--vdev", f"net_pcap{number},rx_pcap={capture},infinite_rx=1")]


def testpmd_run(capture, seconds):
    """Nanoseconds a packet. testpmd says the rates of the last second."""
    command = ["dpdk-testpmd", *memory_arguments(), "--no-pci", "--no-telemetry", "-l", "0-1",
               "--file-prefix", f"bench-testpmd-{os.getpid()}", *vdevs(capture), "--",
               "--forward-mode=macswap", "--stats-period=1", "--total-num-mbufs=16384"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        time.sleep(seconds + 2.5)
        process.terminate()
        out, _ = process.communicate(timeout=30)
    rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", out)]
    pairs = [one + other for one, other in zip(rates[2::2], rates[3::2])]
    if not pairs:
        raise Failure(f"dpdk-testpmd told no rates: {out[-500:]}")
    return 1e9 / statistics.median(pairs)


class Engine:
    """peertagd and peertag-dpdk, from a folder of their own."""

    def __init__(self, build, folder, capture):
        self.build, self.folder = build, folder
        self.config = os.path.join(folder, "peertag.yaml")
        eal = " ".join([*memory_arguments(), "--no-pci", "-l", "0-1", "--file-prefix",
                        f"bench-{os.getpid()}", *vdevs(capture)])
        ports = [{"name": "net_pcap0", "forward": "net_pcap1"},
                 {"name": "net_pcap1", "forward": "net_pcap0"}]
        document = {
            "registry": self.path("registry.db"), "api": self.path("api.sock"), "listen": "",
            "run_dir": folder, "allow_special": True, "overlap": "nested",
            "tag": {"mark": False, "dscp": True},
            "engines": [{"name": "dpdk", "eal": eal, "ports": ports}],
        }
        with open(self.config, "w", encoding="utf-8") as file:
            file.writelines(f"{key}: {json.dumps(value)}\n" for key, value in document.items())

    def path(self, name):
        return os.path.join(self.folder, name)

    @contextlib.contextmanager
    def program(self, name, *words):
        with open(self.path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen([os.path.join(self.build, name), "-c", self.config, *words],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)

    def cli(self, *words):
        command = [os.path.join(self.build, "peertag"), "-j", "-c", self.config, "-s",
                   self.path("api.sock"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"peertag {words[0]}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def ready(self):
        with contextlib.suppress(Failure):
            return self.cli("status")["ready"]
        return False

    def wait_ready(self):
        deadline = time.monotonic() + 30
        while not self.ready():
            if time.monotonic() > deadline:
                with open(self.path("peertag-dpdk.log"), encoding="utf-8") as log:
                    raise Failure(f"the engine does not get ready: {log.read()[-1000:]}")
            time.sleep(0.05)

    def packets(self):
        ports = self.cli("status")["engines"][0]["ports"]
        return sum(port["received"]["packets"] for port in ports), time.monotonic(), ports

    def run(self, seconds):
        """Nanoseconds a packet, and what part of the packets matched."""
        with self.program("peertag-dpdk", "-n", "dpdk"):
            self.wait_ready()
            time.sleep(0.5)
            before, start, _ = self.packets()
            time.sleep(seconds)
            after, end, ports = self.packets()
        matched = sum(port["outcomes"]["matched"] for port in ports)
        if after == before:
            raise Failure("the engine received nothing")
        return (end - start) * 1e9 / (after - before), matched / after


# The report


def stages_run(build, table, prefixes, options):
    command = [os.path.join(build, "perf", "stages"), table, str(prefixes), "4096",
               str(options.matching), str(options.rounds * 4 + 1), *memory_arguments(), "--no-pci",
               "--no-telemetry", "-l", "1", "--file-prefix", f"bench-stages-{os.getpid()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"stages: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def spread(figures):
    return {"median": round(statistics.median(figures), 2), "min": round(min(figures), 2),
            "max": round(max(figures), 2)}


def differences(ours, theirs):
    return [our - their for our, their in zip(ours, theirs)]


def thousands(number):
    return f"{number // 1000}k" if number % 1000 == 0 else str(number)


def item(case, kind, ours, **more):
    return {"bench": "dpdk packet", "case": case, "kind": kind, "unit": "ns", "family": "ipv4",
            "ours": spread(ours), **more}


def measure_engine(options, folder):
    dice = random.Random(1)
    prefixes = prefixes_make(dice, options.prefixes)
    registry, capture = os.path.join(folder, "registry.jsonl"), os.path.join(folder, "in.pcap")
    registry_write(registry, prefixes)
    capture_write(capture, dice, prefixes, options)
    engine, ours, theirs, matched = Engine(options.build, folder, capture), [], [], 0
    with engine.program("peertagd"):
        with engine.program("peertag-dpdk", "-n", "dpdk"):
            engine.wait_ready()
            engine.cli("apply", registry)
            engine.wait_ready()
        for _ in range(options.rounds):
            theirs.append(testpmd_run(capture, options.seconds))
            nanoseconds, matched = engine.run(options.seconds)
            ours.append(nanoseconds)
    case = f"ipv4 {thousands(options.prefixes)}, {matched:.0%} match"
    if options.malformed:
        case += f", {options.malformed} % malformed"
    return [item(f"{case}: the engine", "floor", ours, ours_name="peertag-dpdk",
                 peer="testpmd macswap", peer_value=spread(theirs)),
            item(f"{case}: above testpmd", "scale", differences(ours, theirs))]


def measure_stages(options, table, prefixes):
    """All of them over the same loop; and what each adds."""
    stages = stages_run(options.build, table, prefixes, options)
    case, more = f"ipv4 {thousands(prefixes)} {table}", {"stream": f"zipf, {table}"}
    items = [item(f"{case}: receive to transmit", "floor", stages["tag"], peer="the loop alone",
                  peer_value=spread(stages["io"]), **more),
             item(f"{case}: classification adds", "scale",
                  differences(stages["tag"], stages["io"]), prefixes=prefixes, **more)]
    for before, name in zip(("io", "parse", "lookup", "count"), ("parse", "lookup", "count", "tag")):
        items.append(item(f"{case}: of that, {name}", "scale",
                          differences(stages[name], stages[before])))
    return items


def say(text):
    print(f"pipeline: {text}", file=sys.stderr, flush=True)


def measure(options, folder):
    say(f"peertag-dpdk and testpmd, {options.rounds} rounds")
    items = measure_engine(options, folder)
    for prefixes in options.stages:
        for table in ("flat", "lpm"):
            if table == "lpm" and prefixes > LPM_MAX:
                continue
            say(f"the stages: {prefixes} prefixes, {table}")
            items += measure_stages(options, table, prefixes)
    return items


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--prefixes", type=int, default=10000)
    parser.add_argument("--stages", type=numbers, default=[1000, 10000, 100000, 1000000])
    parser.add_argument("--matching", type=int, default=50, help="percent")
    parser.add_argument("--malformed", type=int, default=0, help="percent")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    if options.quick:
        options.prefixes, options.stages, options.rounds, options.seconds = 200, [1000], 1, 0.5
    if not shutil.which("dpdk-testpmd") or os.geteuid() != 0:
        print("skipped: needs root, and dpdk-testpmd of the package dpdk-dev")
        return 77
    try:
        with tempfile.TemporaryDirectory(prefix="peertag-bench-") as folder:
            items = measure(options, folder)
    except Failure as failure:
        print(f"pipeline: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(items, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
