# SPDX-License-Identifier: BSD-3-Clause
"""The demo's scene: partners' networks around an edge server, all inside this machine. With XDP:

 lumen    contoso-seattle, contoso-chicago      ─ port lumen0 ─┐
 decix    fabrikam-newyork, fabrikam-frankfurt  ─ port decix0 ─┤  edge: server 198.18.0.1,
 colt     northwind-london                      ─ port colt0  ─┤        2001:db8:ff::1
 apac     adatum-tokyo, litware-sydney          ─ port apac0  ─┘
 singtel  tailspin-singapore ─ singtel0 ─ edge ─ singtel-cloud0 ─ a cloud with a server

Some of Contoso's and of Adatum's hosts are further away than their networks: OFFICES says how far.

Customers of the first four talk to a server on the edge itself: XDP sees what they send, the egress
program what they get. Singtel's are forwarded from port to port, without the host's stack.

DPDK has no host to pass packets to: there, every network is forwarded as Singtel's is, and has a
cloud of its own behind the edge.
"""

import contextlib
import ipaddress
import json
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from dpdk import DpdkEdge  # noqa: E402
from delay import Distance  # noqa: E402
from edge import DATA, SERVER, Edge, Host  # noqa: E402
from namespace import family_of  # noqa: E402
from traffic import Echo, TcpServer  # noqa: E402

CONNECTIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "connections.jsonl")
COUNTRIES = os.path.join(DATA, "connections", "countries.jsonl")
CLOUD = {4: "198.18.1.1", 6: "2001:db8:fe::1"}
NETWORKS = {
    "lumen": ("contoso-seattle", "contoso-chicago"),
    "decix": ("fabrikam-newyork", "fabrikam-frankfurt"),
    "colt": ("northwind-london",),
    "apac": ("adatum-tokyo", "litware-sydney"),
    "singtel": ("tailspin-singapore",),
}
# Networks with hosts behind them: seconds to there, and their prefix. More hosts than the privacy
# floor, each in a /64 of its own.
OFFICES = {"lumen": (0.008, "2001:db8:100"), "apac": (0.045, "2001:db8:400")}
OFFICE_HOSTS = 14
FORWARDED = {"xdp": ("singtel",), "dpdk": tuple(NETWORKS)}
STRANGERS = {name: f"192.0.2.{200 + number}" for number, name in enumerate(NETWORKS)}


def connections_load():
    with open(CONNECTIONS, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Customer:
    """A connection with one host address in each of its prefixes."""

    def __init__(self, connection):
        self.name = connection["name"]
        texts = [entry if isinstance(entry, str) else entry["prefix"]
                 for entry in connection["prefixes"]]
        self.prefixes = [ipaddress.ip_network(text) for text in texts]
        self.addresses = [str(prefix[10]) for prefix in self.prefixes]

    def owns(self, address):
        parsed = ipaddress.ip_address(address)
        return any(parsed in prefix for prefix in self.prefixes)


class Scene:
    """The edge, the networks around it, and the servers that answer."""

    def __init__(self, engine="xdp", driver="af_packet", **configuration):
        self.customers = {entry["name"]: Customer(entry) for entry in connections_load()}
        self.engine, self.forwarded = engine, FORWARDED[engine]
        configuration |= {"label": "demo", "tag": {"mark": True, "dscp": True}}
        if engine == "dpdk":
            self.edge = DpdkEdge(ports_of_edge(self.forwarded), driver=driver, memory="",
                                 **configuration)
        else:
            self.edge = Edge(ports_of_edge(self.forwarded, mode="native"), **configuration)
        self.servers = []
        try:
            self.hosts = {name: self.network(name) for name in NETWORKS}
            self.clouds = {name: self.cloud(name) for name in self.forwarded}
            self.serve()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Another Ctrl-C would leave behind what is not removed yet, so it has no effect."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.closing(self.edge):
            for server in self.servers:
                server.stopping.set()  # all at once: each takes a moment to see it
            for server in self.servers:
                server.stop()

    def network(self, name):
        addresses = [address for customer in NETWORKS[name]
                     for address in self.customers[customer].addresses]
        return self.edge.host(f"{name}0", [*addresses, STRANGERS[name]], label=name)

    def cloud(self, name):
        """A server behind the edge; its frames and the network's pass from port to port."""
        cloud = self.edge.host(f"{name}-cloud0", CLOUD.values(), label=f"{name}-cloud")
        network = self.hosts[name]
        for host in (cloud, network):
            host.link.offload(2, gro="on", tx="off")
        for address in network.addresses:
            cloud.link.route(2, address, CLOUD[family_of(address)])
            network.link.route(2, CLOUD[family_of(address)], address)
        meet(network, cloud)
        return cloud

    def office(self, name):
        """Hosts further away, behind a network. Returns their namespace and addresses."""
        seconds, prefix = OFFICES[name]
        network, addresses = self.hosts[name], [f"{prefix}:{number:x}::10"
                                                for number in range(1, OFFICE_HOSTS + 1)]
        behind = self.clouds[name] if name in self.forwarded else None
        far = self.edge.namespace_add(f"{name}-office")
        for address in addresses:
            if behind:
                behind.link.route(2, address, CLOUD[6])
            else:
                network.link.route(1, address, SERVER[6])
        distance = Distance(network.namespace, far, addresses,
                            [(CLOUD if behind else SERVER)[6]], seconds)
        distance.start()
        self.servers.append(distance)
        return far, addresses

    def ends(self):
        """Who is behind each port of the edge, by the port's name without its number."""
        return self.hosts | {f"{name}-cloud": cloud for name, cloud in self.clouds.items()}

    def serve(self):
        places = [(self.edge.namespace, SERVER)]
        places += [(cloud.namespace, CLOUD) for cloud in self.clouds.values()]
        for namespace, addresses in places:
            for address in addresses.values():
                for kind in (Echo, TcpServer):
                    server = kind(namespace, address)
                    server.start()
                    self.servers.append(server)

    def network_of(self, customer):
        return next(name for name, customers in NETWORKS.items() if customer in customers)

    def server_of(self, customer, address):
        addresses = CLOUD if self.network_of(customer) in self.forwarded else SERVER
        return addresses[family_of(address)]

    def registry_write(self):
        """Our connections and the real world's prefixes in one file. Returns (path, how many)."""
        path = self.edge.path("registry.jsonl")
        sources = [CONNECTIONS] + ([COUNTRIES] if os.path.exists(COUNTRIES) else [])
        lines = []
        for source in sources:
            with open(source, encoding="utf-8") as file:
                lines += file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        return path, len(lines)


def ports_of_edge(forwarded, **options):
    ports = [{"name": f"{name}0", "forward": "pass"} for name in NETWORKS if name not in forwarded]
    for name in forwarded:
        ports += [{"name": f"{name}0", "forward": f"{name}-cloud0"},
                  {"name": f"{name}-cloud0", "forward": f"{name}0"}]
    return [port | options for port in ports]


def meet(one: Host, other: Host):
    """Frames of one reach the other unchanged, so each must address the other's device."""
    for here, there in ((one, other), (other, one)):
        for family in (4, 6):
            here.namespace.run("ip", "neigh", "replace", here.link.gateway(family, 1), "lladdr",
                               there.link.mac(2), "dev", here.device, "nud", "permanent")
