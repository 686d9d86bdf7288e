# SPDX-License-Identifier: BSD-3-Clause
"""What the alerts promise: for each scenario its series, and all that fires at given times.

A scenario says the whole truth: an alert that is not named at a time must be quiet then.
"""

from timeline import connection, counter, edge, gauge, latency

HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60


def on(name, *connections, **labels):
    """The alerts `Peertag...` of that name, one for each connection, or one of the edge."""
    if not connections:
        return [{"alertname": f"Peertag{name}"} | labels]
    return [{"alertname": f"Peertag{name}", "connection": each} | labels for each in connections]


def twins(name, *arguments, **options):
    """A connection that opted in, and one that did not and is the same in all else."""
    return (connection(name, *arguments, **options)
            + connection(f"{name}-quiet", *arguments, opted_in=False, **options))


def silence():
    total = 4 * HOUR
    stops = [(2 * HOUR, 600), (HOUR, 0), (HOUR, 600)]
    return {
        "input": edge(total) + twins("stops", total, stops)
        + connection("never-spoke", total, [(total, 0)])
        + connection("spoke-for-half-an-hour", total, [(HOUR, 0), (30, 600), (150, 0)])
        + connection("new-and-short", total, [(30, 600), (150, 0)], born=HOUR)
        + connection("began-anew", total, [(2 * HOUR, 600), "reset", (2 * HOUR, 600)])
        + connection("sparse", total, [(1, 1), (2, 0)] * 80),
        "fires": {2 * HOUR: [], 2 * HOUR + 8: [],
                  2 * HOUR + 14: on("ConnectionSilent", "stops"),
                  3 * HOUR - 1: on("ConnectionSilent", "stops"), 3 * HOUR + 5: []},
    }


def silence_of_all():
    """Where the port receives nothing, no connection is to blame; one that forgot a day is new."""
    total = 28 * HOUR
    stops = [(2 * HOUR, 600), (26 * HOUR, 0)]
    return {
        "input": edge(total, peertag_packets_total=counter(*stops)) + twins("stops", total, stops),
        "fires": {2 * HOUR + 8: [], 2 * HOUR + 14: on("EdgeSilent"), 27 * HOUR + 30: []},
    }


def idle_edge():
    """An edge before its first customer."""
    return {"input": edge(3 * HOUR, packets=0), "fires": {HOUR: [], 2 * HOUR: []}}


def nights():
    """A customer who sleeps at night is told of once; one who is silent at noon, each time."""
    total = 56 * HOUR
    day = [(10 * HOUR, 600), (14 * HOUR, 0)]
    return {
        "input": edge(total) + twins("office", total, day + day + [(4 * HOUR, 600), (4 * HOUR, 0)]),
        "evaluate": "4m",
        "fires": {11 * HOUR: on("ConnectionSilent", "office"),
                  20 * HOUR: on("ConnectionSilent", "office"),
                  25 * HOUR: [], 35 * HOUR: [], 45 * HOUR: [],
                  52 * HOUR + 30: on("ConnectionSilent", "office")},
    }


def weeks():
    """Against the same hours a week ago: day and night are no news, nor is a new customer."""
    total, change = WEEK + 15 * HOUR, WEEK + 12 * HOUR
    day = [(12 * HOUR, 120000), (12 * HOUR, 20000)]

    def then(factor, begin=0):
        """As every day, and from the change on other than that."""
        known = day * 7 + [(12 * HOUR, 120000), (total - change, 20000 * factor)]
        return known if not begin else [(change - begin, 20000), known[-1]]

    return {
        "input": edge(total)
        + twins("grows", total, then(5), size=1000) + twins("shrinks", total, then(0.1), size=1000)
        + connection("as-ever", total, then(1), size=1000)
        + connection("small-grows", total, then(20), size=10)
        + connection("small-shrinks", total, then(0.1), size=10)
        + connection("new", total, then(5, begin=3 * DAY), size=1000, born=3 * DAY)
        + connection("began-anew", total, day * 3 + ["reset"] + then(1)[6:], size=1000),
        "evaluate": "4m",
        "fires": {
            WEEK - 4: [], WEEK + HOUR: [], WEEK + 6 * HOUR: [], change + 12: [],
            change + 160: on("ConnectionTrafficAboveLastWeek", "grows", direction="receive")
            + on("ConnectionTrafficAboveLastWeek", "grows", direction="transmit")
            + on("ConnectionTrafficBelowLastWeek", "shrinks", direction="receive")
            + on("ConnectionTrafficBelowLastWeek", "shrinks", direction="transmit")},
    }


def silence_as_a_week_ago():
    """Four hours of silence a week ago, in the middle of a day's work, are a pattern too."""
    first, again = 30 * HOUR, 30 * HOUR + WEEK
    total = again + 3 * HOUR
    packets = [(first, 600), (4 * HOUR, 0), (WEEK - 4 * HOUR, 600), (3 * HOUR, 0)]
    other = [(again, 600), (3 * HOUR, 0)]
    return {
        "input": edge(total) + connection("maintained", total, packets)
        + connection("stops", total, other),
        "evaluate": "4m",
        "fires": {first + HOUR: on("ConnectionSilent", "maintained"),
                  again + HOUR: on("ConnectionSilent", "stops")},
    }


