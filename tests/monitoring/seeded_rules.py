#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts one bug after the other into the shipped rules; the scenario that it concerns must fail."""

import sys
from concurrent.futures import ThreadPoolExecutor

import promtool
import scenarios

OPT_IN = ("peertag_connection_alerts_enabled == 1", "peertag_connection_alerts_enabled >= 0")
# the rule; what stands there, what stands there instead; the scenario that must notice
SEEDS = [
    ("PeertagConnectionSilent", *OPT_IN, "silence"),
    ("PeertagConnectionSilent", "peertag:connection_receive_packets:rate5m == 0",
     "peertag:connection_receive_packets:rate5m < 0", "silence"),
    ("PeertagConnectionSilent", "and on (instance) peertag:edge_packets:rate5m > 0", "",
     "silence_of_all"),
    ("PeertagConnectionSilent",
     "and max_over_time(peertag:connection_receiving:steady1h[1d]) == 1", "", "silence"),
    ("PeertagConnectionSilent", "[1d]", "[10m]", "silence"),
    ("PeertagConnectionSilent", "offset 23h30m", "offset 500h", "nights"),
    ("PeertagConnectionSilent", "offset 167h30m", "offset 500h", "silence_as_a_week_ago"),
    ("PeertagConnectionSilent", "for: 5m", "for: 0m", "silence"),
    ("peertag:connection_receiving:steady1h",
     "and peertag:connection_receive_packets:rate5m offset 1h", "", "silence"),
    ("peertag:connection_receiving:steady1h", "min_over_time", "max_over_time", "silence"),
    ("PeertagConnectionTrafficAboveLastWeek", *OPT_IN, "weeks"),
    ("PeertagConnectionTrafficAboveLastWeek", "offset 167h", "offset 1h", "weeks"),
    ("PeertagConnectionTrafficAboveLastWeek", "> 125000", "> 0", "weeks"),
    ("PeertagConnectionTrafficBelowLastWeek", *OPT_IN, "weeks"),
    ("PeertagConnectionTrafficBelowLastWeek", "> 125000", "> 0", "weeks"),
    ("PeertagConnectionTrafficBelowLastWeek", "offset 167h", "offset 6h", "weeks"),
    ("PeertagConnectionLatencyAboveThreshold", *OPT_IN, "threshold"),
    ("PeertagConnectionLatencyAboveThreshold", "> on", "< on", "threshold"),
    ("PeertagConnectionLatencyAboveUsual", *OPT_IN, "usual"),
    ("PeertagConnectionLatencyAboveUsual", "> 2 *", "> 1.2 *", "usual"),
    ("PeertagConnectionLatencyAboveUsual", "> 0.005", "> 0", "usual"),
    ("peertag:connection_rtt_seconds:usual",
     "and max_over_time(peertag:connection_rtt_seconds:p90_1h[1h] offset 1d)", "", "usual"),
    ("PeertagConnectionAtBackupSite", *OPT_IN, "backup"),
    ("PeertagConnectionAtBackupSite", 'role="backup"', 'role=~".*"', "backup"),
    ("PeertagConnectionAtBackupSite", "> 1)", "> 0)", "backup"),
    ("PeertagConnectionAtBackupSite", "for: 5m", "for: 0m", "backup"),
    ("PeertagDown", "or absent(up{job=\"peertag\"})", "", "daemon_unknown"),
    ("PeertagDown", "for: 2m", "for: 0m", "daemon_gone"),
    ("PeertagEngineDown", "for: 1m", "for: 0m", "engines"),
    ("PeertagEngineDown", "== 0", "== 2", "engines"),
    ("PeertagEngineOutdated", "!= on", "< on", "generations"),
    ("PeertagEngineOutdated", "for: 2m", "for: 0m", "generations"),
    ("PeertagEngineOutdated", "and on (instance, engine) peertag_engine_up == 1", "", "engines"),
    ("PeertagWorkerStuck", "for: 1m", "for: 0m", "engines"),
    ("PeertagEdgeSilent", "and max_over_time(peertag:edge_receiving:steady1h[1d]) == 1", "",
     "idle_edge"),
    ("peertag:edge_receiving:steady1h", "> bool 0", ">= bool 0", "idle_edge"),
    ("PeertagTagFailures", "increase(peertag_tag_failures_total[5m])", "peertag_tag_failures_total",
     "tags"),
    ("PeertagTableNearlyFull", "> 0.9", "> 0.88", "room"),
    ("PeertagTableNearlyFull", "> 0.9", "> 0.95", "room"),
    ("PeertagRegistryNearlyFull", "peertag_registry_connections_limit", "1000", "room"),
    ("PeertagRegistryNearlyFull", "peertag_registry_prefixes_limit", "1000", "room"),
    ("PeertagRegistryNearlyFull", "peertag_series_limit", "1000", "room"),
]


def seed(text, rule, old, new):
    """The rules with the bug in that rule, everywhere in it; None where it has no place."""
    begin = max(text.find(f"- {kind}: {rule}\n") for kind in ("alert", "record"))
    end = min((at for at in (text.find(f"- {kind}: ", begin + 1) for kind in ("alert", "record"))
               if at > 0), default=len(text))
    if begin < 0 or old not in text[begin:end]:
        return None
    return text[:begin] + text[begin:end].replace(old, new) + text[end:]


def verdict(text, bug):
    """'' if the scenario notices the bug."""
    *place, name = bug
    rules = seed(text, *place)
    if rules is None:
        return "has no place any more"
    found = promtool.scenario_judge(scenarios.ALL[name](), rules)
    if not found:
        return f"stayed unnoticed in {name}"
    return "" if "FAILED:\n    expr:" in found else f"is no rule: {found}"


def main():
    promtool.begin()
    with open(promtool.RULES, encoding="utf-8") as file:
        text = file.read()
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda bug: verdict(text, bug), SEEDS))
    for bug, wrong in zip(SEEDS, verdicts):
        if wrong:
            print(f"{bug[0]}: {bug[1]!r} -> {bug[2]!r} {wrong}")
    print(f"{len(SEEDS)} bugs, {verdicts.count('')} noticed")
    return 0 if not any(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
