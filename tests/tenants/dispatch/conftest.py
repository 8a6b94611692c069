"""Jobs that tests register for themselves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenants.dispatch import Work, registry, tenant_job

type Register = Callable[..., Callable[[Callable[[Work], None]], Callable[[Work], None]]]


@pytest.fixture
def job() -> Iterator[Register]:
    """``@job("test.kind", …)``: like ``tenant_job``, forgotten when the test ends."""
    kinds: list[str] = []

    def register(kind: str, **rules: Any) -> Callable[[Callable[[Work], None]], Callable[[Work], None]]:
        kinds.append(kind)
        return tenant_job(kind, **rules)

    yield register
    for kind in kinds:
        registry.discard(kind)
