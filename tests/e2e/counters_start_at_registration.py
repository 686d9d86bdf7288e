#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A connection is counted from its registration on, exactly, and registering loses no packet."""

from customer import SEATTLE, SEATTLE6, london, seattle
from edge import SERVER, tally
from statement import equal, run_each, true
from traffic import Echo, Flow, Tally


def every_packet_counts_once_both_ways(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE, SEATTLE6])
    edge.start_all()
    edge.api("POST", "/v1/connections", seattle())
    sent = Tally()
    for source, payload, family in ((SEATTLE, 18, 4), (SEATTLE6, 1000, 6)):
        before = edge.connection("contoso-seattle")
        with Echo(edge.namespace, SERVER[family]):
            exchange = host.exchange(source)
            exchange.send(1234, payload)
        receive, transmit = edge.connection("contoso-seattle")
        equal(exchange.lost, 0, "datagrams lost")
        equal(receive, before[0] + exchange.sent, f"receive over IPv{family}")
        equal(transmit, before[1] + exchange.returned, f"transmit over IPv{family}")
        sent += exchange.sent
    port = edge.port("east")
    equal(tally(port["received"]), sent, "what the port received")
    edge.wait("the device's own count",
              lambda: edge.port("east")["nic_packets"] == host.sent_packets(), 2)
    equal(port["outcomes"]["matched"], host.sent_packets(), "packets that matched")
    equal(port["sent_outcomes"]["matched"], host.received_packets(), "sent packets that matched")


def registering_under_traffic_loses_nothing(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.api("POST", "/v1/connections", london())
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        flow = Flow(exchange)
        with flow:
            edge.wait("traffic", lambda: exchange.sent.packets > 500)
            before = exchange.sent.packets
            edge.cli("connection", "add", "contoso-seattle", "partner", "Lumen Technologies",
                     "country", "US", "state", "WA", "prefix", "203.0.113.0/24", check=True)
            answered = exchange.sent.packets
            edge.wait("more traffic", lambda: exchange.sent.packets > answered + 500)
    equal(exchange.lost, 0, "datagrams lost")
    total = exchange.sent.packets
    receive, transmit = edge.connection("contoso-seattle")
    outcomes = edge.port("east")["outcomes"]
    equal(outcomes["matched"] + outcomes["unmatched"], total, "every packet has one outcome")
    equal(receive.packets, outcomes["matched"], "what matched is the connection's")
    true(outcomes["unmatched"] >= before, "packets sent before the registration do not count")
    true(receive.packets >= total - answered - 1, "packets sent after its answer all count")
    true(transmit.packets >= total - answered - 1, "and so do the answers to them")


def deleting_under_traffic_loses_nothing(make):
    edge = make({"name": "east", "forward": "pass"})
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.api("POST", "/v1/connections", seattle())
    with Echo(edge.namespace, SERVER[4]):
        exchange = host.exchange(SEATTLE)
        with Flow(exchange):
            edge.wait("traffic", lambda: exchange.sent.packets > 500)
            before = exchange.sent.packets
            edge.cli("connection", "del", "contoso-seattle", check=True)
            answered = exchange.sent.packets
            edge.wait("more traffic", lambda: exchange.sent.packets > answered + 500)
    equal(exchange.lost, 0, "datagrams lost")
    outcomes = edge.port("east")["outcomes"]
    equal(outcomes["matched"] + outcomes["unmatched"], exchange.sent.packets,
          "every packet has one outcome")
    true(outcomes["matched"] >= before - 1, "packets sent before the deletion matched")
    true(outcomes["unmatched"] >= exchange.sent.packets - answered - 1, "those after it did not")


def a_counter_that_is_reused_starts_at_zero(make):
    edge = make({"name": "east", "forward": "pass"}, max_connections=1)
    host = edge.host("east", [SEATTLE])
    edge.start_all()
    edge.api("POST", "/v1/connections", seattle())
    with Echo(edge.namespace, SERVER[4]):
        host.exchange(SEATTLE).send(100)
        edge.cli("connection", "del", "contoso-seattle", check=True)
        edge.cli("connection", "add", "another", "partner", "Colt", "country", "GB",
                 "prefix", "203.0.113.0/25", check=True)
        equal(edge.connection("another"), (Tally(), Tally()), "the new owner's counters")
        host.exchange(SEATTLE).send(7)
    equal(edge.connection("another")[0].packets, 7, "the new owner's packets")


run_each(every_packet_counts_once_both_ways, registering_under_traffic_loses_nothing,
         deleting_under_traffic_loses_nothing, a_counter_that_is_reused_starts_at_zero)
