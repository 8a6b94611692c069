"""Handing out: who comes first, how many at once, and each row once however many dispatchers there are."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections
from pytest_django import Settings

from tenants.dispatch import enqueue
from tenants.dispatch.handing import hand_out, lock_clock, take_back
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.services import set_share
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import states_of_work


def kinds_of(cell: str, items: tuple[UUID, ...]) -> list[str]:
    with cell_transaction(cell):
        kinds = dict(WorkItem.objects.filter(pk__in=items).values_list("pk", "kind"))
    return [kinds[item] for item in items]


def owners_of(cell: str, items: tuple[UUID, ...]) -> list[UUID]:
    with cell_transaction(cell):
        owners = dict(WorkItem.objects.filter(pk__in=items).values_list("pk", "tenant_id"))
    return [owners[item] for item in items]


def add_rows(cell: str, tenant_id: UUID, count: int) -> None:
    with cell_transaction(cell):
        WorkItem.objects.bulk_create(
            [
                WorkItem(id=uuid7(), tenant_id=tenant_id, tenant_role="x_y", kind="test.bulk")
                for _ in range(count)
            ]
        )


def finish(cell: str, items: tuple[UUID, ...]) -> None:
    with cell_transaction(cell):
        WorkItem.objects.filter(pk__in=items).update(state="done", finished_at=datetime.now(UTC))


def test_only_what_is_due_is_handed_out(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.now")
        enqueue("test.later", due_at=datetime.now(UTC) + timedelta(minutes=1))

    assert kinds_of(tenant.cell, hand_out(tenant.cell).items) == ["test.now"]
    assert states_of_work(tenant, "test.later") == ["ready"]
    assert hand_out(tenant.cell).items == ()


def test_within_a_company_the_lower_priority_number_goes_first_then_the_older(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.second")
        enqueue("test.third")
        enqueue("test.first", priority=1)

    assert kinds_of(tenant.cell, hand_out(tenant.cell).items) == ["test.first", "test.second", "test.third"]


def test_a_company_never_has_more_than_its_places_in_flight(tenant: TenantRef) -> None:
    set_share(cell=tenant.cell, tenant_id=tenant.id, max_inflight=3)
    with atomic():
        for _ in range(10):
            enqueue("test.many")

    first = hand_out(tenant.cell).items
    assert len(first) == 3
    assert hand_out(tenant.cell).items == ()
    finish(tenant.cell, first[:2])
    assert len(hand_out(tenant.cell).items) == 2


def test_running_rows_take_places_too(tenant: TenantRef) -> None:
    set_share(cell=tenant.cell, tenant_id=tenant.id, max_inflight=2)
    with atomic():
        for _ in range(4):
            enqueue("test.many")
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(pk__in=hand_out(tenant.cell).items).update(state="running")

    assert hand_out(tenant.cell).items == ()


def test_all_companies_together_never_have_more_in_flight_than_the_limit(
    tenant: TenantRef, settings: Settings
) -> None:
    settings.DISPATCH_INFLIGHT_TOTAL = 7
    for _ in range(5):
        add_rows(tenant.cell, uuid7(), 10)

    handed = hand_out(tenant.cell)
    assert (len(handed.items), handed.is_full) == (7, True)
    again = hand_out(tenant.cell)
    assert (again.items, again.is_full) == ((), True)


def test_ten_small_companies_are_served_in_the_first_round_beside_one_with_two_thousand_jobs(
    tenant: TenantRef,
) -> None:
    hog, others = uuid7(), [uuid7() for _ in range(10)]
    add_rows(tenant.cell, hog, 2000)
    finish(tenant.cell, hand_out(tenant.cell).items)  # the big one has been served for a while
    finish(tenant.cell, hand_out(tenant.cell).items)
    for other in others:
        add_rows(tenant.cell, other, 1)

    handed = hand_out(tenant.cell, most=16)

    served = Counter(owners_of(tenant.cell, handed.items))
    assert set(others) <= set(served)
    assert served[hog] == 4
    assert hog in owners_of(tenant.cell, handed.items[:11])


def test_with_one_place_the_small_companies_are_served_within_one_round(tenant: TenantRef) -> None:
    hog, others = uuid7(), [uuid7() for _ in range(10)]
    add_rows(tenant.cell, hog, 2000)
    for other in others:
        add_rows(tenant.cell, other, 1)

    served: list[UUID] = []
    for _ in range(12):
        handed = hand_out(tenant.cell, most=1).items
        served += owners_of(tenant.cell, handed)
        finish(tenant.cell, handed)

    assert set(others) <= set(served)
    assert Counter(served)[hog] == 2


def test_a_heavier_company_gets_more_turns(tenant: TenantRef, other_tenant: TenantRef) -> None:
    set_share(cell=tenant.cell, tenant_id=tenant.id, weight=3)
    for company in (tenant, other_tenant):
        add_rows(company.cell, company.id, 60)
    served: list[UUID] = []
    for _ in range(40):
        handed = hand_out(tenant.cell, most=1).items
        served += owners_of(tenant.cell, handed)
        finish(tenant.cell, handed)

    assert 29 <= Counter(served)[tenant.id] <= 31


def test_a_paused_company_waits(tenant: TenantRef) -> None:
    set_share(cell=tenant.cell, tenant_id=tenant.id, is_paused=True)
    with atomic():
        enqueue("test.paused")
    assert hand_out(tenant.cell).items == ()

    set_share(cell=tenant.cell, tenant_id=tenant.id, is_paused=False)
    assert len(hand_out(tenant.cell).items) == 1


def test_a_share_of_nothing_or_of_nobody_is_refused(tenant: TenantRef) -> None:
    with pytest.raises(InvalidInput):
        set_share(cell=tenant.cell, tenant_id=tenant.id, weight=0)
    with pytest.raises(InvalidInput):
        set_share(cell=tenant.cell, tenant_id=tenant.id, max_inflight=0)
    with pytest.raises(NotFound):
        set_share(cell=tenant.cell, tenant_id=uuid7(), weight=2)


def test_what_could_not_be_sent_is_ready_again_unless_a_worker_has_it(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.unsent")
        enqueue("test.sent")
    items = hand_out(tenant.cell).items
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind="test.sent").update(state="running")

    take_back(tenant.cell, items)

    assert states_of_work(tenant, "test.unsent") == ["ready"]
    assert states_of_work(tenant, "test.sent") == ["running"]


def test_dispatchers_at_once_hand_each_row_out_once_and_keep_the_limits(
    committed_tenant: TenantRef, settings: Settings
) -> None:
    cell = committed_tenant.cell
    settings.DISPATCH_INFLIGHT_TOTAL = 500
    set_share(cell=cell, tenant_id=committed_tenant.id, max_inflight=120)
    with tenant_scope(committed_tenant), atomic():
        for _ in range(300):
            enqueue("test.contended")
    handed: list[UUID] = []
    start = threading.Barrier(4)

    def dispatch() -> None:
        start.wait()
        try:
            for _ in range(8):
                handed.extend(hand_out(cell).items)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=dispatch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(handed) == len(set(handed)) == 120
    assert Counter(states_of_work(committed_tenant, "test.%")) == {"handed": 120, "ready": 180}


def test_a_pass_that_finds_another_one_under_way_leaves_it_to_that_one(committed_tenant: TenantRef) -> None:
    cell = committed_tenant.cell
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.contended")
    seen = []

    def dispatch() -> None:
        try:
            seen.append(hand_out(cell))
        finally:
            connections.close_all()

    with cell_transaction(cell) as cursor:
        assert lock_clock(cursor) is not None
        thread = threading.Thread(target=dispatch)
        thread.start()
        thread.join(timeout=20)

    assert [(one.items, one.is_busy) for one in seen] == [((), True)]
    assert len(hand_out(cell).items) == 1


def test_a_slot_asked_for_by_many_at_once_is_taken_once(committed_tenant: TenantRef) -> None:
    start = threading.Barrier(6)

    def ask() -> None:
        start.wait()
        try:
            with tenant_scope(committed_tenant), atomic():
                enqueue("test.slot", slot="only")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert states_of_work(committed_tenant, "test.%") == ["ready"]
