# SPDX-License-Identifier: BSD-3-Clause
"""TCP segments by hand: a server that sends and a customer who answers after a known delay.

Both put whole frames on a device. The customer keeps what RFC 7323 says of timestamps, waits by
absolute deadlines from when the kernel got the frame, and writes down how long it really took.
"""

import heapq
import random
import select
import socket
import struct
import time

from namespace import family_of
from traffic import ETH_P_ALL, PACKET_OUTGOING, Service

SO_TIMESTAMPNS = 35
FIN, SYN, RST, ACK = 1, 2, 4, 16
NOP_NOP_TIMESTAMPS = 0x0101080a
TCP = 6
SPIN_NS = 400_000
GAP = 0.0005  # between segments: answers that are due at once would wait for each other


def segment(macs, source, destination, ports, numbers, flags, stamps=None, payload=b""):
    """A frame. numbers: seq and ack. stamps: TSval and TSecr, None: no timestamps."""
    options = struct.pack("!III", NOP_NOP_TIMESTAMPS, *stamps) if stamps else b""
    tcp = struct.pack("!HHIIBBHHH", *ports, *numbers, (20 + len(options)) // 4 << 4, flags, 65535,
                      0, 0) + options + payload
    if family_of(source) == 6:
        ip = struct.pack("!IHBB", 6 << 28, len(tcp), TCP, 64) + b"".join(
            socket.inet_pton(socket.AF_INET6, address) for address in (source, destination))
        return macs + b"\x86\xdd" + ip + tcp
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, TCP, 0) + b"".join(
        socket.inet_aton(address) for address in (source, destination))
    return macs + b"\x08\x00" + ip + tcp


class Segment:
    """What a frame says, or ValueError where it is no TCP segment."""

    def __init__(self, frame):
        if frame[12:14] == b"\x08\x00" and frame[23] == TCP:
            at, self.ends = 34, (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]))
            end = 14 + struct.unpack_from("!H", frame, 16)[0]
        elif frame[12:14] == b"\x86\xdd" and frame[20] == TCP:
            at = 54
            self.ends = tuple(socket.inet_ntop(socket.AF_INET6, frame[n:n + 16]) for n in (22, 38))
            end = 54 + struct.unpack_from("!H", frame, 18)[0]
        else:
            raise ValueError
        self.macs = frame[6:12] + frame[:6]
        *self.ports, self.seq, self.ack, words, self.flags = struct.unpack_from("!HHIIBB", frame, at)
        self.payload = end - at - (words >> 4) * 4
        self.stamps = None
        if words >> 4 >= 8 and frame[at + 20:at + 24] == NOP_NOP_TIMESTAMPS.to_bytes(4, "big"):
            self.stamps = struct.unpack_from("!II", frame, at + 24)

    @property
    def flow(self):
        return (*self.ends, *self.ports)


