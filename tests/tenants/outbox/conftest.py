"""Subscribers that tests register for themselves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenants.outbox.bus import DomainEvent, subscribe, subscribe_in_batches, unsubscribe

type Subscribe = Callable[[type[DomainEvent], str, Callable[[Any], None]], None]


@pytest.fixture
def listen() -> Iterator[Subscribe]:
    """``listen(EventClass, name, function)``: like ``subscribe``, forgotten when the test ends."""
    names: list[str] = []

    def register(event: type[DomainEvent], name: str, function: Callable[[Any], None]) -> None:
        names.append(name)
        subscribe(event, name=name)(function)

    yield register
    for name in names:
        unsubscribe(name)


@pytest.fixture
def listen_together() -> Iterator[Subscribe]:
    """The same for a function that takes a batch of events in one call."""
    names: list[str] = []

    def register(event: type[DomainEvent], name: str, function: Callable[[Any], None]) -> None:
        names.append(name)
        subscribe_in_batches(event, name=name)(function)

    yield register
    for name in names:
        unsubscribe(name)
