"""Subscribers that tests register for themselves."""

from collections.abc import Callable, Iterator

import pytest

from tenants.outbox.bus import DomainEvent, subscribe, unsubscribe

type Subscribe = Callable[[type[DomainEvent], str, Callable[[DomainEvent], None]], None]


@pytest.fixture
def listen() -> Iterator[Subscribe]:
    """``listen(EventClass, name, function)``: like ``subscribe``, forgotten when the test ends."""
    names: list[str] = []

    def register(event: type[DomainEvent], name: str, function: Callable[[DomainEvent], None]) -> None:
        names.append(name)
        subscribe(event, name=name)(function)

    yield register
    for name in names:
        unsubscribe(name)
