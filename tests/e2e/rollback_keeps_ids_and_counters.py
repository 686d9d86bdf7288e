#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The registry changes as a whole, and comes back as a whole: ids and counters stay with names."""

import json

from customer import LONDON, SEATTLE, customer, london, seattle
from edge import SERVER
from statement import Edge, begin, edge_holds, equal, true
from traffic import Echo


def ids(edge):
    return {entry["name"]: entry["tag"]["mark"] for entry in exported(edge)}


def exported(edge):
    status, _, body = edge.api("GET", "/v1/export")
    equal(status, 200, "status of the export")
    return [json.loads(line) for line in body.decode().splitlines()]


def file_of(edge, *connections):
    path = edge.path("wanted.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in connections)
    return path


def diff_tells_what_apply_does(edge):
    path = file_of(edge, seattle(), london())
    told = edge.cli("diff", path, check=True).json
    equal(edge.status()["connections"], 0, "connections after diff")
    done = edge.cli("apply", path, check=True).json
    equal(done["added"], {"connections": 2, "prefixes": 3}, "what apply added")
    equal({key: done[key] for key in ("changed", "removed")},
          {key: {"connections": 0, "prefixes": 0} for key in ("changed", "removed")},
          "what apply changed and removed")
    equal({key: told[key] for key in ("added", "changed", "removed")},
          {key: done[key] for key in ("added", "changed", "removed")}, "what diff had said")
    true(done["generation"] >= 1 and done["seconds"] >= 0, "generation and seconds are told")


def applying_the_same_again_changes_nothing(edge):
    before = edge.status()
    done = edge.cli("apply", file_of(edge, london(), seattle()), check=True).json
    equal(done["added"]["connections"] + done["changed"]["connections"] +
          done["removed"]["connections"], 0, "changes")
    equal(edge.status()["connections"], before["connections"], "connections")


def counters_stay_when_the_prefixes_change(edge):
    edge.host_east.exchange(SEATTLE).send(50)
    edge.host_east.exchange(LONDON).send(20)
    marks = ids(edge)
    path = file_of(edge, seattle(prefixes=["203.0.113.0/25"]), london(partner="Colt"))
    done = edge.cli("apply", path, check=True).json
    equal(done["changed"]["connections"], 2, "connections that changed")
    equal(edge.connection("contoso-seattle")[0].packets, 50, "seattle's packets")
    edge.host_east.exchange(SEATTLE).send(5)
    equal(edge.connection("contoso-seattle")[0].packets, 55, "seattle's packets go on")
    equal(ids(edge), marks, "ids")


def rollback_restores_connections_with_id_and_counter(edge):
    marks = ids(edge)
    wanted = exported(edge)
    revision = edge.status()["revision"]
    generation = edge.status()["engines"][0]["generation"]
    edge.apply([seattle(prefixes=["203.0.113.0/26"], partner="Colt"), london(),
                customer("third", "192.0.2.0/28")])
    edge.cli("rollback", str(revision), check=True)
    equal(exported(edge), wanted, "the registry after the rollback")
    equal(ids(edge), marks, "ids after the rollback")
    equal(edge.connection("contoso-seattle")[0].packets, 55, "seattle's packets")
    true(edge.status()["revision"] > revision + 1, "a rollback commits a new revision")
    true(edge.status()["engines"][0]["generation"] > generation, "the generation rises")


def a_removed_connection_comes_back_with_its_id(edge):
    marks = ids(edge)
    revision = edge.status()["revision"]
    edge.cli("connection", "del", "contoso-seattle", check=True)
    edge.cli("connection", "add", "fourth", "partner", "Colt", "country", "DE", check=True)
    true(ids(edge)["fourth"] not in marks.values(), "an id is never given twice")
    edge.cli("rollback", str(revision), check=True)
    equal(ids(edge), marks, "ids")


def history_lists_every_revision(edge):
    history = edge.cli("history", check=True).json
    entries = history["revisions"] if isinstance(history, dict) else history
    numbers = [entry["revision"] for entry in entries]
    true(edge.status()["revision"] in numbers, "the current revision is listed")
    equal(len(set(numbers)), len(numbers), "distinct revisions")
    equal(sorted(numbers) in (numbers, numbers[::-1]), True, "revisions are in order")


def export_and_apply_is_a_round_trip(edge):
    for form in ((), ("-j",)):
        text = edge.cli("export", form=form, check=True).stdout
        path = edge.path("export.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = edge.cli("apply", path, check=True).json
        for change in ("added", "changed", "removed"):
            equal(done[change]["connections"], 0, f"connections {change}")
        equal(edge.cli("export", form=form, check=True).stdout, text, "the export after that")


def rollback_to_an_unknown_revision_is_refused(edge):
    answer = edge.cli("rollback", "999999")
    equal(answer.code, 3, "exit code")
    true("999999" in answer.error["message"], "the message names the revision")


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}]) as edge:
        edge.host_east = edge.host("east", [SEATTLE, LONDON])
        edge.start_all()
        with Echo(edge.namespace, SERVER[4]):
            held = edge_holds(edge, [
                diff_tells_what_apply_does,
                applying_the_same_again_changes_nothing,
                counters_stay_when_the_prefixes_change,
                rollback_restores_connections_with_id_and_counter,
                a_removed_connection_comes_back_with_its_id,
                history_lists_every_revision,
                export_and_apply_is_a_round_trip,
                rollback_to_an_unknown_revision_is_refused,
            ])
    raise SystemExit(0 if held else 1)


main()
