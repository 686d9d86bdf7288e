# SPDX-License-Identifier: BSD-3-Clause
"""Reads and writes captures with nothing but the standard library.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. A capture that ends within a record gives
the records before it, and says so.
"""
import gzip
import struct
from dataclasses import dataclass, field

ETHERNET = 1
PCAP_BYTE_ORDER = {
    b'\xd4\xc3\xb2\xa1': ('<', 1000), b'\xa1\xb2\xc3\xd4': ('>', 1000),
    b'\x4d\x3c\xb2\xa1': ('<', 1), b'\xa1\xb2\x3c\x4d': ('>', 1),
}
SECTION, INTERFACE, PACKET_OLD, PACKET_SIMPLE, PACKET = 0x0A0D0D0A, 1, 2, 3, 6


class BadCapture(Exception):
    """It is no capture, or breaks off where nothing can be made of it."""


@dataclass
class Frame:
    data: bytes
    original: int
    time_ns: int  # None: the file has a fraction of a second and more, which is no time
    link: int


@dataclass
class Capture:
    frames: list = field(default_factory=list)
    links: list = field(default_factory=list)
    cut: bool = False

    @property
    def ethernet(self):
        return all(link == ETHERNET for link in self.links)


def read_bytes(path):
    with open(path, 'rb') as file:
        raw = file.read()
    return gzip.decompress(raw) if raw[:2] == b'\x1f\x8b' else raw


def read(path):
    raw = read_bytes(path)
    if raw[:4] in PCAP_BYTE_ORDER:
        return read_pcap(raw)
    if raw[:4] == b'\x0a\x0d\x0d\x0a':
        return read_pcapng(raw)
    raise BadCapture(f'{path}: neither pcap nor pcapng')


def read_pcap(raw):
    order, fraction_ns = PCAP_BYTE_ORDER[raw[:4]]
    if len(raw) < 24:
        raise BadCapture('the file header is cut')
    snap, link = struct.unpack_from(order + 'II', raw, 16)
    capture = Capture(links=[link & 0xffff])
    pos = 24
    while pos < len(raw):
        if pos + 16 > len(raw):
            capture.cut = True
            break
        seconds, fraction, size, original = struct.unpack_from(order + 'IIII', raw, pos)
        pos += 16
        if pos + size > len(raw):
            capture.cut = True
            break
        # What libpcap does with a record longer than the snapshot length of its file.
        kept = min(size, snap) if snap else size
        fraction *= fraction_ns
        time_ns = seconds * 10**9 + fraction if fraction < 10**9 else None
        capture.frames.append(Frame(raw[pos:pos + kept], original, time_ns, link & 0xffff))
        pos += size
    return capture


def block_options(order, body):
    pos = 0
    while pos + 4 <= len(body):
        code, size = struct.unpack_from(order + 'HH', body, pos)
        if code == 0:
            return
        yield code, body[pos + 4:pos + 4 + size]
        pos += 4 + (size + 3) // 4 * 4


@dataclass
class Interface:
    link: int
    snap: int
    units: int = 10**6  # of a second
    offset: int = 0     # seconds


def read_interface(order, body):
    link, _, snap = struct.unpack_from(order + 'HHI', body, 0)
    interface = Interface(link, snap)
    for code, value in block_options(order, body[8:]):
        if code == 9:
            interface.units = 2 ** (value[0] & 127) if value[0] & 128 else 10 ** value[0]
        elif code == 14:
            interface.offset = struct.unpack(order + 'q', value)[0]
    return interface


def read_packet_block(order, kind, body, interfaces):
    if kind == PACKET_SIMPLE:
        original, = struct.unpack_from(order + 'I', body, 0)
        size = min(original, interfaces[0].snap or original)
        return Frame(body[4:4 + size], original, 0, interfaces[0].link)
    if kind == PACKET:
        number, high, low, size, original = struct.unpack_from(order + 'IIIII', body, 0)
    else:
        number, _, high, low, size, original = struct.unpack_from(order + 'HHIIII', body, 0)
    interface = interfaces[number]
    ticks = high << 32 | low
    time_ns = ticks * 10**9 // interface.units + interface.offset * 10**9
    return Frame(body[20:20 + size], original, time_ns, interface.link)


def read_pcapng(raw):
    capture = Capture()
    order, interfaces, pos = '<', [], 0
    while pos < len(raw):
        if raw[pos:pos + 4] == b'\x0a\x0d\x0d\x0a':
            order = '<' if raw[pos + 8:pos + 12] == b'\x4d\x3c\x2b\x1a' else '>'
            interfaces = []
        if pos + 12 > len(raw):
            capture.cut = True
            break
        kind, size = struct.unpack_from(order + 'II', raw, pos)
        if size < 12 or pos + size > len(raw):
            capture.cut = True
            break
        body = raw[pos + 8:pos + size - 4]
        if kind == INTERFACE:
            interfaces.append(read_interface(order, body))
            capture.links.append(interfaces[-1].link)
        elif kind in (PACKET, PACKET_OLD, PACKET_SIMPLE):
            capture.frames.append(read_packet_block(order, kind, body, interfaces))
        pos += size
    return capture


def write(path, frames):
    """As a pcap file with nanoseconds."""
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, ETHERNET))
        for frame in frames:
            seconds, fraction = divmod(frame.time_ns or 0, 10**9)
            file.write(struct.pack('<IIII', seconds, fraction, len(frame.data), frame.original))
            file.write(frame.data)
