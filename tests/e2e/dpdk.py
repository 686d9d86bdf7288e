# SPDX-License-Identifier: BSD-3-Clause
"""An edge whose packets DPDK moves: peertag-dpdk on the same veth ports, by AF_PACKET or AF_XDP.

AF_PACKET gives the engine a copy of what arrives, so the kernel sees it too; AF_XDP takes it away.
Both want whole frames with finished checksums, so what sends must not leave these to a device.
"""

import contextlib
import os

from edge import TABLE, Edge

HUGEPAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB"
VDEV = {"af_packet": "net_af_packet{number},iface={port}",
        "af_xdp": "net_af_xdp{number},iface={port},start_queue=0,queue_count=1"}


class DpdkEdge(Edge):
    """An Edge with the DPDK engine. It has no hugepages unless `memory` says so."""

    engine_program = "peertag-dpdk"

    def __init__(self, ports=(), driver="af_packet", memory="--no-huge -m 768", lcores="0-1",
                 **configuration):
        self.driver, self.memory, self.lcores = driver, memory, lcores
        super().__init__(ports, **configuration)

    def engine_entry(self):
        return {"name": "dpdk", "table": TABLE, "eal": self.eal(self.ports), "ports": self.ports}

    def eal(self, ports, more=""):
        vdevs = " ".join("--vdev " + VDEV[self.driver].format(number=number, port=port["name"])
                         for number, port in enumerate(ports))
        return (f"-l {self.lcores} {self.memory} --no-pci --file-prefix {self.name} "
                f"{vdevs} {more}").strip()


def hugepages(kind):
    """How many there are of a kind: free, or nr for all."""
    with open(f"{HUGEPAGES}/{kind}_hugepages", encoding="ascii") as file:
        return int(file.read())


@contextlib.contextmanager
def hugepages_reserved(wanted):
    """At least so many free ones, given back at the end. Yields how many there are."""
    before = hugepages("nr")
    missing = wanted - hugepages("free")
    if missing > 0:
        hugepages_set(before + missing)
    try:
        yield hugepages("free")
    finally:
        hugepages_set(before)


def hugepages_set(count):
    with contextlib.suppress(OSError):
        with open(f"{HUGEPAGES}/nr_hugepages", "w", encoding="ascii") as file:
            file.write(str(count))


def threads(pid):
    """The threads of a process: {name: id}. DPDK calls a worker's rte-worker-LCORE."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
            found[file.read().strip()] = int(thread)
    return found
