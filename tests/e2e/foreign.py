# SPDX-License-Identifier: BSD-3-Clause
"""Another program's XDP program: one that passes everything, loaded by bpf(2) without libraries."""

import ctypes
import os
import struct

from namespace import libc

SYS_BPF = 321
BPF_PROG_LOAD = 5
BPF_OBJ_PIN = 6
BPF_LINK_CREATE = 28
BPF_PROG_TYPE_XDP = 6
BPF_XDP = 37
PASS_AND_EXIT = struct.pack("=BBhiBBhi", 0xb7, 0, 0, 2, 0x95, 0, 0, 0)


def bpf(command, attributes):
    attributes = attributes.ljust(128, b"\0")
    fd = libc.syscall(SYS_BPF, command, attributes, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


class ForeignProgram:
    """Attached by a link that lasts as long as this object."""

    def __init__(self, namespace, device):
        code = ctypes.create_string_buffer(PASS_AND_EXIT)
        licence = ctypes.create_string_buffer(b"GPL")
        self.program = bpf(BPF_PROG_LOAD, struct.pack(
            "=IIQQIIQII16s", BPF_PROG_TYPE_XDP, 2, ctypes.addressof(code),
            ctypes.addressof(licence), 0, 0, 0, 0, 0, b"foreign"))
        with namespace:
            self.link = bpf(BPF_LINK_CREATE, struct.pack(
                "=IIII", self.program, namespace.link(device)["ifindex"], BPF_XDP, 0))

    def detach(self):
        os.close(self.link)
        os.close(self.program)
