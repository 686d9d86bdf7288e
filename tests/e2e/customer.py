# SPDX-License-Identifier: BSD-3-Clause
"""Connections for tests, in documentation prefixes, and the addresses that lie in them."""

import ipaddress

SEATTLE = "203.0.113.10"
SEATTLE6 = "2001:db8:100::10"
LONDON = "198.51.100.10"
STRANGER = "192.0.2.10"  # in no connection of these tests


def customer(name, *prefixes, **more):
    """A connection as JSON, with what every connection must have."""
    return {"name": name, "partner": "Lumen Technologies", "country": "GB",
            "prefixes": list(prefixes)} | more


def seattle(**more):
    """Owns SEATTLE and SEATTLE6."""
    return customer("contoso-seattle", "203.0.113.0/24", "2001:db8:100::/40",
                    **({"country": "US", "state": "WA"} | more))


def london(**more):
    """Owns LONDON."""
    return customer("northwind-london", "198.51.100.0/24", **more)


def prefix6(number):
    """One of 2^31 documentation prefixes that overlap none of the connections above."""
    first = int(ipaddress.IPv6Address("2001:db8:8000::"))
    return str(ipaddress.IPv6Network((first + (number << 64), 64)))
