"""Where a request comes from, and whether that is within the networks somebody allowed."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from tenants.foundation.errors import InvalidInput

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_NETWORKS: Final = 100
# One household or office: what a stranger can change at will within it is not worth telling apart.
_PREFIX_V4: Final = 24
_PREFIX_V6: Final = 56


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever asks, "" when it cannot be told.

    Behind proxies of ours it is the entry of X-Forwarded-For the outermost of them wrote; what stands before it was
    written by the client and is not believed.
    """
    count: int = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    text = request.META.get("REMOTE_ADDR", "")
    if count:
        hops = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        text = hops[-count] if len(hops) >= count else ""
    address = _address(text)
    return str(address) if address is not None else ""


def prefix_of(address: str) -> str:
    """Return the network an address is counted under: /24 for IPv4, /56 for IPv6, "unknown" for none."""
    found = _address(address)
    if found is None:
        return "unknown"
    length = _PREFIX_V4 if found.version == 4 else _PREFIX_V6
    return str(ipaddress.ip_network(f"{found}/{length}", strict=False))


def checked_networks(lines: Iterable[str], *, field: str = "allowed_networks") -> list[str]:
    """Return networks in their normal form, each once, in order. Raises: InvalidInput naming what is none."""
    found: dict[str, None] = {}
    for line in (each.strip() for each in lines):
        if not line:
            continue
        try:
            network = ipaddress.ip_network(line, strict=False)
        except ValueError as error:
            msg = f"“{line[:60]}” is no network. Write it like 203.0.113.0/24 or 2001:db8::/32."
            raise InvalidInput(msg, code="invalid_input.network", fields={field: [msg]}) from error
        found[str(network)] = None
    if len(found) > MAX_NETWORKS:
        msg = f"{MAX_NETWORKS} networks are the most."
        raise InvalidInput(msg, code="invalid_input.networks", fields={field: [msg]})
    return list(found)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Say whether an address is in one of the networks; with no networks, everywhere is allowed."""
    wanted = list(networks)
    if not wanted:
        return True
    found = _address(address)
    return found is not None and any(found in ipaddress.ip_network(each) for each in wanted)


def lies_within(network: str, networks: Iterable[str]) -> bool:
    """Say whether a whole network lies in one of some others."""
    one = ipaddress.ip_network(network)
    return any(
        one.version == other.version
        and int(other.network_address) <= int(one.network_address)
        and int(one.broadcast_address) <= int(other.broadcast_address)
        for other in map(ipaddress.ip_network, networks)
    )


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A server that listens on both families shows IPv4 clients so.
    return getattr(found, "ipv4_mapped", None) or found
