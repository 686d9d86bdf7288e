#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The shipped rules, judged by promtool: what fires in each scenario, what is quiet, what it says.

    rules_fire_as_promised.py [SCENARIO...]
"""

import re
import subprocess
import sys

import promtool
import scenarios

OF_A_CONNECTION = ("partner", "country", "us_state", "primary_site", "backup_site", "role",
                   "instance", "severity")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def accepted(*command):
    """What a checker of Prometheus' own finds wrong with a file."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"{' '.join(command)}: {done.stdout}{done.stderr}"]


def files_are_valid():
    folder = promtool.MONITORING
    return (accepted("promtool", "check", "rules", "--lint=all", "--lint-fatal", promtool.RULES)
            + accepted("promtool", "check", "config", f"{folder}/prometheus/prometheus.yml")
            + accepted("amtool", "check-config", f"{folder}/alertmanager/alertmanager.yml"))


def alerts_of(rules):
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]
            if "alert" in rule}


def every_alert_fires_in_a_scenario(alerts):
    fired = {alert["alertname"] for scenario in scenarios.ALL.values()
             for expected in scenario()["fires"].values() for alert in expected}
    return [f"{name} fires in no scenario" for name in alerts.keys() - fired]


def every_connection_alert_asks_for_the_opt_in(alerts):
    """Whatever reads a connection's figures; the scenarios show that what it asks is heard."""
    wrong = []
    for name, rule in alerts.items():
        of_connection = "connection" in rule["expr"] and "registry" not in rule["expr"]
        if of_connection and "peertag_connection_alerts_enabled == 1" not in rule["expr"]:
            wrong.append(f"{name} does not ask peertag_connection_alerts_enabled")
        if of_connection != name.startswith("PeertagConnection"):
            wrong.append(f"{name} is called otherwise than what it reads")
    return wrong


def said(scenario):
    """[(name, labels, annotations)] of all that fires: promtool shows what it did not expect."""
    test = promtool.scenario_test(scenario)
    del test["promql_expr_test"]
    test["alert_rule_test"] = [
        {"eval_time": f"{minute}m", "alertname": name}
        for minute, alerts in scenario["fires"].items()
        for name in {alert["alertname"] for alert in alerts}]
    shown = promtool.judge([test], evaluate=scenario.get("evaluate", "1m"))
    for labels, annotations in re.findall(r"Labels:(\{.*\})\n\s*Annotations:(\{.*\})", shown):
        held = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        yield held["alertname"], held, annotations


def alerts_say_what_they_know(scenario):
    wrong = []
    for name, labels, text in said(scenario):
        if re.search(r"<error|<no value>|\{\{|%!|\(\)|, \)|  |NaN", text):
            wrong.append(f"{name} says {text}")
        if "summary=" not in text or "description=" not in text or labels["severity"] not in (
                "warning", "critical"):
            wrong.append(f"{name} lacks a summary, a description or its severity")
        subject = labels.get("connection") or labels.get("engine") or labels.get("instance", "")
        if subject not in text.partition("summary=")[2]:
            wrong.append(f"{name} does not name {subject}: {text}")
        missing = [label for label in OF_A_CONNECTION if label not in labels]
        if name.startswith("PeertagConnection") and missing:
            wrong.append(f"{name} lacks the labels {missing}")
    return wrong


def report(what, wrong):
    print(f"{'NOT OK' if wrong else 'ok    '} {what}", flush=True)
    for line in wrong:
        print(line)
    return not wrong


def main():
    promtool.begin("amtool")
    alerts = alerts_of(promtool.yaml.safe_load(text_of(promtool.RULES)))
    verdicts = [
        report("files are valid", files_are_valid()),
        report("every alert fires in a scenario", every_alert_fires_in_a_scenario(alerts)),
        report("every connection alert asks for the opt-in",
               every_connection_alert_asks_for_the_opt_in(alerts))]
    for name in sys.argv[1:] or scenarios.ALL:
        scenario = scenarios.ALL[name]()
        found = promtool.scenario_judge(scenario)
        verdicts.append(report(name.replace("_", " "), [found] if found else []))
        if "evaluate" not in scenario:
            verdicts.append(report(f"what is said of {name.replace('_', ' ')}",
                                   alerts_say_what_they_know(scenario)))
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
