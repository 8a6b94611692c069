"""Jobs that tests register for themselves, and the rows they leave."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenants.dispatch import Work, registry, tenant_job
from tenants.dispatch.leases import cell_transaction
from tenants.models import WorkItem
from tenants.tenancy import TenantRef

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


def the_row(tenant: TenantRef, kind: str) -> WorkItem:
    """The newest row of a kind."""
    with cell_transaction(tenant.cell):
        return WorkItem.objects.filter(tenant_id=tenant.id, kind=kind).latest("id")
