#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Alerts of connections that opted in, through Prometheus and Alertmanager, and as events.

The shipped rules run with every duration divided by 60; peertagd's own judgement of silence is
set to 3 seconds. For each connection there is one that did not opt in and is the same in all else.
"""

import contextlib
import json
import time

from customer import customer
from edge import SERVER
from prometheus import alertmanager_start, alerts_of, ask, prometheus_start
from statement import Edge, begin, edge_holds, equal, true
from traffic import Echo, Flow

RATE = 40
# name: (its address, what else it is)
CONNECTIONS = {
    "stops": ("203.0.113.10", {"monitor": True}),
    "stops-quiet": ("203.0.113.130", {}),
    "arrives": ("198.51.100.10", {"monitor": True, "backup_site": "sea1", "primary_site": "pdx1"}),
    "arrives-quiet": ("198.51.100.130", {"backup_site": "sea1", "primary_site": "pdx1"}),
    "talks": ("192.0.2.10", {"monitor": True}),
}


class Listener:
    """`peertag monitor`, and the alerts that it told."""

    def __init__(self, edge):
        self.edge = edge
        edge.start("monitor", *edge.cli_command("monitor", form=()))
        edge.wait("the listener to hear of a change", self._hears, 20, 0.2)

    def _hears(self):
        self.edge.api("PATCH", "/v1/connections/talks", {"city": str(time.monotonic())})
        return self.edge.log("monitor")

    def alerts(self):
        lines = self.edge.log("monitor").splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event["event"] == "alert"]

    def wait(self, alert, state, subject, seconds):
        """The last event on this connection or engine, once it says that state."""
        def told():
            found = [event for event in self.alerts() if event["alert"] == alert and subject in
                     (event.get("connection"), event.get("engine"), event.get("limit"))]
            return found and found[-1]["state"] == state and found[-1]
        return self.edge.wait(f"the event {alert} {state} of {subject}", told, seconds)


class Manager:
    """Alertmanager, and the connections of all alerts that it was ever seen to hold."""

    def __init__(self, edge):
        self.edge, self.seen = edge, set()

    def held(self, alert, **labels):
        alerts = alerts_of(self.edge) or []
        self.seen |= {each["labels"].get("connection") for each in alerts}
        return [each for each in alerts if each["labels"]["alertname"] == f"Peertag{alert}"
                and labels.items() <= each["labels"].items()]

    def wait(self, alert, seconds, **labels):
        return self.edge.wait(f"Alertmanager's {alert}", lambda: self.held(alert, **labels),
                              seconds)[0]

    def wait_end(self, alert, seconds, **labels):
        self.edge.wait(f"the end of Alertmanager's {alert}",
                       lambda: not self.held(alert, **labels), seconds)


def the_registry_is_nearly_full(edge):
    """Five of five: told before anybody sends."""
    event = edge.listener.wait("RegistryNearlyFull", "firing", "max_connections", 15)
    equal((event["share"], event["severity"]), (1, "warning"), "share and severity")
    alert = edge.manager.wait("RegistryNearlyFull", 30, limit="max_connections")
    true("100% of max_connections" in alert["annotations"]["summary"], alert["annotations"])


def an_engine_that_is_down_is_told_of(edge):
    """For a minute: its programs go on meanwhile, and so do the connections' figures."""
    edge.kill("peertag-xdp")
    edge.manager.wait("EngineDown", 15, engine="xdp")
    event = edge.listener.wait("EngineDown", "firing", "xdp", 80)
    equal(event["severity"], "critical", "severity")
    true({"alert": "EngineDown", "engine": "xdp"}.items() <= edge.status()["alerts"][0].items(),
         "the status says so as well")
    edge.start_engine()
    edge.listener.wait("EngineDown", "resolved", "xdp", 15)
    edge.manager.wait_end("EngineDown", 15, engine="xdp")


