# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces without a way out, and the veth pairs between them.

A namespace is entered with setns(2) by the calling thread alone; a socket opened inside stays in
that namespace. `ip netns exec` is not used: it mounts a fresh /sys and so hides bpffs.

Nothing speaks on these links by itself: neighbours are permanent, there are no link-local
addresses, and a host's own addresses sit on its loopback, so that no ARP, neighbour discovery or
MLD packet disturbs an exact count.
"""

import contextlib
import ctypes
import json
import os
import secrets
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def run(*command, check=True, **options):
    """Runs a command and returns its result; a failure shows what it wrote."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {result.returncode}: "
                           f"{result.stderr.strip()}")
    return result


def family_of(address):
    return 6 if ":" in address else 4


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def settle(path, value):
    """Writes a sysctl; one that this kernel does not have needs no setting."""
    with contextlib.suppress(FileNotFoundError):
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))


class Namespace:
    """A named network namespace: `with namespace:` enters it, remove() ends it."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self.outside = threading.local()
        try:
            run("ip", "netns", "add", name)
            with self:
                self._silence()
            self.run("ip", "link", "set", "lo", "up")
        except BaseException:  # a signal too: nobody else knows of it yet
            self.remove()
            raise

    def _silence(self):
        for scope in ("all", "default"):
            settle(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", 0)
            settle(f"/proc/sys/net/ipv4/conf/{scope}/rp_filter", 0)
        ipv6 = "/proc/sys/net/ipv6/conf/default"
        settle(f"{ipv6}/addr_gen_mode", 1)
        settle(f"{ipv6}/accept_ra", 0)
        settle(f"{ipv6}/router_solicitations", 0)
        settle(f"{ipv6}/accept_dad", 0)

    def __enter__(self):
        self.outside.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        inside = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(inside)
        finally:
            os.close(inside)
        return self

    def __exit__(self, *_):
        setns(self.outside.fd)
        os.close(self.outside.fd)

    def command(self, *command):
        """The command line that runs `command` in here, with the same mounts as outside."""
        return ("nsenter", f"--net={self.path}", *command)

    def run(self, *command, check=True, **options):
        return run(*self.command(*command), check=check, **options)

    def link(self, device):
        """What `ip` knows of a device, with its 64-bit statistics."""
        return json.loads(self.run("ip", "-j", "-s", "link", "show", "dev", device).stdout)[0]

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


class Link:
    """A veth pair between a near namespace and a far one, with silent neighbours on both ends."""

    count = 0

    def __init__(self, near, device, far, far_device="eth0", mtu=1500):
        Link.count += 1
        self.number = Link.count
        self.near, self.device = near, device
        self.far, self.far_device = far, far_device
        self.mtu = mtu
        self.ends = ((near, device, 1), (far, far_device, 2))
        self.create()

    def mac(self, end):
        return f"02:70:74:{self.number >> 8:02x}:{self.number & 0xff:02x}:{end:02x}"

    def gateway(self, family, end):
        """An address that exists only as the key of a permanent neighbour entry."""
        if family == 4:
            return f"198.19.{self.number}.{end}"
        return f"2001:db8:ffff:{self.number:x}::{end}"

    def create(self):
        run("ip", "link", "add", "name", self.device, "netns", self.near.name, "mtu", str(self.mtu),
            "address", self.mac(1), "type", "veth",
            "peer", "name", self.far_device, "netns", self.far.name, "mtu", str(self.mtu),
            "address", self.mac(2))
        self.up()

    def up(self):
        """Brings both ends up; neighbours and routes do not survive a link that was down."""
        for namespace, device, end in self.ends:
            namespace.run("ip", "link", "set", device, "up")
            for family in (4, 6):
                namespace.run("ip", "neigh", "replace", self.gateway(family, 3 - end),
                              "lladdr", self.mac(3 - end), "dev", device, "nud", "permanent")
        for namespace, device, _ in self.ends:
            self._wait_active(namespace, device)

    @staticmethod
    def _wait_active(namespace, device, seconds=5.0):
        """The kernel's link watch takes its time, and until then the device drops what it sends."""
        deadline = time.monotonic() + seconds
        while True:
            link = namespace.link(device)
            if link["operstate"] == "UP" and link.get("qdisc") != "noop":
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{device} did not come up: {link['operstate']}")
            time.sleep(0.02)

    def route(self, end, prefix, source=None):
        """Routes `prefix` over this link, from its end 1 (near) or 2 (far)."""
        namespace, device, _ = self.ends[end - 1]
        family = family_of(prefix)
        hint = ("src", source) if source else ()
        namespace.run("ip", f"-{family}", "route", "replace", prefix, "via",
                      self.gateway(family, 3 - end), "dev", device, "onlink", *hint)

    def offload(self, end, **features):
        """Switches offloads of one end, as offload(2, gro="on", tx="off")."""
        namespace, device, _ = self.ends[end - 1]
        words = [word for pair in features.items() for word in pair]
        namespace.run("ethtool", "-K", device, *words)


def address_add(namespace, address):
    """Gives the namespace an address that answers on every device and joins no group on any."""
    words = (f"{address}/128", "nodad") if family_of(address) == 6 else (f"{address}/32",)
    namespace.run("ip", "addr", "replace", words[0], "dev", "lo", *words[1:])


def run_name(label):
    """A name that no other run uses."""
    return f"peertag-{label}-{secrets.token_hex(3)}"