def device_open(namespace, device):
    with namespace:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.bind((device, ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setblocking(False)
    return sock


def device_read(sock):
    """(frame, when the kernel got it, or None), of what arrived; None where nothing did."""
    try:
        frame, ancillary, _, address = sock.recvmsg(65536, 64)
    except BlockingIOError:
        return None
    stamp = next((struct.unpack("=qq", value) for _, kind, value in ancillary
                  if kind == SO_TIMESTAMPNS), (0, 0))
    return frame, None if address[2] == PACKET_OUTGOING else stamp[0] * 10**9 + stamp[1]


class Delayed(Service):
    """Sends frames when they are due."""

    def __init__(self, sock):
        super().__init__()
        self.sock = sock
        self.due = []
        self.order = 0

    def schedule(self, due_ns, frame, done=lambda sent_ns: None, sock=None):
        self.order += 1
        heapq.heappush(self.due, (due_ns, self.order, frame, done, sock or self.sock))

    def send_due(self):
        """Sends what is due, and spins for what nearly is. Returns how long there is time."""
        while self.due:
            left = self.due[0][0] - time.time_ns()
            if left > SPIN_NS:
                return (left - SPIN_NS) / 1e9
            if left <= 0:
                _, _, frame, done, sock = heapq.heappop(self.due)
                done(time.time_ns())
                sock.send(frame)
        return 0.05


class Customer(Delayed):
    """Answers whatever comes to any address. choose() gives the delay in seconds; None: no answer.
    """

    def __init__(self, namespace, device, choose, hears=lambda: True):
        super().__init__(device_open(namespace, device))
        self.choose, self.hears = choose, hears
        self.recent = {}    # TS.Recent by flow
        self.expected = {}  # RCV.NXT by flow
        self.delays = []    # in seconds, as they came to be

    def step(self):
        pause = self.send_due()
        select.select([self.sock], [], [], pause)
        while (read := device_read(self.sock)) is not None:
            if read[1] is not None:
                self.take(*read)

    def take(self, frame, came_ns):
        try:
            got = Segment(frame)
        except ValueError:
            return
        if not self.hears() or got.flags & RST:
            return
        length = got.payload + bool(got.flags & SYN) + bool(got.flags & FIN)
        expected = self.expected.get(got.flow, got.seq)
        if got.flags & SYN:
            expected = got.seq
            self.recent.pop(got.flow, None)
        if got.stamps and got.seq <= expected:
            self.recent[got.flow] = got.stamps[0]
        self.expected[got.flow] = max(expected, got.seq + length) if got.seq <= expected else expected
        delay = self.choose() if length else None
        if delay is None:
            return
        stamps = (5000, self.recent[got.flow]) if got.stamps else None
        answer = segment(got.macs, got.ends[1], got.ends[0], got.ports[::-1],
                         (7000, self.expected[got.flow]),
                         SYN | ACK if got.flags & SYN else ACK, stamps)
        self.schedule(came_ns + int(delay * 1e9), answer,
                      lambda sent_ns: self.delays.append((sent_ns - came_ns) / 1e9))


class Server:
    """Flows to one customer: a handshake each, then data in rounds, each round with new timestamps.
    """

    def __init__(self, namespace, device, macs, source, destination, flows=20, timestamps=True):
        self.sock = device_open(namespace, device)
        self.macs, self.source, self.destination = macs, source, destination
        first = random.randrange(20000, 50000)
        self.flows = {port: 1000 for port in range(first, first + flows)}
        self.timestamps = timestamps
        self.base = 2**32 - 600 - time.monotonic_ns() // 10**6
        self.last = 0

    def clock(self):
        """New timestamps, milliseconds that wrap soon after the server began."""
        self.last = max(self.last + 1, time.monotonic_ns() // 10**6 + self.base)
        return self.last % 2**32

    def send(self, port, flags, tsval, payload=b""):
        stamps = (tsval, 5000) if self.timestamps else None
        self.sock.send(segment(self.macs, self.source, self.destination, (443, port),
                               (self.flows[port], 7001), flags, stamps, payload))

    def exchange(self, flags, payload, timeout):
        """One segment in each flow until it is answered; again, with a newer timestamp, if not."""
        length = len(payload) + bool(flags & SYN)
        waiting = set(self.flows)
        while waiting:
            tsval = self.clock()
            for port in waiting:
                self.send(port, flags, tsval, payload)
                time.sleep(GAP)
            deadline = time.monotonic() + timeout
            while waiting and time.monotonic() < deadline:
                select.select([self.sock], [], [], max(0, deadline - time.monotonic()))
                waiting -= set(self.answered(length))
        for port in self.flows:
            self.flows[port] += length

    def answered(self, length):
        while (read := device_read(self.sock)) is not None:
            try:
                got = Segment(read[0])
            except ValueError:
                continue
            if read[1] is not None and self.flows.get(got.ports[0], 0) + length == got.ack:
                yield got.ports[0]

    def run(self, rounds, timeout):
        self.exchange(SYN, b"", timeout)
        for _ in range(rounds):
            self.exchange(ACK, b"data", timeout)

    def pour(self, rounds, pause):
        """Data every `pause` seconds, whether it is answered or not."""
        for _ in range(rounds):
            tsval = self.clock()
            for port in self.flows:
                self.send(port, ACK, tsval, b"data")
                self.flows[port] += 4
            time.sleep(pause)


class Relay(Delayed):
    """
    Carries frames between the edge and a customer's kernel; those to the edge wait for `delay`
    seconds. macs: what a frame gets in front, to the customer and to the edge.
    """

    def __init__(self, namespace, devices, macs, delay):
        self.inner, self.outer = (device_open(namespace, device) for device in devices)
        super().__init__(self.outer)
        self.macs, self.delay = macs, delay
        self.came = {}    # by flow, seen from the edge: what is to be answered
        self.delays = []  # in seconds, as they came to be

    def step(self):
        pause = self.send_due()
        select.select([self.inner, self.outer], [], [], pause)
        for sock, carry in ((self.outer, self.to_customer), (self.inner, self.to_edge)):
            while (read := device_read(sock)) is not None:
                if read[1] is not None:
                    carry(*read)

    def to_customer(self, frame, came_ns):
        got = Segment(frame)
        if got.payload or got.flags & SYN:
            self.came[got.flow] = came_ns
        self.inner.send(self.macs[0] + frame[12:])

    def to_edge(self, frame, came_ns):
        got = Segment(frame)
        flow = (*got.ends[::-1], *got.ports[::-1])

        def sent(sent_ns):
            if flow in self.came and got.flags & ACK:
                self.delays.append((sent_ns - self.came.pop(flow)) / 1e9)

        self.schedule(came_ns + int(self.delay * 1e9), self.macs[1] + frame[12:], sent)
