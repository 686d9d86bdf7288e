# SPDX-License-Identifier: BSD-3-Clause
"""An edge server in a network namespace: its ports, the hosts behind them, and the real programs.

Everything of one edge has a name of its own (namespaces, a temporary folder, pins), so that
several stand side by side, and close() removes all of it. The host's own devices stay untouched.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from client import Answer, UnixConnection, request
from exposition import metrics_parse
from namespace import Link, Namespace, address_add, family_of, run, run_name
from traffic import Exchange, Ledger, Tally

BPFFS = "/sys/fs/bpf"
BPFFS_MAGIC = "cafe4a11"
SERVER = {4: "198.18.0.1", 6: "2001:db8:ff::1"}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PEERTAG_BUILD", os.path.join(ROOT, "build"))
TABLE = os.environ.get("PEERTAG_TABLE", "flat")
DATA = os.environ.get("PEERTAG_DATA", os.path.join(os.path.dirname(ROOT), "shared", "data"))


def program(name):
    return os.path.join(BUILD, name)


def obstacle(engine="peertag-xdp"):
    """Why an edge with this engine cannot be set up on this machine, or None."""
    if os.geteuid() != 0:
        return "network namespaces and BPF need root"
    for tool in ("ip", "nsenter", "ethtool", "setpriv"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    for name in ("peertag", "peertagd", engine):
        if not os.path.exists(program(name)):
            return f"{program(name)} is not built"
    return bpffs_mount()


def bpffs_mount():
    """Mounts bpffs where the system has not done so. Returns why not, or None."""
    if run("stat", "-f", "-c", "%t", BPFFS, check=False).stdout.strip() == BPFFS_MAGIC:
        return None
    result = run("mount", "-t", "bpf", "bpf", BPFFS, check=False)
    return f"cannot mount bpffs: {result.stderr.strip()}" if result.returncode else None


class Unreachable(Exception):
    """Something that the edge waits for did not come."""


class Host:
    """A namespace with customer addresses, behind a port of the edge."""

    def __init__(self, edge, link, addresses):
        self.namespace, self.link, self.device = link.far, link, link.far_device
        self.edge = edge
        self.addresses = list(addresses)
        for address in addresses:
            address_add(self.namespace, address)
        self.route()

    def route(self):
        """The ways between the edge's server and this host's addresses."""
        for address in self.addresses:
            server = SERVER[family_of(address)]
            self.link.route(1, address, server)
            self.link.route(2, server, address)

    def exchange(self, source, server=None, **options):
        """UDP from one of the host's addresses to a server (the edge's own) and back."""
        return Exchange(self.namespace, source, server or SERVER[family_of(source)], **options)

    def ledger(self):
        return Ledger(self.namespace, self.device)

    def sent_packets(self):
        """By the device's own count. (Its bytes lack the Ethernet header where XDP is at work.)"""
        return self.namespace.link(self.device)["stats64"]["tx"]["packets"]

    def received_packets(self):
        return self.namespace.link(self.device)["stats64"]["rx"]["packets"]