def threshold():
    total = 2 * HOUR
    slower = [(HOUR, "0.02"), (HOUR, "0.05")]
    busy = [(total, 600)]
    return {
        "input": edge(total) + twins("slow", total, busy)
        + latency("slow", *slower, threshold=0.03) + latency("slow-quiet", *slower, threshold=0.03)
        + connection("patient", total, busy) + latency("patient", *slower, threshold=0.06)
        + connection("indifferent", total, busy) + latency("indifferent", *slower)
        + connection("unmeasured", total, busy)
        + latency("unmeasured", (total, None), threshold=0.01)
        + connection("few-hosts", total, busy)
        + latency("few-hosts", (HOUR, "0.02"), (HOUR, None), threshold=0.01),
        "fires": {20: on("ConnectionLatencyAboveThreshold", "few-hosts"), HOUR + 1:
                  on("ConnectionLatencyAboveThreshold", "few-hosts"),
                  HOUR + 25: on("ConnectionLatencyAboveThreshold", "slow")},
    }


def usual():
    total = 3 * DAY
    slower = [(2 * DAY, "0.02"), (DAY, "0.07")]
    busy = [(total, 600)]
    return {
        "input": edge(total) + twins("slow", total, busy)
        + latency("slow", *slower) + latency("slow-quiet", *slower)
        + connection("wavers", total, busy) + latency("wavers", (2 * DAY, "0.02"), (DAY, "0.03"))
        + connection("near", total, busy) + latency("near", (2 * DAY, "0.0005"), (DAY, "0.001"))
        + connection("new", total, busy)
        + latency("new", (45 * HOUR, None), (3 * HOUR, "0.02"), (DAY, "0.07")),
        "evaluate": "4m",
        "fires": {DAY: [], 2 * DAY: [], 2 * DAY + 30: on("ConnectionLatencyAboveUsual", "slow"),
                  2 * DAY + 4 * HOUR: on("ConnectionLatencyAboveUsual", "slow")},
    }


def backup():
    total = 2 * HOUR
    return {
        "input": edge(total)
        + twins("arrives", total, [(HOUR, 0), (30, 600), (30, 0)], role="backup")
        + connection("probes", total, [(total, 30)], role="backup")
        + connection("at-home", total, [(total, 600)])
        + connection("stranger", total, [(total, 600)], role="none"),
        "fires": {HOUR: [], HOUR + 3: [], HOUR + 15: on("ConnectionAtBackupSite", "arrives"),
                  HOUR + 45: []},
    }


def engines():
    return {
        "input": edge(60, peertag_engine_up=gauge((10, 1), (1, 0), (19, 1), (15, 0), (15, 1)),
                      peertag_desired_generation=gauge((12, 7), (2, 8), (16, 7), (5, 8), (10, 9),
                                                       (15, 7)),
                      peertag_worker_stuck=gauge((20, 0), (1, 1), (29, 0), (10, 1))),
        "fires": {10: [], 11: [], 14: [], 20: [], 31: on("EngineDown", engine="xdp"),
                  40: on("EngineDown", engine="xdp"), 50: [], 52: on("WorkerStuck", engine="xdp")},
    }


def generations():
    return {
        "input": edge(60, peertag_desired_generation=gauge((10, 7), (2, 8), (18, 7), (20, 6),
                                                           (10, 7))),
        "fires": {11: [], 12: [], 31: [], 33: on("EngineOutdated", engine="xdp"),
                  49: on("EngineOutdated", engine="xdp"), 51: []},
    }


def tags():
    return {
        "input": edge(60, peertag_tag_failures_total=counter((20, 0), (2, 50), (38, 0),
                                                             start=1000)),
        "fires": {5: [], 19: [], 22: on("TagFailures", engine="xdp"), 40: []},
    }


def room():
    over = gauge((10, 50), (10, 90), (40, 91))
    return {
        "input": edge(60, peertag_table_bytes=gauge((10, 1000), (10, 3600), (40, 3700)),
                      peertag_registry_connections=over, peertag_registry_prefixes=over,
                      peertag_series=over),
        "fires": {19: [], 22: [], 30: on("TableNearlyFull", engine="xdp")
                  + on("RegistryNearlyFull", limit="max_connections")
                  + on("RegistryNearlyFull", limit="max_prefixes")
                  + on("RegistryNearlyFull", limit="series_limit")},
    }


def room_unknown():
    return {"input": edge(60, peertag_table_room_bytes=None), "fires": {30: []}}


def daemon_gone():
    return {"input": edge(60, up=gauge((10, 1), (1, 0), (19, 1), (30, 0))),
            "fires": {11: [], 12: [], 31: [], 33: on("Down")}}


def daemon_unknown():
    return {"input": [], "fires": {1: [], 3: on("Down")}}


ALL = {scenario.__name__: scenario for scenario in (
    silence, silence_of_all, idle_edge, nights, weeks, silence_as_a_week_ago, threshold, usual,
    backup, engines, generations, tags, room, room_unknown, daemon_gone, daemon_unknown)}
