# SPDX-License-Identifier: BSD-3-Clause
"""The Grafana dashboard as data: panels, expressions, and what is wrong with its structure."""

import json
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "control", "monitoring", "grafana", "peertag.json")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
# What Grafana puts in: all of everything, and intervals that suit a scrape each second.
FILLED = {"__rate_interval": "10s", "__interval": "10s", "__range": "60s"}
VARIABLES = ("datasource", "instance", "partner", "country", "connection")
METRIC = re.compile(r"\b(?:peertag[_:][a-z0-9_:]*|ALERTS)\b")


def load():
    with open(PATH, encoding="utf-8") as file:
        return json.load(file)


def panels(document):
    """All, also those inside of a collapsed row."""
    for panel in document["panels"]:
        yield panel
        yield from panel.get("panels", ())


def expressions(document):
    """(where it stands, the expression as written) of panels, annotations and variables."""
    for panel in panels(document):
        for target in panel.get("targets", ()):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in document["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable_series(variable)


def variable_series(variable):
    """The series whose label a variable lists."""
    return re.fullmatch(r"label_values\((.*), \w+\)", variable["query"]["query"]).group(1)


def fill(expression):
    """As Grafana sends it, everything chosen."""
    for name in VARIABLES:
        expression = expression.replace(f'"${name}"', '".*"')
    for name, value in FILLED.items():
        expression = expression.replace(f"${name}", value)
    return expression


def overlaps(document):
    taken = {}
    for panel in document["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x >= WIDTH:
                    yield f"{panel['title']} is wider than the page"
                if (x, y) in taken:
                    yield f"{panel['title']} lies over {taken[x, y]}"
                taken[x, y] = panel["title"]


def target_wrong(panel):
    targets = panel.get("targets", [])
    if panel["type"] != "row" and not targets:
        yield f"{panel['title']} asks nothing"
    if len({target["refId"] for target in targets}) != len(targets):
        yield f"{panel['title']} has two targets of one name"
    for target in [panel, *targets]:
        if panel["type"] != "row" and target.get("datasource") != SOURCE:
            yield f"{panel['title']} does not ask the chosen data source"
    if (panel["type"] not in ("row", "heatmap", "table")
            and "unit" not in panel["fieldConfig"]["defaults"]):
        yield f"{panel['title']} has no unit"


def structure_wrong(document):
    """What Grafana would refuse or show wrongly."""
    found = list(panels(document))
    if not isinstance(document.get("schemaVersion"), int) or document["schemaVersion"] < 36:
        yield "schemaVersion is not one of Grafana 9 or later"
    if document.get("id") is not None or not document.get("uid") or not document.get("title"):
        yield "a provisioned dashboard has a uid, a title, and no id"
    ids = [panel["id"] for panel in found]
    if len(set(ids)) != len(ids):
        yield "two panels have one id"
    titles = [panel["title"] for panel in found if panel["type"] != "row"]
    if len(set(titles)) != len(titles):
        yield "two panels have one title"
    yield from overlaps(document)
    for panel in found:
        yield from target_wrong(panel)
    yield from variables_wrong(document)


def variables_wrong(document):
    names = [variable["name"] for variable in document["templating"]["list"]]
    if names != list(VARIABLES):
        yield f"variables are {names}"
    if document["templating"]["list"][0]["type"] != "datasource":
        yield "datasource is no data source"
    for variable in document["templating"]["list"][1:]:
        if variable["datasource"] != SOURCE or variable["allValue"] != ".*":
            yield f"variable {variable['name']} does not ask the chosen data source for all"
    for where, expression in expressions(document):
        left = set(re.findall(r"\$\{?(\w+)", expression)) - set(VARIABLES) - set(FILLED)
        if left:
            yield f"{where} uses {left}, which nobody defines"
