#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""peertag's demo: a registry, an edge, real packets of its customers, and what can be seen of them.

Without options it shows the live table until Ctrl-C (where stdout is no terminal: for --seconds).
With --once it sends a fixed number of packets, holds every counter against them, and prints one
JSON document; the exit code says whether all were equal.
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import time

from scene import CLOUD, OFFICES, Scene

from books import Books, Traffic, books_of_connections, books_of_ports
from edge import SERVER, obstacle, program
from traffic import Flow, Service, tcp_exchange

RATES = (900, 260, 1500, 120, 700, 420, 60, 330)  # datagrams a second, by connection


def say(text=""):
    print(text, file=sys.stderr, flush=True)


class Failure(Exception):
    """The demo cannot go on; the text says why and what to do."""


def registry_apply(scene):
    path, connections = scene.registry_write()
    say(f"demo: applying one registry of {connections} connections ...")
    began = time.monotonic()
    answer = scene.edge.cli("apply", path)
    if answer.code != 0:
        raise Failure(f"apply failed: {answer.stdout}{answer.stderr}")
    done = answer.json
    scene.edge.wait_ready(30)
    say(f"demo: {done['added']['prefixes']} prefixes of {done['added']['connections']} connections "
        f"committed in {done['seconds']:.2f} s, live after {time.monotonic() - began:.2f} s")


def demo_start(scene):
    scene.edge.start_engine()
    scene.edge.start_control()
    scene.edge.wait_ready(20)
    registry_apply(scene)


# --once


def metrics_by_status(edge):
    """Counters, status and metrics, taken when the engine's own figures came to rest."""
    def rested():
        before = edge.status()["engines"][0]["ports"]
        time.sleep(0.6)
        return before == edge.status()["engines"][0]["ports"]
    edge.wait("the counters' rest", rested, 10)
    return edge.counters(), edge.status(), edge.metrics()


def once(scene):
    books = Books()
    demo_start(scene)
    counters = scene.edge.counters()["connections"]
    books.compare("every connection is counted from 0", 0,
                  sum(count[way][unit] for count in counters.values()
                      for way in count for unit in count[way]))
    say("demo: sending from every customer ...")
    traffic = Traffic(scene)
    traffic.run()
    counters, status, metrics = metrics_by_status(scene.edge)
    books_of_connections(books, traffic, counters, metrics)
    books_of_ports(books, traffic, status, metrics)
    return document(books, status, traffic)


def document(books, status, traffic):
    for check in books.checks:
        if not check["ok"]:
            say(f"demo: NOT EQUAL: {check['name']}: expected {check['expected']}, "
                f"got {check['actual']}")
    engine = status["engines"][0]
    return {
        "ok": books.ok, "engine": engine["name"], "table": engine["table"],
        "connections": status["connections"], "prefixes": status["prefixes"],
        "ports": {port["name"]: {"mode": port["mode"], "received": port["received"]}
                  for port in engine["ports"]},
        "packets": {name: {"sent": ledger.tally(True).document(),
                           "received": ledger.tally(False).document()}
                    for name, ledger in traffic.ledgers.items()},
        "checks": books.checks,
    }


# The live demo


class Downloads(Service):
    """A customer that fetches something over TCP every now and then."""

    def __init__(self, namespace, source, server, pause, download=300_000, upload=20_000):
        super().__init__()
        self.way = (namespace, source, server)
        self.pause, self.download, self.upload = pause, download, upload

    def step(self):
        tcp_exchange(*self.way, download=self.download, upload=self.upload)
        self.stopping.wait(self.pause)


