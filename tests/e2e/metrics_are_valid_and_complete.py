#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The metrics: valid text for any name, complete from registration on, equal to the API."""

import json
import shutil

from customer import SEATTLE, customer, seattle
from edge import SERVER
from prometheus import ask, prometheus_start
from statement import Edge, Skipped, begin, edge_holds, equal, true
from traffic import Echo

HOSTILE = ('with "quotes"', "back\\slash", "braces {a=\"b\"} 1", "comma, and = sign", "東京 ü 🙂",
           "ends in a backslash\\", "# HELP not a comment", "\\n is not a line feed", "a/b?c#d%2F")
REQUIRED = (
    "peertag_packets_total", "peertag_sent_packets_total", "peertag_forward_drops_total",
    "peertag_nic_received_packets_total", "peertag_tag_failures_total",
    "peertag_registry_revision", "peertag_engine_generation", "peertag_desired_generation",
    "peertag_engine_up", "peertag_ready", "peertag_registry_connections",
    "peertag_registry_prefixes", "peertag_table_bytes", "peertag_publish_seconds",
    "peertag_publish_failures_total", "peertag_series", "peertag_build_info",
    "peertag_latency_slots", "peertag_latency_slots_limit", "peertag_rtt_samples_lost_total",
    "peertag_registry_connections_limit", "peertag_registry_prefixes_limit", "peertag_series_limit",
    "peertag_table_room_bytes",
)
OF_A_CONNECTION = (
    "peertag_connection_receive_packets_total", "peertag_connection_receive_bytes_total",
    "peertag_connection_transmit_packets_total", "peertag_connection_transmit_bytes_total",
    "peertag_connection_alerts_enabled",
)


def promtool_accepts(edge, text):
    if not shutil.which("promtool"):
        raise Skipped("promtool is not installed (package prometheus)")
    result = edge.namespace.run("promtool", "check", "metrics", input=text, check=False)
    equal((result.returncode, result.stdout + result.stderr), (0, ""), "promtool check metrics")


def every_metric_is_there_from_the_start(edge):
    metrics = edge.metrics()
    names = {name for name, _ in metrics}
    equal([name for name in REQUIRED if name not in names], [], "missing metrics")
    for name in OF_A_CONNECTION:
        equal(metrics.get((name, (("connection", "contoso-seattle"),))), 0.0, name)
    info = [dict(labels) for name, labels in metrics if name == "peertag_connection_info"]
    equal(info, [{"connection": "contoso-seattle", "partner": "Lumen Technologies",
                  "country": "US", "us_state": "WA", "city": "", "primary_site": "sea1",
                  "backup_site": "", "role": "primary"}], "peertag_connection_info")
    equal(metrics["peertag_series", ()], float(len(metrics)), "peertag_series is the truth")
    equal(metrics["peertag_ready", ()], 1.0, "peertag_ready")


def limits_are_exported_beside_what_they_limit(edge):
    metrics = edge.metrics()
    equal(metrics["peertag_registry_connections_limit", ()],
          float(edge.configuration["max_connections"]), "the limit of connections")
    equal(metrics["peertag_registry_prefixes_limit", ()], 2e6, "the limit of prefixes")
    equal(metrics["peertag_series_limit", ()], 2e6, "the limit of series")
    engine = ("engine", "xdp"),
    held, room = (metrics[f"peertag_table_{what}", engine] for what in ("bytes", "room_bytes"))
    true(0 < held < room, f"a table of {held} bytes has room for {room}")


def a_threshold_is_exported_only_where_there_is_one(edge):
    name = "peertag_connection_rtt_threshold_seconds"
    before = edge.metrics()
    equal([key for key in before if key[0] == name], [], "thresholds of none")
    edge.api("POST", "/v1/connections", customer("threshold", rtt_threshold_ms=40))
    edge.api("POST", "/v1/connections", customer("slow", rtt_threshold_ms=12005))
    metrics = edge.metrics()
    equal({dict(labels)["connection"]: value for (key, labels), value in metrics.items()
           if key == name}, {"threshold": 0.04, "slow": 12.005}, "thresholds in seconds")
    equal(metrics["peertag_series", ()], float(len(metrics)), "peertag_series is the truth")
    equal(len(metrics) - len(before), 2 * 7, "series of two connections with a threshold")


def a_new_connection_is_exported_at_zero(edge):
    for number in range(5):
        edge.api("POST", "/v1/connections", customer(f"new-{number}"))
        metrics = edge.metrics()
        for name in OF_A_CONNECTION:
            equal(metrics.get((name, (("connection", f"new-{number}"),))), 0.0, name)