class Edge:
    """The namespace of an edge server with its configuration and programs."""

    engine_program = "peertag-xdp"

    def __init__(self, ports=(), control_outside=False, label="test", **configuration):
        """control_outside: peertagd stays in the caller's namespace, and so does its listener."""
        self.control_outside = control_outside
        self.name = run_name(label)
        self.folder = os.path.join(tempfile.gettempdir(), self.name)
        self.pins = f"{BPFFS}/{self.name}"
        self.links = {}
        self.processes = {}
        self.ports = [dict(port) for port in ports]
        self.configuration = self._defaults() | configuration
        with contextlib.ExitStack() as self.stack:
            self._make()
            self.stack = self.stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stack.close()

    def _make(self):
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        os.mkdir(self.folder, 0o755)
        self.stack.callback(self.pins_remove)
        self.namespace = self.namespace_add("edge")
        for address in SERVER.values():
            address_add(self.namespace, address)
        self.stack.callback(self.processes_end)
        self.configure()

    def namespace_add(self, label):
        namespace = Namespace(f"{self.name}-{label}")
        self.stack.callback(namespace.remove)
        return namespace

    # The configuration

    def path(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return os.listdir(self.folder)

    def link_of(self, port):
        """What the kernel says of a port: with "xdp" where a program is attached."""
        return self.namespace.link(port)

    @property
    def socket(self):
        return self.path("api.sock")

    @property
    def config(self):
        return self.path("peertag.yaml")

    def _defaults(self):
        return {
            "site": "sea1", "registry": self.path("registry.db"), "api": self.path("api.sock"),
            "listen": "127.0.0.1:9471", "allow_special": True, "max_connections": 1024,
            "run_dir": self.folder, "pins": self.pins,
        }

    def engine_entry(self):
        return {"name": "xdp", "table": TABLE, "ports": self.ports}

    def configure(self, **changes):
        """Writes the configuration; programs that run already keep theirs."""
        self.configuration |= changes
        document = dict(self.configuration)
        document.setdefault("engines", [self.engine_entry()])
        with open(self.config, "w", encoding="utf-8") as file:
            for key, value in document.items():
                file.write(f"{key}: {json.dumps(value)}\n")

    # The hosts

    def host(self, port, addresses=(), mtu=1500, label=None):
        """Makes the port and a host behind it."""
        far = self.namespace_add(label or port)
        link = Link(self.namespace, port, far, mtu=mtu)
        self.links[port] = link
        return Host(self, link, addresses)

    # The programs

    def start(self, name, *command, outside=False):
        """Starts a program; it dies with this process, also where that is killed."""
        command = ("setpriv", "--pdeathsig", "KILL", *command)
        if not outside:
            command = self.namespace.command(*command)
        with open(self.path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self.processes[name] = process
        return process

    def control_command(self):
        return program("peertagd"), "-c", self.config

    def start_control(self):
        return self.start("peertagd", *self.control_command(), outside=self.control_outside)

    def engine_command(self):
        return program(self.engine_program), "-c", self.config, "-n", self.engine_entry()["name"]

    def start_engine(self):
        return self.start(self.engine_program, *self.engine_command())

    def start_all(self):
        self.start_engine()
        self.start_control()
        self.wait_ready()

    def end(self, name, number=signal.SIGTERM):
        """Ends a program and waits until it is gone."""
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Unreachable(f"{name} did not end within 10 s of signal {number}") from None

    def kill(self, name):
        return self.end(name, signal.SIGKILL)

    def processes_end(self):
        for name in list(self.processes):
            with contextlib.suppress(Unreachable):
                self.end(name)

    def pins_remove(self):
        for folder, folders, files in os.walk(self.pins, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in folders:
                os.rmdir(os.path.join(folder, name))
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self.pins)

    def log(self, name):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""

    def logs(self):
        return {name: self.log(name) for name in ("peertagd", self.engine_program)}

    # Waiting

    def wait(self, what, condition, seconds=10.0, pause=0.02):
        """Waits until condition() gives something true, and returns that."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise Unreachable(f"{name} ended with {process.returncode} while waiting "
                                      f"for {what}: {self.log(name)[-2000:]}")
            if time.monotonic() > deadline:
                raise Unreachable(f"{what} did not come within {seconds} s")
            time.sleep(pause)

    def wait_api(self, seconds=10.0):
        self.wait("the API", self._answers, seconds)

    def wait_ready(self, seconds=10.0):
        try:
            self.wait("readiness",
                      lambda: self._answers() and self.api("GET", "/readyz")[0] == 200, seconds)
        except Unreachable as failure:
            raise Unreachable(f"{failure}: {self._engine_error()}") from None

    def _engine_error(self):
        if not self._answers():
            return self.log("peertagd")[-500:]
        return "; ".join(engine.get("error", "no error") for engine in self.status()["engines"])

    def _answers(self):
        try:
            return self.api("GET", "/healthz")[0] == 200
        except OSError:
            return False

    # Asking

    def cli_command(self, *words, form=("-j",), config=None, socket=None):
        return (program("peertag"), *form, "-c", config or self.config,
                "-s", socket or self.socket, *words)

    def cli(self, *words, wrapper=(), check=False, **options):
        """Runs `peertag -j` against this edge. check: an exit code but 0 is an exception."""
        answer = Answer(run(*wrapper, *self.cli_command(*words, **options), check=False,
                            timeout=120))
        if check and answer.code != 0:
            raise RuntimeError(f"peertag {' '.join(words)}: exit {answer.code}: "
                               f"{answer.stdout}{answer.stderr}")
        return answer

    def api(self, method, path, document=None, headers=None, body=None):
        """One request over the unix socket: (status, headers, body)."""
        if document is not None:
            body = json.dumps(document)
            headers = {"Content-Type": "application/json"} | (headers or {})
        return request(UnixConnection(self.socket), method, path, body, headers)

    def get(self, path):
        status, _, body = self.api("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status}: {body[:500]}")
        return json.loads(body)

    def tcp(self, method, path, body=None, headers=None):
        """One request to the listener on the edge's own loopback."""
        address, port = self.configuration["listen"].rsplit(":", 1)
        with contextlib.nullcontext() if self.control_outside else self.namespace:
            connection = http.client.HTTPConnection(address, int(port), timeout=30)
            connection.connect()
        return request(connection, method, path, body, headers)

    def apply(self, connections, *words):
        """Applies a registry of JSON documents through the command line."""
        path = self.path("registry.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(connection) + "\n" for connection in connections)
        return self.cli("apply", path, *words)

    def status(self):
        return self.get("/v1/status")

    def port(self, name):
        """The status of one port of the one engine; known a moment after the engine is."""
        def find():
            ports = self.status()["engines"][0]["ports"]
            return next((port for port in ports if port["name"] == name), None)
        return self.wait(f"the port {name}", find, 2)

    def counters(self):
        return self.get("/v1/counters")

    def connection(self, name):
        """(receive, transmit) of a connection."""
        count = self.counters()["connections"][name]
        return tally(count["receive"]), tally(count["transmit"])

    def metrics(self):
        status, _, body = self.api("GET", "/metrics")
        if status != 200:
            raise RuntimeError(f"GET /metrics: {status}")
        return metrics_parse(body.decode())


def tally(count):
    return Tally(count["packets"], count["bytes"])
