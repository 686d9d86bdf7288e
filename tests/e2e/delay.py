# SPDX-License-Identifier: BSD-3-Clause
"""Distance: hosts whose packets take a known time to the next network, and back.

Two TUN devices, and a process that carries IP packets from one to the other after a delay (a thread
would wait for others of its interpreter). Hosts are real: the kernel's TCP on both sides. Packets keep
their order.
"""

import collections
import contextlib
import errno
import fcntl
import multiprocessing
import os
import select
import signal
import struct
import time

from namespace import address_add, family_of

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI = 1, 0x1000
PACKET_MAX = 1 << 16


def tun_open(namespace, device):
    with namespace:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    namespace.run("ip", "link", "set", device, "up")
    return fd


PRIORITY = -15  # what it adds to the delay is in the figures
FORK = multiprocessing.get_context("fork")


class Distance:
    """`addresses`, hosts of the namespace `far`, are `seconds` away from the namespace `near`."""

    def __init__(self, near, far, addresses, servers, seconds, device="distance"):
        self.seconds = seconds
        self.stopping = FORK.Event()
        self.process = FORK.Process(target=self.run, daemon=True)
        self.fds = [tun_open(near, device), tun_open(far, device)]
        self.under_way = [collections.deque(), collections.deque()]  # by where they come from
        for sysctl in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            near.run("sh", "-c", f"echo 1 > /proc/sys/net/{sysctl}")
        for address in addresses:
            address_add(far, address)
            near.run("ip", f"-{family_of(address)}", "route", "replace", address, "dev", device)
        for server in servers:
            far.run("ip", f"-{family_of(server)}", "route", "replace", server, "dev", device)

    def start(self):
        self.process.start()

    def run(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # stop() is told of a Ctrl-C
        os.nice(PRIORITY)
        while not self.stopping.is_set():
            self.step()

    def step(self):
        due = min((packets[0][0] for packets in self.under_way if packets), default=None)
        timeout = 0.1 if due is None else max(0, min(0.1, due - time.monotonic()))
        readable, _, _ = select.select(self.fds, [], [], timeout)
        for fd in readable:
            self.take(self.fds.index(fd))
        for side, packets in enumerate(self.under_way):
            while packets and packets[0][0] <= time.monotonic():
                self.deliver(self.fds[1 - side], packets.popleft()[1])

    def take(self, side):
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self.fds[side], PACKET_MAX)
                self.under_way[side].append((time.monotonic() + self.seconds, packet))

    @staticmethod
    def deliver(fd, packet):
        try:
            os.write(fd, packet)
        except OSError as error:  # what a full queue drops, TCP sends again
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS, errno.EIO):
                raise

    def stop(self):
        self.stopping.set()
        if self.process.pid:
            self.process.join(5)
            self.process.kill()
        for fd in self.fds:
            os.close(fd)
