# SPDX-License-Identifier: BSD-3-Clause
"""Packets of known number and size, and a ledger of what was really on the wire.

UDP flows keep a window of datagrams outstanding, so that no queue of the test itself overflows and
every packet that is missing was lost by what is tested. TCP decides for itself how many packets it
sends: there the ledger, a packet socket at the far end that sees each frame with its offload
header, says what crossed the wire.
"""

import contextlib
import select
import socket
import struct
import threading
import time

from namespace import family_of

ETHERNET_BYTES = 14
IP_BYTES = {4: 20, 6: 40}
UDP_BYTES = 8
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_AUXDATA = 8
PACKET_VNET_HDR = 15
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
VNET_HEADER = struct.Struct("=BBHHHH")
VNET_GSO_NONE = 0


def socket_family(address):
    return socket.AF_INET6 if family_of(address) == 6 else socket.AF_INET


def udp_frame_bytes(address, payload):
    """The frame that carries `payload` bytes to `address`, without FCS."""
    return ETHERNET_BYTES + IP_BYTES[family_of(address)] + UDP_BYTES + payload


def socket_open(namespace, address, port, kind=socket.SOCK_DGRAM):
    """A socket inside the namespace, bound to address and port (0: any)."""
    with namespace:
        sock = socket.socket(socket_family(address), kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    sock.bind((address, port))
    return sock


class Tally:
    """Packets and bytes, as they add up."""

    def __init__(self, packets=0, count_bytes=0):
        self.packets = packets
        self.bytes = count_bytes

    def add(self, packets, count_bytes):
        self.packets += packets
        self.bytes += count_bytes

    def __add__(self, other):
        return Tally(self.packets + other.packets, self.bytes + other.bytes)

    def __eq__(self, other):
        return (self.packets, self.bytes) == (other.packets, other.bytes)

    def __repr__(self):
        return f"{self.packets} packets, {self.bytes} bytes"

    def document(self):
        return {"packets": self.packets, "bytes": self.bytes}


class Service(threading.Thread):
    """A thread that serves until stop(); subclasses do one short step at a time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except Exception as failure:  # shown by stop(), in the thread that can act on it
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.join(10)
        if self.failure:
            raise self.failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Echo(Service):
    """Answers every datagram that reaches the address, with the same bytes."""

    def __init__(self, namespace, address, port=7):
        super().__init__()
        self.sock = socket_open(namespace, address, port)
        self.sock.settimeout(0.1)
        self.answered = 0

    def step(self):
        with contextlib.suppress(TimeoutError):
            payload, sender = self.sock.recvfrom(65536)
            self.sock.sendto(payload, sender)
            self.answered += 1

    def stop(self):
        super().stop()
        self.sock.close()


class Sink(Service):
    """Counts every datagram that reaches the address, and answers none."""

    def __init__(self, namespace, address, port=9):
        super().__init__()
        self.address = address
        self.sock = socket_open(namespace, address, port)
        self.sock.settimeout(0.1)
        self.received = Tally()

    def step(self):
        with contextlib.suppress(TimeoutError):
            payload = self.sock.recv(65536)
            self.received.add(1, udp_frame_bytes(self.address, len(payload)))

    def wait(self, packets, seconds=5):
        """Waits until so many have come, or the time is over."""
        deadline = time.monotonic() + seconds
        while self.received.packets < packets and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self):
        super().stop()
        self.sock.close()


class Exchange:
    """A client's datagrams to an Echo and what came back, in packets and bytes on the wire."""

    def __init__(self, namespace, source, destination, port=7, window=32):
        self.sock = socket_open(namespace, source, 0)
        self.sock.connect((destination, port))
        self.sock.settimeout(2)
        self.destination = destination
        self.window = window
        self.sent = Tally()
        self.returned = Tally()

    @property
    def lost(self):
        return self.sent.packets - self.returned.packets

    def send(self, count, payload=100):
        """Sends `count` datagrams of `payload` bytes, a window at a time, and takes the answers."""
        while count > 0:
            burst = min(count, self.window)
            self._burst(burst, payload)
            count -= burst

    def _burst(self, count, payload):
        frame = udp_frame_bytes(self.destination, payload)
        datagram = bytes(payload)
        for _ in range(count):
            self.sock.send(datagram)
            self.sent.add(1, frame)
        for _ in range(count):
            try:
                self.sock.recv(65536)
            except TimeoutError:
                return
            self.returned.add(1, frame)

    def close(self):
        self.sock.close()


class Flow(Service):
    """An Exchange that goes on until stop(), `rate` packets a second (None: as fast as it can)."""

    def __init__(self, exchange, rate=None, payload=100):
        super().__init__()
        self.exchange = exchange
        self.rate = rate
        self.payload = payload

    def step(self):
        burst = self.exchange.window
        if self.rate:
            burst = max(1, min(burst, self.rate // 20))
            self.stopping.wait(burst / self.rate)
        self.exchange.send(burst, self.payload)


class TcpServer(Service):
    """Sends to each client as many bytes as its 8-byte request asks for, takes what it sends."""

    def __init__(self, namespace, address, port=80):
        super().__init__()
        self.sock = socket_open(namespace, address, port, socket.SOCK_STREAM)
        self.sock.listen(64)
        self.sock.settimeout(0.1)

    def step(self):
        with contextlib.suppress(TimeoutError):
            client, _ = self.sock.accept()
            client.settimeout(20)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @staticmethod
    def serve(client):
        with contextlib.suppress(OSError), client:
            wanted, offered = struct.unpack("!II", read_bytes(client, 8))
            read_bytes(client, offered)
            client.sendall(bytes(wanted))

    def stop(self):
        super().stop()
        self.sock.close()


def read_bytes(sock, count):
    """Reads exactly so many bytes; returns the last piece, which for a small count is all."""
    piece = b""
    while count > 0:
        piece = sock.recv(min(count, 1 << 20))
        if not piece:
            raise ConnectionError(f"the peer closed, {count} bytes before the end")
        count -= len(piece)
    return piece


def tcp_exchange(namespace, source, destination, download, upload=0, port=80):
    """One TCP connection to a TcpServer: uploads, downloads, and waits for the orderly end."""
    sock = socket_open(namespace, source, 0, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(20)
        sock.connect((destination, port))
        sock.sendall(struct.pack("!II", download, upload))
        sock.sendall(bytes(upload))
        read_bytes(sock, download)
        if sock.recv(1):
            raise ConnectionError("more bytes than were asked for")


def frames_send(namespace, device, frames):
    """Puts whole frames on a device, unchanged: headers, tags and mistakes are the caller's."""
    with namespace:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.bind((device, 0))
        for frame in frames:
            sock.send(frame)


def offloaded_send(namespace, device, frame, header):
    """
    Puts a frame on a device as a virtual machine would. header: flags, GSO type, linear bytes,
    GSO size, where the checksum starts, and where in there it is.
    """
    with namespace:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sock.bind((device, 0))
        sock.send(VNET_HEADER.pack(*header) + frame)


class Frame:
    """One frame seen on the wire; `segments` packets of it, if a sender's offload splits it."""

    def __init__(self, content, outgoing, segments, wire_bytes):
        self.content = content
        self.outgoing = outgoing
        self.segments = segments
        self.bytes = wire_bytes

    def ip(self):
        """(version, source, destination, DSCP, header and payload) of an untagged, sound packet."""
        kind, header = self.content[12:14], self.content[14:]
        if kind == b"\x08\x00" and len(header) >= max(20, (header[0] & 15) * 4):
            return (4, socket.inet_ntop(socket.AF_INET, header[12:16]),
                    socket.inet_ntop(socket.AF_INET, header[16:20]), header[1] >> 2, header)
        if kind == b"\x86\xdd" and len(header) >= 40:
            dscp = (struct.unpack("!H", header[:2])[0] >> 6) & 0x3f
            return (6, socket.inet_ntop(socket.AF_INET6, header[8:24]),
                    socket.inet_ntop(socket.AF_INET6, header[24:40]), dscp, header)
        return None


class Ledger(Service):
    """Every frame that a device takes or gives, in order, with its offload header undone."""

    def __init__(self, namespace, device="eth0"):
        super().__init__()
        self.frames = []
        with namespace:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        with namespace:
            self.sock.bind((device, ETH_P_ALL))
        self.poll = select.poll()
        self.poll.register(self.sock, select.POLLIN)

    def step(self):
        if not self.poll.poll(50):
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                message, ancillary, _, address = self.sock.recvmsg(
                    131072, 64, socket.MSG_DONTWAIT)
                outgoing = address[2] == PACKET_OUTGOING
                self.frames.append(frame_decode(message, ancillary, outgoing))

    def stop(self):
        time.sleep(0.1)
        super().stop()
        _, drops = struct.unpack("=II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.sock.close()
        if drops:
            raise RuntimeError(f"the ledger itself missed {drops} frames")

    def tally(self, outgoing, chosen=lambda frame: True):
        total = Tally()
        for frame in self.frames:
            if frame.outgoing == outgoing and chosen(frame):
                total.add(frame.segments, frame.bytes)
        return total


def frame_decode(message, ancillary, outgoing):
    _, gso_type, header_bytes, gso_bytes, _, _ = VNET_HEADER.unpack_from(message)
    content = message[VNET_HEADER.size:]
    segments, wire_bytes = 1, len(content)
    if gso_type != VNET_GSO_NONE and gso_bytes:
        header_bytes = transport_end(content)
        segments = -(-(len(content) - header_bytes) // gso_bytes)
        wire_bytes += (segments - 1) * header_bytes
    for _, kind, value in ancillary:
        if kind == PACKET_AUXDATA:
            content, tag_bytes = vlan_restore(content, value)
            wire_bytes += tag_bytes
    return Frame(content, outgoing, segments, wire_bytes)


def transport_end(content):
    """Bytes of Ethernet, IP and TCP header, in front of the payload that offload splits."""
    ip = ETHERNET_BYTES
    transport = ip + ((content[ip] & 15) * 4 if content[ip] >> 4 == 4 else IP_BYTES[6])
    return transport + (content[transport + 12] >> 4) * 4


def vlan_restore(content, auxiliary):
    """The kernel takes a VLAN tag off before a packet socket sees the frame: put it back."""
    status, _, _, _, _, tag, protocol = struct.unpack_from("=IIIHHHH", auxiliary)
    if not status & TP_STATUS_VLAN_VALID:
        return content, 0
    if not status & TP_STATUS_VLAN_TPID_VALID:
        protocol = 0x8100
    return content[:12] + struct.pack("!HH", protocol, tag) + content[12:], 4


def checksum_is_valid(header):
    """Whether an IPv4 header adds up (RFC 791)."""
    length = (header[0] & 15) * 4
    total = sum(struct.unpack(f"!{length // 2}H", header[:length]))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff
