# SPDX-License-Identifier: BSD-3-Clause
"""Input of a rule test: series in the notation of promtool, written as stretches of time."""

EDGE = {"instance": "edge1", "job": "peertag"}
# A few of the histogram's bounds, in seconds.
BOUNDS = ("0.0002", "0.0005", "0.001", "0.01", "0.015", "0.02", "0.03", "0.05", "0.07", "0.1",
          "+Inf")


def counter(*stretches, start=0):
    """A sample a minute. Each stretch: (minutes, what is added a minute), "reset", or a gap."""
    words, value = [], start
    for stretch in stretches:
        if stretch == "reset":
            value = 0
            continue
        minutes, step = stretch
        if step is None:
            words.append(f"_x{minutes}")
        elif minutes > 1:
            words.append(f"{value}+{step}x{minutes - 1}")
        else:
            words.append(str(value))
        value += minutes * (step or 0)
    return " ".join(words)


def gauge(*stretches):
    """Each stretch: (minutes, value), or None as value for a gap."""
    return " ".join(f"_x{minutes}" if value is None else f"{value}x{minutes - 1}"
                    for minutes, value in stretches)


def series(name, values, **labels):
    text = ",".join(f'{key}="{value}"' for key, value in (EDGE | labels).items())
    return {"series": f"{name}{{{text}}}", "values": values}


def edge(minutes, packets=60000, **changes):
    """An edge at rest: all that it exports about itself, unless `changes` says otherwise."""
    held = {
        "up": gauge((minutes, 1)),
        "peertag_engine_up": gauge((minutes, 1)),
        "peertag_engine_generation": gauge((minutes, 7)),
        "peertag_desired_generation": gauge((minutes, 7)),
        "peertag_packets_total": counter((minutes, packets)),
        "peertag_tag_failures_total": counter((minutes, 0)),
        "peertag_worker_stuck": gauge((minutes, 0)),
        "peertag_table_bytes": gauge((minutes, 1000)),
        "peertag_table_room_bytes": gauge((minutes, 4000)),
        "peertag_registry_connections": gauge((minutes, 10)),
        "peertag_registry_connections_limit": gauge((minutes, 100)),
        "peertag_registry_prefixes": gauge((minutes, 10)),
        "peertag_registry_prefixes_limit": gauge((minutes, 100)),
        "peertag_series": gauge((minutes, 10)),
        "peertag_series_limit": gauge((minutes, 100)),
    } | changes
    labels = {
        "peertag_engine_up": {"engine": "xdp"},
        "peertag_engine_generation": {"engine": "xdp"},
        "peertag_packets_total": {"engine": "xdp", "port": "east", "outcome": "matched"},
        "peertag_tag_failures_total": {"engine": "xdp", "carrier": "vlan"},
        "peertag_worker_stuck": {"engine": "xdp", "worker": "3"},
        "peertag_table_bytes": {"engine": "xdp"},
        "peertag_table_room_bytes": {"engine": "xdp"},
        "peertag_registry_prefixes": {"family": "ipv4"},
    }
    return [series(name, values, **labels.get(name, {}))
            for name, values in held.items() if values is not None]


def connection(name, minutes, packets, opted_in=True, role="primary", size=100, born=0):
    """A connection with that many packets; the same go back to it. born: minutes before it is."""
    labels = {"connection": name, "partner": "Lumen", "country": "US", "us_state": "WA",
              "primary_site": "sea1" if role == "primary" else "pdx1",
              "backup_site": "pdx1" if role == "primary" else "sea1", "role": role}
    gap = [(born, None)] if born else []
    held = [series("peertag_connection_info", gauge(*gap, (minutes - born, 1)), **labels),
            series("peertag_connection_alerts_enabled",
                   gauge(*gap, (minutes - born, int(opted_in))), connection=name)]
    sized = [item if item == "reset" else (item[0], item[1] * size) for item in packets]
    for way in ("receive", "transmit"):
        held.append(series(f"peertag_connection_{way}_packets_total", counter(*gap, *packets),
                           connection=name))
        held.append(series(f"peertag_connection_{way}_bytes_total", counter(*gap, *sized),
                           connection=name))
    return held


def latency(name, *stretches, threshold=None):
    """Each stretch: (minutes, the bound in whose bucket all samples of that time lie)."""
    held = []
    for bound in BOUNDS:
        steps = [(minutes, None if at is None else 100 if float(at) <= float(bound) else 0)
                 for minutes, at in stretches]
        held.append(series("peertag_connection_rtt_seconds_bucket", counter(*steps),
                           connection=name, le=bound))
    if threshold is not None:
        minutes = sum(stretch[0] for stretch in stretches)
        held.append(series("peertag_connection_rtt_threshold_seconds", gauge((minutes, threshold)),
                           connection=name))
    return held
