"""Ports on loopback: the usual one, or the next free one when somebody else listens there."""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass

from tenants.foundation.errors import Conflict

LOOPBACK = "127.0.0.1"
_TRIES = 200


@dataclass(frozen=True, slots=True)
class ChosenPort:
    """The port a service gets; `wanted` is the usual one, which may be taken."""

    service: str
    wanted: int
    number: int

    @property
    def notice(self) -> str | None:
        """A sentence when the usual port was busy, else None."""
        if self.number == self.wanted:
            return None
        return f"Port {self.wanted} is busy: the {self.service} takes {self.number} instead."


def is_free(port: int, *, by_datagrams: bool = False) -> bool:
    """Return whether nobody listens on this port of the loopback addresses; `by_datagrams` asks of UDP."""
    if by_datagrams:
        return _takes_datagrams(port)
    return _can_bind(socket.AF_INET, LOOPBACK, port) and _can_bind(socket.AF_INET6, "::1", port)


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do it: a connection that is still closing does not count as somebody listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError:
        # A machine without IPv6 has nobody listening there either.
        return family == socket.AF_INET6 and not _has_ipv6()
    return True


def _takes_datagrams(port: int) -> bool:
    # Without SO_REUSEADDR: with it two sockets would have the same port, and the later one all that comes.
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def choose_port(
    service: str, wanted: int, *, taken: Collection[int] = (), by_datagrams: bool = False
) -> ChosenPort:
    """Return the wanted port, or the next one that nobody listens on and nobody in `taken` was given.

    Raises: Conflict when two hundred ports in a row are busy.
    """
    for number in range(wanted, min(wanted + _TRIES, 65_536)):
        if number not in taken and is_free(number, by_datagrams=by_datagrams):
            return ChosenPort(service, wanted, number)
    raise Conflict(f"No port from {wanted} on is free for the {service}.", code="demo.no_port")
