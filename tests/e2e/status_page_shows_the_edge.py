#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The status page in a real browser: it shows what the daemon says, and nothing else runs in it."""

import re

from browser import browser_obstacle, visit, visiting
from customer import LONDON, SEATTLE, STRANGER, customer, london, prefix6, seattle
from edge import SERVER
from statement import Edge, begin, edge_holds, equal, holds, skip, true
from traffic import Echo, Flow, udp_frame_bytes

HOSTILE = [("<script>window.hostile=1</script>", "<img src=x onerror=window.hostile=1>"),
           ('"\'><b class="hostile">&amp;', "back\\slash 'quotes\""),
           ("\u202eltr drawkcab", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643")]
PLAIN = [seattle(city="Seattle", labels={"asn": "64496"}), london(),
         customer("fabrikam-austin", prefix6(1), partner="Colt", country="US", state="TX"),
         customer("tailspin-berlin", prefix6(2), partner="Colt", country="DE")]
RATE, PAYLOAD = 400, 500


def the_policy_is_strict(edge):
    status, headers, body = edge.tcp("GET", "/")
    equal(status, 200, "status")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    equal(policy["default-src"], "'none'", "default-src")
    for kind in ("script-src", "style-src"):
        true(re.fullmatch(r"'sha256-[\w+/]{43}='", policy[kind]), f"{kind} is {policy[kind]}")
    for kind in ("base-uri", "form-action", "frame-ancestors"):
        equal(policy[kind], "'none'", kind)
    equal(policy["connect-src"], "'self'", "connect-src")
    equal(headers["X-Content-Type-Options"], "nosniff", "X-Content-Type-Options")
    equal(headers["Referrer-Policy"], "no-referrer", "Referrer-Policy")
    true(b"Copyright (c) 2022 Leon Sorokin" in body, "uPlot's licence is in the page")
    true(not re.search(rb"(src|href)=\"?(https?:)?//", body), "nothing is loaded from elsewhere")
    visit(edge, "the_policy_runs_nothing_that_was_put_in")


def numbers_equal_the_counters(edge):
    with Echo(edge.namespace, SERVER[4]):
        for source, packets in ((SEATTLE, 321), (LONDON, 1234), (STRANGER, 17)):
            edge.east.exchange(source).send(packets)
    visit(edge, "numbers_equal_the_counters",
          connections=["contoso-seattle", "northwind-london", "fabrikam-austin"])


def rates_are_what_is_sent(edge):
    bits = 8 * RATE * udp_frame_bytes(SERVER[4], PAYLOAD)
    with Echo(edge.namespace, SERVER[4]):
        with Flow(edge.east.exchange(SEATTLE), rate=RATE, payload=PAYLOAD):
            visit(edge, "rates_are_what_is_sent", name="contoso-seattle", packets=RATE, bits=bits)


def filters_narrow_the_list(edge):
    visit(edge, "filters_narrow_the_list", total=len(PLAIN) + len(HOSTILE))


def the_keyboard_is_enough(edge):
    visit(edge, "the_keyboard_is_enough")


def hostile_names_are_text(edge):
    visit(edge, "hostile_names_are_text", hostile=HOSTILE)


def a_phone_needs_no_sideways_scrolling(edge):
    visit(edge, "a_phone_needs_no_sideways_scrolling", name="contoso-seattle")


def dark_is_dark(edge):
    visit(edge, "dark_is_dark")


def engines_and_ports_are_shown(edge):
    visit(edge, "engines_and_ports_are_shown", ports=["east"])


def latency_is_shown_withheld_or_not_measured(edge):
    visit(edge, "latency_is_shown_withheld_or_not_measured", measured="contoso-seattle",
          withheld="northwind-london", neither="fabrikam-austin")
    visit(edge, "a_path_that_is_not_there_is_not_measured", name="contoso-seattle")


def a_lost_daemon_is_told_and_found_again(edge):
    with visiting(edge, "a_lost_daemon_is_told_and_found_again", name="contoso-seattle") as hears:
        hears("watching")
        edge.kill("peertagd")
        hears("lost")
        edge.start_control()
        edge.wait_ready()


def a_change_is_shown_without_a_reload(edge):
    with visiting(edge, "a_change_is_shown_without_a_reload", added="late-arrival",
                  removed="tailspin-berlin") as hears:
        hears("watching")
        edge.cli("connection", "del", "tailspin-berlin", check=True)
        edge.cli("connection", "add", "late-arrival", "partner", "Colt", "country", "GB",
                 "prefix", prefix6(3), check=True)


def without_an_engine_the_registry_is_shown():
    with Edge(engines=[]) as edge:
        edge.start_control()
        edge.wait_api()
        edge.apply([seattle()])
        visit(edge, "without_an_engine_the_registry_is_shown", name="contoso-seattle")


def main():
    begin()
    reason = browser_obstacle()
    if reason:
        skip(reason)
    with Edge([{"name": "east", "forward": "pass"}]) as edge:
        edge.east = edge.host("east", [SEATTLE, LONDON, STRANGER])
        edge.start_all()
        hostile = [customer(name, prefix6(100 + n), partner=partner)
                   for n, (name, partner) in enumerate(HOSTILE)]
        equal(edge.apply([*PLAIN, *hostile]).code, 0, "exit code of apply")
        held = edge_holds(edge, [
            the_policy_is_strict, numbers_equal_the_counters, rates_are_what_is_sent,
            filters_narrow_the_list, the_keyboard_is_enough, hostile_names_are_text,
            a_phone_needs_no_sideways_scrolling, dark_is_dark, engines_and_ports_are_shown,
            latency_is_shown_withheld_or_not_measured, a_lost_daemon_is_told_and_found_again,
            a_change_is_shown_without_a_reload])
    held = holds(without_an_engine_the_registry_is_shown) and held
    raise SystemExit(0 if held else 1)


main()
