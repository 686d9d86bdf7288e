# SPDX-License-Identifier: BSD-3-Clause
"""Every way in which a program might write an address, and the search for it."""

import ipaddress


def spellings(address):
    """The texts, and the bytes, that would tell this address."""
    ip = ipaddress.ip_address(address)
    packed = ip.packed
    forms = {str(ip), ip.exploded, ip.reverse_pointer, ip.reverse_pointer.rsplit(".", 2)[0],
             str(int(ip)), packed.hex(":"), packed.hex("-"), packed.hex(" ")}
    if ip.version == 4:
        forms |= {str(int.from_bytes(packed, "little")), ".".join(map(str, packed[::-1])),
                  f"::ffff:{packed.hex(':', 2)}", packed.hex(), packed[::-1].hex()}
    else:
        forms |= {packed.hex(), packed.hex(":", 2), str(ipaddress.ip_network(f"{ip}/64", False)),
                  packed[:8].hex(), ip.exploded[:19], str(int.from_bytes(packed[:8], "big"))}
    forms |= {form.upper() for form in forms}
    return {form.encode() for form in forms} | {packed, packed[::-1]}


class Canaries:
    """Addresses that nobody may tell."""

    def __init__(self, addresses):
        self.forms = {form: address for address in addresses for form in spellings(address)}

    def found_in(self, content):
        """The addresses that the bytes tell, each with how it is spelled."""
        return sorted({(address, form) for form, address in self.forms.items() if form in content})
