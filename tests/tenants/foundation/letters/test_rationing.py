"""So many letters an hour, counted together by everybody who counts."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from tenants.foundation.errors import LimitReached
from tenants.foundation.ids import uuid7
from tenants.foundation.letters.rationing import Ration, spend_letters
from tenants.tenancy import TenantRef, tenant_scope


@pytest.fixture
def ration() -> Ration:
    """One that no other test counts."""
    return Ration(f"test-{uuid7()}", of_person=3, of_company=5)


def refused(ration: Ration, count: int = 1, actor: object = None) -> int:
    """The seconds to wait; fails when there was nothing to wait for."""
    with pytest.raises(LimitReached) as refusal:
        spend_letters(count, actor_id=actor or uuid7(), ration=ration)  # type: ignore[arg-type]
    assert refusal.value.code == "limit_reached.letters"
    seconds = refusal.value.retry_after_seconds
    assert seconds is not None
    return int(seconds)


@pytest.mark.usefixtures("tenant")
def test_one_person_writes_so_many(ration: Ration) -> None:
    person = uuid7()
    for _each in range(3):
        spend_letters(actor_id=person, ration=ration)
    assert 0 < refused(ration, actor=person) <= 3600
    spend_letters(2, actor_id=uuid7(), ration=ration)


@pytest.mark.usefixtures("tenant")
def test_a_company_writes_so_many_whoever_writes_them(ration: Ration) -> None:
    for count in (3, 2):
        spend_letters(count, actor_id=uuid7(), ration=ration)
    refused(ration)


@pytest.mark.usefixtures("tenant")
def test_what_is_refused_does_not_count(ration: Ration) -> None:
    person = uuid7()
    refused(ration, 4, person)
    spend_letters(3, actor_id=person, ration=ration)


def test_another_company_counts_for_itself(
    tenant: TenantRef, other_tenant: TenantRef, ration: Ration
) -> None:
    spend_letters(3, actor_id=uuid7(), ration=ration)
    spend_letters(2, actor_id=uuid7(), ration=ration)
    with tenant_scope(other_tenant):
        spend_letters(3, actor_id=uuid7(), ration=ration)


@pytest.mark.usefixtures("tenant")
def test_the_product_itself_writes_what_it_has_to(ration: Ration) -> None:
    for _each in range(20):
        spend_letters(5, actor_id=None, ration=ration)


def test_who_writes_at_the_same_moment_is_counted_together(
    committed_tenant: TenantRef, ration: Ration
) -> None:
    together, person = Barrier(8, timeout=60), uuid7()

    def write(_number: int) -> bool:
        try:
            with tenant_scope(committed_tenant):
                together.wait()
                spend_letters(actor_id=person, ration=ration)
                return True
        except LimitReached:
            return False
        finally:
            connections[committed_tenant.cell].close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(write, range(8))) == 3