def traffic_at_the_backup_site_is_told_of(edge):
    alert = edge.manager.wait("ConnectionAtBackupSite", 20, connection="arrives")
    equal({key: alert["labels"][key] for key in ("partner", "country", "role", "severity")},
          {"partner": "Lumen Technologies", "country": "GB", "role": "backup",
           "severity": "warning"}, "labels from the info metric")
    true("packets/s" in alert["annotations"]["description"], alert["annotations"])
    event = edge.listener.wait("ConnectionAtBackupSite", "firing", "arrives", 80)
    true(RATE / 2 < event["receive_packets_per_second"] < RATE * 2, f"the rate in {event}")


def silence_is_told_of(edge):
    steady = 'peertag:connection_receiving:steady1h{connection=~"stops.*"} == 1'
    edge.wait("an hour, hurried, of traffic", lambda: len(ask(edge, steady) or ()) == 2, 120, 0.5)
    edge.pause("stops", "stops-quiet")
    event = edge.listener.wait("ConnectionSilent", "firing", "stops", 15)
    true(event["silent_seconds"] >= 3, f"how long in {event}")
    alert = edge.manager.wait("ConnectionSilent", 40, connection="stops")
    true("stops (Lumen Technologies, GB) is silent" in alert["annotations"]["summary"],
         alert["annotations"])
    equal(alert["labels"]["severity"], "critical", "severity")


def it_ends_when_they_are_heard_again(edge):
    edge.resume("stops", "stops-quiet")
    edge.listener.wait("ConnectionSilent", "resolved", "stops", 10)
    edge.manager.wait_end("ConnectionSilent", 30, connection="stops")


def nobody_hears_of_who_did_not_opt_in(edge):
    told = {event.get("connection") for event in edge.listener.alerts()}
    equal(told - {None}, {"stops", "arrives"}, "connections in events")
    equal(edge.manager.seen - {None}, {"stops", "arrives"}, "connections in Alertmanager")
    equal(ask(edge, 'count(count_over_time(ALERTS{connection=~".*-quiet|talks"}[30m]))'), [],
          "alerts of the others, pending ones too")
    true(ask(edge, 'peertag:connection_receive_packets:rate5m{connection="stops-quiet"}'),
         "their figures are there all the same")


class AlertEdge(Edge):
    """With traffic of each connection, which can be paused."""

    def traffic_start(self, host, stack):
        self.flows = {}
        stack.enter_context(Echo(self.namespace, SERVER[4]))
        for name, (address, _) in CONNECTIONS.items():
            self.flows[name] = Flow(host.exchange(address), RATE)
            self.flows[name].start()
        stack.callback(lambda: self.pause(*self.flows))

    def pause(self, *names):
        for name in names:
            self.flows[name].stop()

    def resume(self, *names):
        for name in names:
            self.flows[name] = Flow(self.flows[name].exchange, RATE)
            self.flows[name].start()


def registry():
    halves = {"stops": "203.0.113.0/25", "stops-quiet": "203.0.113.128/25",
              "arrives": "198.51.100.0/25", "arrives-quiet": "198.51.100.128/25",
              "talks": "192.0.2.0/24"}
    return [customer(name, halves[name], **more) for name, (_, more) in CONNECTIONS.items()]


def main():
    begin(AlertEdge)
    with AlertEdge([{"name": "east", "forward": "pass"}], alerts={"silent_after": "3s"},
                   max_connections=len(CONNECTIONS)) as edge, contextlib.ExitStack() as stack:
        host = edge.host("east", [address for address, _ in CONNECTIONS.values()])
        edge.start_all()
        edge.apply(registry()[-1:])
        edge.listener, edge.manager = Listener(edge), Manager(edge)
        edge.apply(registry())
        alertmanager_start(edge)
        prometheus_start(edge)
        edge.traffic_start(host, stack)
        held = edge_holds(edge, [
            the_registry_is_nearly_full, an_engine_that_is_down_is_told_of,
            traffic_at_the_backup_site_is_told_of, silence_is_told_of,
            it_ends_when_they_are_heard_again, nobody_hears_of_who_did_not_opt_in])
    raise SystemExit(0 if held else 1)


main()
