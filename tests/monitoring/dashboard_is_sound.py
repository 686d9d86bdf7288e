#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Grafana dashboard and what provisions it: structure, and expressions that promtool reads."""

import copy
import json
import os
import subprocess
import sys

import dashboard
import promtool
from timeline import connection, latency


def wrong_expressions(document):
    """Those that promtool cannot read; with no series it finds nothing, and that is right."""
    checks = [{"expr": dashboard.fill(expression), "eval_time": "5m",
               "exp_samples": constant(expression)}
              for _, expression in dashboard.expressions(document)]
    found = promtool.judge([{"interval": "1m", "input_series": [], "promql_expr_test": checks}],
                           rules="groups: []\n")
    return [found] if found else []


def constant(expression):
    return [{"labels": "{}", "value": 0}] if expression.endswith("or vector(0)") else []


def wrong_latency(document):
    """All round trips of a connection lie between 15 and 20 ms: so do the percentiles shown."""
    shown = {"p50": 0.0175, "p90": 0.0195, "p90, and thresholds": 0.0195, "p99": 0.02}
    labels = {"connection": "slow", "instance": "edge1", "job": "peertag", "partner": "Lumen"}
    checks = [{"expr": f"round({dashboard.fill(panel['targets'][0]['expr'])}, 0.0005)",
               "eval_time": "30m",
               "exp_samples": [{"labels": promtool.labels_text(labels), "value": value}]}
              for panel in dashboard.panels(document) for name, value in shown.items()
              if panel["title"] == f"Round-trip time, {name}"]
    if len(checks) != 3:
        return [f"{len(checks)} panels of percentiles"]
    found = promtool.judge([{"interval": "1m", "promql_expr_test": checks, "input_series":
                             connection("slow", 60, [(60, 10)]) + latency("slow", (60, "0.02"))}])
    return [found] if found else []


def wrong_install(build):
    """What `meson install` would not put beside the rest of what is installed."""
    done = subprocess.run(["meson", "introspect", "--installed", build], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        return [done.stderr]
    target = json.loads(done.stdout).get(promtool.MONITORING, "")
    return [] if target.endswith("/share/peertag") else [f"it is installed as {target!r}"]


def provisioning_wrong():
    folder = os.path.join(promtool.MONITORING, "grafana", "provisioning")
    documents = {}
    for kind in ("dashboards", "datasources"):
        with open(os.path.join(folder, kind, "peertag.yaml"), encoding="utf-8") as file:
            documents[kind] = promtool.yaml.safe_load(file)
        if documents[kind]["apiVersion"] != 1:
            yield f"{kind}: Grafana knows apiVersion 1"
    provider = documents["dashboards"]["providers"][0]
    if provider["type"] != "file" or not provider["options"]["path"].endswith("/peertag/grafana"):
        yield "the provider does not name the folder that is installed"
    if documents["datasources"]["datasources"][0]["type"] != "prometheus":
        yield "the data source is no Prometheus"


def seeded(document):
    """(what is wrong, the dashboard with it)."""
    def bug(what, change):
        broken = copy.deepcopy(document)
        change(broken)
        return what, broken

    def shown(broken):
        return next(panel for panel in broken["panels"] if panel["type"] == "timeseries")

    yield bug("an id twice", lambda broken: shown(broken).update(id=broken["panels"][0]["id"]))
    yield bug("panels that overlap", lambda broken: shown(broken)["gridPos"].update(w=13))
    yield bug("a panel off the page", lambda broken: shown(broken)["gridPos"].update(x=20))
    yield bug("a data source of its own", lambda broken: shown(broken).update(datasource="mine"))
    yield bug("no schemaVersion", lambda broken: broken.pop("schemaVersion"))
    yield bug("a variable that nobody defines",
              lambda broken: shown(broken)["targets"][0].update(expr='up{job="$job"}'))
    yield bug("a variable that is missing", lambda broken: broken["templating"]["list"].pop())
    yield bug("a panel that asks nothing", lambda broken: shown(broken).update(targets=[]))


def unnoticed(document):
    good = list(dashboard.structure_wrong(document))
    return [what for what, broken in seeded(document)
            if list(dashboard.structure_wrong(broken)) == good]


def report(what, wrong):
    print(f"{'NOT OK' if wrong else 'ok    '} {what}", flush=True)
    for line in wrong:
        print(line)
    return not wrong


def main():
    promtool.begin()
    document = dashboard.load()
    broken = copy.deepcopy(document)
    broken["panels"][1]["targets"][0]["expr"] = "sum(rate(peertag_packets_total[5m])"
    verdicts = [
        report("the structure is Grafana's", list(dashboard.structure_wrong(document))),
        report("provisioning names it", list(provisioning_wrong())),
        report("every expression is one", wrong_expressions(document)),
        report("percentiles are those of the histogram", wrong_latency(document)),
        report("it is installed with the rules",
               wrong_install(os.environ["PEERTAG_BUILD"]) if "PEERTAG_BUILD" in os.environ else []),
        report("a structure that is broken is noticed", unnoticed(document)),
        report("an expression that is broken is noticed",
               [] if wrong_expressions(broken) else [json.dumps(broken["panels"][1])])]
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