def customers_start(scene):
    services = []
    for number, customer in enumerate(scene.customers.values()):
        host = scene.hosts[scene.network_of(customer.name)]
        for place, address in enumerate(customer.addresses):
            server = scene.server_of(customer.name, address)
            exchange = host.exchange(address, server=server, window=16)
            services.append(Flow(exchange, RATES[number] // (place + 1), 100 + 400 * place))
            services.append(Downloads(host.namespace, address, server, 0.7 + 0.4 * number))
    for name in OFFICES:
        office, addresses = scene.office(name)
        server = (CLOUD if name in scene.forwarded else SERVER)[6]
        services += [Downloads(office, address, server, 0.5, 8_000, 1_000) for address in addresses]
    for service in services:
        service.start()
    return services


def port_free(preferred=9471):
    for port in (preferred, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return sock.getsockname()[1]
    raise Failure("no free port on 127.0.0.1")


def commands_show(edge):
    client = f"{program('peertag')} -s {edge.socket}"
    listen = edge.configuration["listen"]
    say(f"""
  metrics      http://{listen}/metrics
  status page  http://{listen}/

To try in another terminal, as root:
  {client} status
  {client} counters contoso-seattle
  {client} connection show partner 'Lumen Technologies'
  {client} lookup 203.0.113.77
  {client} latency
  {client} connection add my-office partner Colt country FR prefix 192.0.2.128/26
  {client} history
  curl -s --unix-socket {edge.socket} http://localhost/metrics | grep -v ^#
  nsenter --net={edge.namespace.path} tcpdump -ni colt0 -v -c 5

The configuration and the logs are in {edge.folder}
""")


def command(edge, *words):
    return program("peertag"), "-c", edge.config, "-s", edge.socket, *words


def show(edge, *words):
    """Runs a command for the eye, on this terminal."""
    return subprocess.run(command(edge, *words), check=False).returncode


def show_tables(edge, seconds):
    """The live table once a second, without the hundreds of rows where nothing happens."""
    idle = 0
    with subprocess.Popen(command(edge, "top", "-b", "-n", str(seconds)),
                          stdout=subprocess.PIPE, text=True) as top:
        for line in top.stdout:
            if line.startswith("RIR-"):
                idle += 1
                continue
            if idle:
                print(f"... and {idle} connections of the real world without traffic")
                idle = 0
            print(line, end="", flush=True)
    if idle:
        print(f"... and {idle} connections of the real world without traffic", flush=True)
    if top.returncode != 0:
        raise Failure("the live table failed")


def live(scene, seconds):
    demo_start(scene)
    services = customers_start(scene)
    time.sleep(1)
    show(scene.edge, "status")
    commands_show(scene.edge)
    try:
        if sys.stdout.isatty() and sys.stdin.isatty():
            say("The live table comes in 5 s; q leaves it, Ctrl-C ends the demo.")
            time.sleep(5)
            show(scene.edge, "top")
            commands_show(scene.edge)
            show(scene.edge, "latency")
            say("Ctrl-C ends the demo.")
            signal.pause()
        else:
            show_tables(scene.edge, seconds)
            show(scene.edge, "latency")
    finally:
        for service in services:
            service.stopping.set()


# The command line


def options_parse():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true",
                        help="send, compare every counter, print one JSON document")
    parser.add_argument("--engine", choices=("xdp", "dpdk"), default="xdp")
    parser.add_argument("--driver", choices=("af_packet", "af_xdp"), default="af_packet",
                        help="of DPDK's ports (af_packet)")
    parser.add_argument("--seconds", type=int, default=15,
                        help="how long, where stdout is no terminal (15)")
    return parser.parse_args()


def demo(options):
    reason = obstacle(f"peertag-{options.engine}")
    if reason:
        raise Failure(reason)
    if options.once:
        with Scene(options.engine, options.driver) as scene:
            return guarded(scene, lambda: once(scene))
    with Scene(options.engine, options.driver, control_outside=True,
               listen=f"127.0.0.1:{port_free()}", latency={"window": "5s"}) as scene:
        return guarded(scene, lambda: live(scene, options.seconds))


def guarded(scene, action):
    """What the programs said is shown where something failed: their logs go with the scene."""
    try:
        return action()
    except Exception:
        for name, text in scene.edge.logs().items():
            say(f"---- {name} said\n{text[-3000:]}")
        raise


def main():
    options = options_parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        result = demo(options)
    except KeyboardInterrupt:
        say("demo: ended, everything is cleaned up")
        return 130 if options.once else 0
    except Exception as failure:
        say(f"demo: {failure}")
        if options.once:
            print(json.dumps({"ok": False, "error": {"message": str(failure)}, "checks": []}))
        return 1
    if options.once:
        print(json.dumps(result, ensure_ascii=False))
        return 0 if result["ok"] else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
