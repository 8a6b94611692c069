"""Two name servers on loopback, and records as a company would set them."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache

from tenants.branding.domains.services import proof_of, target
from tenants.foundation import dns
from tenants.models import CustomDomain
from tests.fakes.name_server import NameServer

HOST = "tasks.example.com"


@pytest.fixture
def servers(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[NameServer, NameServer]]:
    """The two that are asked."""
    monkeypatch.setattr(dns, "_TIMEOUT_SECONDS", 0.3)
    with NameServer().serving() as first, NameServer().serving() as second:
        settings.DNS_RESOLVERS = [first.text, second.text]  # type: ignore[attr-defined]
        yield first, second


@pytest.fixture
def publish_records(servers: tuple[NameServer, NameServer]) -> Callable[..., None]:
    """Sets what a domain needs at both servers, or a part of it; the scope of its company is open."""

    def publish(
        row: CustomDomain, *, proof: bool = True, route: bool = True, only_first: bool = False
    ) -> None:
        for server in servers[:1] if only_first else servers:
            if proof:
                server.txt(proof_of(row)[0], "v=spf1 -all", proof_of(row)[1])
            if route:
                server.alias(row.host, target())
                server.a(target(), "192.0.2.80")

    return publish


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """What pages warn of lies in the cache, which no rollback empties."""
    cache.clear()
    yield
    cache.clear()
