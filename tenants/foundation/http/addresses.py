"""Which network addresses the product may dial on a customer's behalf."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Resolver = Callable[[str, int], Sequence[str]]

# Prefixes that carry an IPv4 address inside an IPv6 one: a router may translate them into a private network.
_NAT64_WELL_KNOWN = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED = (
    _NAT64_WELL_KNOWN,
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("2001::/32"),
    ipaddress.IPv6Network("::/96"),
)


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host, each once, in the order given.

    Raises: OSError (socket.gaierror) when the name has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public_address(text: str) -> bool:
    """Say whether an address belongs to the public Internet.

    Loopback, private, link-local (cloud metadata), carrier-grade NAT, multicast, reserved, ULA and scoped
    addresses do not; nor does any IPv6 form that wraps an IPv4 address (mapped, NAT64, 6to4, Teredo,
    compatible).
    """
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None or any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def host_key(host: str) -> str:
    """Bring a host name into the form in which hosts are compared."""
    return host.strip().strip("[]").rstrip(".").lower()


class PrivateHosts:
    """The few hosts an operator has opened although they are private: `host` or `host:port` entries."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._ports: set[tuple[str, int]] = set()
        for entry in entries:
            host, separator, port = entry.rpartition(":")
            # A bare IPv6 address has colons of its own; only "[::1]:8080" carries a port.
            if separator and port.isdigit() and (":" not in host or host.startswith("[")):
                self._ports.add((host_key(host), int(port)))
            elif entry.strip():
                self._hosts.add(host_key(entry))

    def allows(self, host: str, port: int) -> bool:
        """Say whether the operator opened this host, on this port."""
        key = host_key(host)
        return key in self._hosts or (key, port) in self._ports
