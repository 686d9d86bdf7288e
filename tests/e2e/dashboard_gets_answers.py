#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every expression of the dashboard and of the rules, asked of a Prometheus that scrapes an edge."""

import json
import os
import sys

from customer import SEATTLE, seattle
from edge import ROOT, SERVER
from prometheus import ask, fetch, need, prometheus_start, query, shipped
from statement import Edge, Skipped, begin, edge_holds, equal, true
from traffic import Echo, Flow

sys.path.append(os.path.join(ROOT, "tests", "monitoring"))
import dashboard  # noqa: E402

# Only where latency was measured, where workers are, or after a week: no answer is right too.
RARE = ("_rtt_seconds_bucket", "peertag_worker_", "offset 1w")


def names_in_use():
    """{metric: an expression that uses it} of the dashboard and the rules."""
    used = {}
    for _, expression in dashboard.expressions(dashboard.load()):
        used |= {name: expression for name in dashboard.METRIC.findall(expression)}
    for group in shipped("prometheus", "peertag.rules.yml")["groups"]:
        for rule in group["rules"]:
            used |= {name: rule["expr"] for name in dashboard.METRIC.findall(rule["expr"])}
    return used


def names_there_are(edge):
    """What the edge exports, what the rules record, and what the contract promises to come."""
    _, _, body = edge.api("GET", "/metrics")
    names = {line.split()[2] for line in body.decode().splitlines() if line.startswith("# TYPE ")}
    names |= {rule["record"] for group in shipped("prometheus", "peertag.rules.yml")["groups"]
              for rule in group["rules"] if "record" in rule}
    return names | {"ALERTS", "peertag_connection_rtt_seconds_bucket",
                    "peertag_prefix_rtt_seconds_bucket"}


def every_metric_that_is_asked_for_exists(edge):
    there = names_there_are(edge)
    equal({name: text for name, text in names_in_use().items() if name not in there}, {},
          "metrics that nobody exports")


def every_expression_is_answered(edge):
    edge.wait("an hour, hurried, of bytes",
              lambda: ask(edge, 'peertag:connection_bytes:rate1h{direction="receive"} > 0'), 30)
    edge.wait("an alert", lambda: ask(edge, 'ALERTS{alertname="PeertagRegistryNearlyFull",'
                                            'alertstate="firing"}'), 30)
    asked = list(dashboard.expressions(dashboard.load()))
    refused, empty = [], []
    for where, expression in asked:
        answer = query(edge, dashboard.fill(expression))
        if answer[0] != 200 or answer[1]["status"] != "success":
            refused.append((where, answer[1].get("error")))
        elif not answer[1]["data"]["result"] and not any(word in expression for word in RARE):
            empty.append((where, expression))
    true(len(asked) > 40, f"{len(asked)} expressions")
    equal(refused, [], "refused")
    equal(empty, [], "without an answer")


def figures_are_those_of_the_traffic(edge):
    """Not only some answer: the traffic of one customer, by name, partner and country."""
    for panel in dashboard.panels(dashboard.load()):
        if panel["title"] in ("Received, by partner", "Received, by country"):
            values = ask(edge, dashboard.fill(panel["targets"][0]["expr"]))
            equal(len(values), 1, panel["title"])
            true(50_000 < values[0] < 200_000, f"{panel['title']}: {values[0]} bit/s")


def a_choice_narrows_what_is_shown(edge):
    expression = next(panel for panel in dashboard.panels(dashboard.load())
                      if panel["title"] == "Received, by partner")["targets"][0]["expr"]
    for name, value, count in (("partner", "Lumen.*", 1), ("partner", "Colt", 0),
                               ("country", "US", 1), ("country", "GB", 0),
                               ("connection", "contoso-seattle", 1), ("connection", "other", 0),
                               ("instance", "elsewhere", 0)):
        chosen = dashboard.fill(expression.replace(f'"${name}"', f'"{value}"'))
        equal(len(ask(edge, chosen)), count, f"{name} {value}")


def no_rule_fails(edge):
    _, body = fetch(edge, 9090, "/api/v1/rules")
    rules = [rule for group in json.loads(body)["data"]["groups"] for rule in group["rules"]]
    equal([(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"], [],
          "rules that fail")
    true(len(rules) > 20, f"{len(rules)} rules are loaded")


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}], max_connections=1) as edge:
        try:
            need("prometheus")
        except Skipped as reason:
            print(f"skipped: {reason}")
            sys.exit(77)
        host = edge.host("east", [SEATTLE])
        edge.start_all()
        edge.apply([seattle(primary_site="sea1", rtt_threshold_ms=40, monitor=True)])
        prometheus_start(edge)
        with Echo(edge.namespace, SERVER[4]), Flow(host.exchange(SEATTLE), 100):
            held = edge_holds(edge, [
                every_metric_that_is_asked_for_exists, every_expression_is_answered,
                figures_are_those_of_the_traffic, a_choice_narrows_what_is_shown, no_rule_fails])
    raise SystemExit(0 if held else 1)


main()
