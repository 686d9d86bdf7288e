#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""peertag on the kernels that its users have: Debian's, in a virtual machine on the host's files.

Boots each kernel under QEMU (software emulation, so any machine will do), runs the tests inside
and prints a line for each. The exit code is 0, or 1 if one failed, or 77 where QEMU, the kernel or
a tool is not to be had. The host's files are read-only inside; the kernels stay in BUILD/matrix.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time

from kernel import ARCHIVES, Kernel, Missing

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIP = 77
BOOT_SECONDS = 120  # 8 on an idle machine

DATAPLANE = "{build}/tests/dataplane/"
E2E = "python3 {root}/tests/e2e/"
TESTS = {  # name: seconds at most, command
    "classify_xdp": (600, DATAPLANE + "test_classify_xdp"),
    "asn_xdp": (600, DATAPLANE + "test_asn_xdp"),
    "publish": (600, DATAPLANE + "test_publish"),
    "demo": (600, "python3 {root}/tests/demo/demo.py --once"),
    "kill_loses_nothing": (600, E2E + "kill_loses_nothing.py"),
    "ports_attach_safely": (600, E2E + "ports_attach_safely.py"),
    "ports_come_and_go": (600, E2E + "ports_come_and_go.py"),
    "tags_reach_their_readers": (600, E2E + "tags_reach_their_readers.py"),
    "forwarding_counts_and_tags": (600, E2E + "forwarding_counts_and_tags.py"),
    "egress_counts_segments": (600, E2E + "egress_counts_segments.py"),
}
RESULT = re.compile(r"matrix: result (\S+) (\d+) (\d+)")


def arguments_parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build folder")
    parser.add_argument("--kernel", action="append", choices=list(ARCHIVES))
    parser.add_argument("--test", action="append", choices=list(TESTS))
    parser.add_argument("--command", help="one that runs instead of the tests, and its output")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    return arguments


def list_write(path, names, build):
    with open(path, "w", encoding="utf-8") as file:
        for name in names:
            seconds, command = TESTS[name]
            command = command.format(build=build, root=ROOT)
            file.write(f"{name}\t{seconds}\tPEERTAG_BUILD={build} {command}\n")


def machine_command(kernel, tests):
    words = f"{kernel.modules} /bin/bash {HERE}/guest.sh {tests}"
    return ("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
            "-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-m", "4G", "-smp", "2",
            "-nographic", "-nic", "none", "-no-reboot",
            "-kernel", kernel.image, "-initrd", kernel.initramfs, "-append",
            f"console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off -- {words}",
            "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,"
            "multidevs=remap")


def machine_run(kernel, names, build):
    """Boots, and runs the tests. Returns their exit codes and what the machine said."""
    tests = os.path.join(kernel.folder, "tests")
    list_write(tests, names, build)
    log = os.path.join(kernel.folder, "console.log")
    seconds = BOOT_SECONDS + sum(TESTS[name][0] for name in names)
    with open(log, "wb") as console:
        try:
            subprocess.run(machine_command(kernel, tests), stdin=subprocess.DEVNULL,
                           stdout=console, stderr=console, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            print(f"{kernel.series}: stopped after {seconds} s", flush=True)
    with open(log, encoding="utf-8", errors="replace") as console:
        return console.read()


def verdicts_print(version, names, said):
    """Prints a line for each test; returns whether the kernel holds: it ran something, too."""
    results = {name: (int(code), seconds) for name, code, seconds in RESULT.findall(said)}
    codes = []
    for name in (*names, "kernel_log"):
        code, seconds = results.get(name, (1, "?"))
        codes.append(code)
        verdict = {0: "ok    ", SKIP: "skip  "}.get(code, "NOT OK")
        print(f"{verdict} {version} {name} ({seconds} s)", flush=True)
    return all(code in (0, SKIP) for code in codes) and 0 in codes[:-1]


def kernel_verdict(series, names, build):
    """Tries one kernel; returns the exit code for it."""
    try:
        kernel = Kernel(series, os.path.join(build, "matrix"))
    except Missing as reason:
        print(f"skip   {series}: {reason}", flush=True)
        return SKIP
    began = time.monotonic()
    said = machine_run(kernel, names, build)
    held = verdicts_print(kernel.version, names, said)
    print(f"{kernel.version}: {time.monotonic() - began:.0f} s", flush=True)
    if not held:
        print(f"---- {kernel.version} said\n{said[-20000:]}", flush=True)
    return 0 if held else 1


def obstacle():
    if os.geteuid() != 0:
        return "the host's files are only all readable by root"
    for tool in ("qemu-system-x86_64", "setpriv", "depmod", "modprobe", "apt-get"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None


def main():
    arguments = arguments_parse()
    reason = obstacle()
    if reason:
        print(f"skipped: {reason}")
        return SKIP
    names = arguments.test or list(TESTS)
    if arguments.command:
        TESTS["command"] = (600, arguments.command.replace("{", "{{").replace("}", "}}"))
        names = ["command"]
    codes = [kernel_verdict(series, names, arguments.build)
             for series in arguments.kernel or ARCHIVES]
    if 1 in codes:
        return 1
    return 0 if 0 in codes else SKIP


sys.exit(main())