def hostile_names_keep_the_text_valid(edge):
    for name in HOSTILE:
        status, _, body = edge.api("POST", "/v1/connections",
                                   customer(name, partner=name, city=name))
        equal(status, 201, f"{name}: {body}")
    exported = {dict(labels).get("connection") for _, labels in edge.metrics()}
    equal([name for name in HOSTILE if name not in exported], [], "names that are not exported")
    _, _, body = edge.api("GET", "/metrics")
    promtool_accepts(edge, body.decode())


def control_characters_in_names_are_refused(edge):
    for name in ("line\nfeed", "tab\there", "nul\x00", "escape\x1b[2J", "del\x7f"):
        status, _, body = edge.api("POST", "/v1/connections", customer(name))
        true(status in (400, 422), f"{name!r}: {status}: {body}")


def the_format_follows_the_accept_header(edge):
    _, headers, body = edge.api("GET", "/metrics")
    true("text/plain" in headers["Content-Type"] and "0.0.4" in headers["Content-Type"],
         f"content type {headers['Content-Type']}")
    _, headers, body = edge.api("GET", "/metrics", headers={
        "Accept": "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"})
    true(headers["Content-Type"].startswith("application/openmetrics-text"), "content type")
    text = body.decode()
    true(text.endswith("\n# EOF\n"), "OpenMetrics ends with # EOF")
    true("# TYPE peertag_connection_receive_packets counter" in text,
         "an OpenMetrics family has no _total")


def metrics_equal_the_api_after_traffic(edge):
    with Echo(edge.namespace, SERVER[4]):
        edge.east.exchange(SEATTLE).send(321, 200)
    counters, metrics = edge.counters()["connections"], edge.metrics()
    for name, counts in counters.items():
        for way, count in counts.items():
            for unit, number in count.items():
                key = (f"peertag_connection_{way}_{unit}_total", (("connection", name),))
                equal(metrics[key], float(number), f"{key}")
    equal(counters["contoso-seattle"]["receive"]["packets"], 321, "receive packets")


def a_real_prometheus_scrapes_and_answers(edge):
    prometheus_start(edge)
    for name in ("contoso-seattle", *HOSTILE):
        expected = edge.connection(name)[0].packets
        label = json.dumps(name, ensure_ascii=False)
        query = f"peertag_connection_receive_packets_total{{connection={label}}}"
        edge.wait(f"prometheus' {query}", lambda: ask(edge, query) == [expected], 20)
    joined = ask(edge, "peertag_connection_receive_packets_total * on (instance, connection) "
                       "group_left (us_state) peertag_connection_info{us_state=\"WA\"}")
    equal(joined, [321], "the join on the info metric")
    equal(ask(edge, 'up{job="peertag"}'), [1], "up")
    edge.end("prometheus")


def the_series_limit_refuses_registrations(edge):
    scraped = len(edge.metrics())
    add = ("connection", "add", "one-more", "partner", "Colt", "country", "GB")
    for room, code in ((5, 4), (6, 0)):
        edge.end("peertagd")
        edge.configure(series_limit=scraped + room)
        edge.start_control()
        edge.wait_ready()
        equal(edge.cli(*add).code, code, f"exit code with room for {room} series")
    equal(len(edge.metrics()), scraped + 6, "series of a scrape")
    edge.cli("connection", "del", "one-more", check=True)
    equal(edge.cli(*add, "rtt_threshold_ms", "40").code, 4, "exit code where a threshold is one more")
    equal(edge.cli(*add).code, 0, "exit code without it")
    answer = edge.cli("connection", "add", "too-much", "partner", "Colt", "country", "GB")
    equal((answer.code, answer.error["code"]), (4, "capacity"), "exit code and code")


def main():
    begin()
    with Edge([{"name": "east", "forward": "pass"}]) as edge:
        edge.east = edge.host("east", [SEATTLE])
        edge.start_all()
        edge.apply([seattle(primary_site="sea1")])
        held = edge_holds(edge, [
            every_metric_is_there_from_the_start, limits_are_exported_beside_what_they_limit,
            a_threshold_is_exported_only_where_there_is_one, a_new_connection_is_exported_at_zero,
            hostile_names_keep_the_text_valid, control_characters_in_names_are_refused,
            the_format_follows_the_accept_header, metrics_equal_the_api_after_traffic,
            a_real_prometheus_scrapes_and_answers, the_series_limit_refuses_registrations])
    raise SystemExit(0 if held else 1)


main()
