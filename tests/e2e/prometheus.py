# SPDX-License-Identifier: BSD-3-Clause
"""The real Prometheus and Alertmanager in an edge's namespace, with the files that we ship."""

import contextlib
import http.client
import json
import os
import re
import shutil
import urllib.parse

from edge import ROOT
from statement import Skipped

try:
    import yaml
except ImportError:
    yaml = None

MONITORING = os.path.join(ROOT, "control", "monitoring")
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Where a duration can stand in an expression.
DURATION = re.compile(r"(?<=\[)(?:\d+[smhdw])+(?=\])|(?<=offset )(?:\d+[smhdw])+")


def need(*programs):
    """Raises Skipped where one is missing."""
    if yaml is None:
        raise Skipped("Python has no yaml (package python3-yaml)")
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"{program} is not installed")


def shipped(*path):
    with open(os.path.join(MONITORING, *path), encoding="utf-8") as file:
        return yaml.safe_load(file)


def divided(duration, by):
    """A duration of Prometheus' such as 23h30m, in milliseconds and by so much shorter."""
    parts = re.findall(r"(\d+)([smhdw])", duration)
    seconds = sum(int(number) * UNIT_S[unit] for number, unit in parts)
    return f"{max(1, seconds * 1000 // by)}ms"


def hurried(rules, by):
    """The rules with every duration divided; nothing else changes."""
    for group in rules["groups"]:
        group["interval"] = divided(group["interval"], by)
        for rule in group["rules"]:
            rule["expr"] = DURATION.sub(lambda found: divided(found.group(), by), rule["expr"])
            if "for" in rule:
                rule["for"] = divided(rule["for"], by)
    return rules


def write(edge, name, document):
    with open(edge.path(name), "w", encoding="utf-8") as file:
        yaml.safe_dump(document, file)
    return edge.path(name)


def prometheus_start(edge, hurry=60):
    """Ours, but for its times: it scrapes each second and judges by rules that hurry."""
    need("prometheus")
    write(edge, "peertag.rules.yml", hurried(shipped("prometheus", "peertag.rules.yml"), hurry))
    config = shipped("prometheus", "prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    os.mkdir(edge.path("prometheus"))
    edge.start("prometheus", "prometheus",
               f"--config.file={write(edge, 'prometheus.yml', config)}",
               f"--storage.tsdb.path={edge.path('prometheus')}",
               "--web.listen-address=127.0.0.1:9090")
    edge.wait("Prometheus", lambda: ask(edge, 'up{job="peertag"} == 1'), 20)


def alertmanager_start(edge):
    """As shipped; it runs alone."""
    need("prometheus-alertmanager")
    config = os.path.join(MONITORING, "alertmanager", "alertmanager.yml")
    edge.start("alertmanager", "prometheus-alertmanager", f"--config.file={config}",
               f"--storage.path={edge.path('alertmanager')}", "--cluster.listen-address=",
               "--web.listen-address=127.0.0.1:9093")
    edge.wait("Alertmanager", lambda: alerts_of(edge) is not None, 20)


def fetch(edge, port, path):
    """(status, body) of a GET on the edge's loopback; None where nobody listens."""
    with edge.namespace:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.connect()
        except OSError:
            return None
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def query(edge, expression):
    """What Prometheus answers: (status, document); None where nobody listens."""
    answer = fetch(edge, 9090, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return answer and (answer[0], json.loads(answer[1]) if answer[1][:1] == b"{" else {})


def ask(edge, expression):
    """The values of an instant query, or None while nobody answers."""
    answer = query(edge, expression)
    if not answer or answer[0] != 200:
        return None
    return [float(sample["value"][1]) for sample in answer[1]["data"]["result"]]


def alerts_of(edge):
    """What Alertmanager holds now; None while it does not answer."""
    answer = fetch(edge, 9093, "/api/v2/alerts")
    return json.loads(answer[1]) if answer and answer[0] == 200 else None
