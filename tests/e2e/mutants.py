#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts one bug after the other into the programs; the end-to-end test that it concerns must fail.

    mutants.py ROOT [TEST]

Works on a copy with a build folder of its own. Skipped (77) without root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# the test, and per bug: the file, what stands there, what stands there instead
MUTANTS = {
    "counters_start_at_registration": (
        ("bpf/xdp.h", "frame->bytes = bytes;", "frame->bytes = bytes + 4;"),
        ("dataplane/owners.c", "owners->zero(owners->counters, classes[i].counter, 1);", ""),
        ("bpf/frame.h", "frame->destination_counter, frame->packets",
         "frame->source_counter, frame->packets"),
    ),
    "kill_loses_nothing": (
        ("dataplane/xdp/hook.c", "bpf_obj_pin(link, hook->pin)", "0"),
    ),
    "programs_start_in_any_order": (
        ("dataplane/publisher.c", "image_keep(publisher, &image);", ""),
        ("dataplane/snapshot.c", "snapshot->checksum != pt_snapshot_checksum(snapshot)", "0"),
    ),
    "rollback_keeps_ids_and_counters": (
        ("control/registry/registry_commit.c", "2 * left >= loaded", "0"),
    ),
    "wrong_input_is_refused": (
        ("control/registry/registry_commit.c", "2 * left >= loaded", "1"),
        ("control/cli/output.c", "return EXIT_NOT_FOUND;", "return EXIT_REFUSED;"),
        ("control/cli/output.c", "return EXIT_UNREACHABLE;", "return EXIT_FAILED;"),
    ),
    "roles_decide_who_writes": (
        ("control/daemon/http_listen.c", "return HTTP_READER;\n}", "return HTTP_WRITER;\n}"),
        ("control/daemon/http_listen.c",
         "|| peer.gid == group ||\n\t    peer_in_group(socket, group)", ""),
        ("control/daemon/api.c", "http_role(request) == HTTP_REMOTE_READER && strcmp",
         "0 && strcmp"),
    ),
    "metrics_are_valid_and_complete": (
        ("control/daemon/metrics_line.c", "|| *value == '\"'", ""),
        ("control/daemon/metrics_line.c", "*value == '\\\\' ||", ""),
    ),
    "alerts_are_opt_in": (
        ("control/daemon/alerts.c", "return connection->monitor;", "return true;"),
        ("control/monitoring/prometheus/peertag.rules.yml",
         "peertag_connection_alerts_enabled == 1", "peertag_connection_alerts_enabled >= 0"),
    ),
    "forwarding_counts_and_tags": (
        ("bpf/tc.h", "return input && bpf_map_lookup_elem(&inputs, &input);", "return 0;"),
        ("bpf/drops.h", "forward_drops += packets", "forward_drops += 0 * packets"),
        ("include/peertag/tag.h", "PT_ETHERTYPE_VLAN);", "PT_ETHERTYPE_QINQ);"),
    ),
    "tags_reach_their_readers": (
        ("bpf/peertag.bpf.c", "metadata->mark, options.mark_mask", "metadata->mark, 0xffffffff"),
        ("include/peertag/tag.h", "(old & 0xff03) | dscp << 2", "(old & 0xff03) | dscp << 3"),
        ("include/peertag/tag.h", "pt_store_be16(ip + 10, ~sum);", ""),
    ),
    "egress_counts_segments": (
        ("bpf/tc.h", "skb->gso_segs ? skb->gso_segs : 1", "1"),
        ("bpf/tc.h", "frame->bytes = skb->wire_len", "frame->bytes = skb->len"),
    ),
    "latency_is_measured_and_anonymous": (
        ("control/daemon/disclosure.c", ">= disclosure->min_hosts", ">= 1"),
        ("control/registry/selection.c", "prefix->length >\n", "0 && prefix->length >\n"),
        ("dataplane/service.c", "setrlimit(RLIMIT_CORE, &none) ||", ""),
    ),
    "ports_attach_safely": (
        ("dataplane/xdp/hook.c", "link = link_create(programs->frags",
         "link = link_create(programs->plain"),
    ),
    "status_page_shows_the_edge": (
        ("control/page/connection.js", "8 * (counts[1]", "(counts[1]"),
        ("control/page/filter.js", "connection[key] === value", "true"),
        ("control/page/assemble.py", "script=sha256(script)", "script=sha256(style)"),
        ("control/page/grid.js", "event.key === 'Enter'", "event.key === 'F2'"),
        ("control/page/page.css", "minmax(52px, auto) 118px", "minmax(52px, auto) 400px"),
    ),
    "status_page_stays_smooth": (
        ("control/page/grid.js", "SPARE_ROWS = 6", "SPARE_ROWS = 5000"),
        ("control/daemon/counter_feed.c", "told->counters = *sum;", ""),
        ("control/daemon/counter_feed.c", "feed->followed = true;", ""),
        ("control/daemon/events.c", "subscriber->feed_lost++;", "subscriber->feed_due = true;"),
    ),
}
IGNORED = shutil.ignore_patterns(".git", "build", "build-*", "__pycache__")


class Bench:
    """A copy of the tree, built anew for each bug."""

    def __init__(self, origin, folder):
        self.root, self.build = Path(folder, "tree"), Path(folder, "build")
        shutil.copytree(origin, self.root, ignore=IGNORED)
        self.browser = Path(origin, "build", "browser").resolve()
        uplot = Path(origin, "build", "page", "node_modules", "uplot").resolve()
        subprocess.run(["meson", "setup", self.build, self.root, "-Dbpf=enabled",
                        f"-Duplot={uplot}"], check=True, capture_output=True)

    def run(self, test):
        """Builds and runs; '' if all held, else what went wrong."""
        built = subprocess.run(["ninja", "-C", self.build, "peertag", "peertagd", "peertag-xdp"],
                               capture_output=True, text=True, check=False)
        if built.returncode:
            return "does not compile: " + built.stdout[-400:]
        done = subprocess.run([sys.executable, self.root / "tests" / "e2e" / f"{test}.py"],
                              capture_output=True, check=False, timeout=170,
                              env=os.environ | {"PEERTAG_BUILD": str(self.build),
                                                "PEERTAG_BROWSER": str(self.browser)})
        return {0: "", 77: "was skipped"}.get(done.returncode, "noticed")

    def try_mutant(self, test, mutant):
        path, old, new = mutant
        source = self.root / path
        good = source.read_text()
        if old not in good:
            return "has no place any more"
        source.write_text(good.replace(old, new, 1))
        try:
            return self.run(test) or "stayed unnoticed"
        finally:
            source.write_text(good)


def main():
    if os.geteuid() != 0:
        print("skipped: network namespaces and BPF need root")
        return 77
    tests = sys.argv[2:] or MUTANTS
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="peertag-mutants-") as folder:
        bench = Bench(sys.argv[1], folder)
        for test in tests:
            for mutant in MUTANTS[test]:
                verdicts.append(bench.try_mutant(test, mutant))
                if verdicts[-1] != "noticed":
                    print(f"{test}: {mutant[0]}: {mutant[1]!r} -> {mutant[2]!r} {verdicts[-1]}",
                          flush=True)
            good = bench.run(test)
            if good:
                print(f"{test}: without any bug: {good}", flush=True)
                verdicts.append("wrong")
    print(f"{len(verdicts)} bugs, {verdicts.count('noticed')} noticed")
    return 0 if verdicts.count("noticed") == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
