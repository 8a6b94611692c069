"""The platform's own tenant: made with the databases, given its owner later, at work from the start."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tenants.accounts.access import Role
from tenants.accounts.selectors import owners
from tenants.dispatch import registry
from tenants.foundation.errors import Conflict
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.lifecycle.operations import ask_for_run, register_saga, start_operation
from tenants.lifecycle.platform import FIRST_CHECKS, PLATFORM_SCHEDULES, ensure_platform, first_run
from tenants.models import Operation, Tenant, WorkItem
from tenants.tenancy import TenantRef, atomic, cell_scope, tenant_scope
from tests.companies import OWNER_PASSWORD, drop_company
from tests.fakes.dispatch import run_due_work


@pytest.fixture
def platform(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    with django_db_blocker.unblock():
        yield ensure_platform()
        connections.close_all()
        for company in Tenant.objects.filter(slug="platform"):
            drop_company(company)
        Operation.objects.filter(tenant_slug__in=["platform", "nobody"]).delete()


def rows(tenant: TenantRef, kind: str) -> int:
    with cell_scope(tenant.cell), atomic():
        return WorkItem.objects.filter(tenant_id=tenant.id, kind=kind, state="ready").count()


def test_it_has_every_schedule_once_however_often_it_is_made_sure_of(platform: TenantRef) -> None:
    assert ensure_platform() == platform
    assert {kind: rows(platform, kind) for kind, _ in PLATFORM_SCHEDULES} == {
        # A new platform is checked once before its first night.
        kind: 2 if kind in FIRST_CHECKS else 1
        for kind, _ in PLATFORM_SCHEDULES
    }


def test_every_schedule_has_a_job() -> None:
    assert [kind for kind, _ in PLATFORM_SCHEDULES if registry.find(kind) is None] == []


def test_it_has_nobody_until_its_first_owner_is_named_and_then_only_that_one(platform: TenantRef) -> None:
    facts = {"slug": "platform", "name": "Platform", "owner_name": "Olive Example"}
    with tenant_scope(platform), atomic():
        assert not owners().exists()

    done = onboard_tenant(owner_email="olive@platform.example", owner_password=OWNER_PASSWORD, **facts)

    assert done.tenant == platform
    with tenant_scope(platform), atomic():
        assert list(owners().values_list("user__email", "role")) == [("olive@platform.example", Role.OWNER)]
    with pytest.raises(Conflict):
        onboard_tenant(owner_email="mallory@platform.example", owner_password=OWNER_PASSWORD, **facts)


@pytest.mark.parametrize("is_asked_for", [True, False], ids=["asked for", "left behind"])
def test_an_operation_is_carried_out_by_the_workers(platform: TenantRef, is_asked_for: bool) -> None:
    register_saga("test.nothing")
    operation = start_operation(
        kind="test.nothing", tenant_id=None, tenant_slug="nobody", asked_by="", values={}
    )
    if is_asked_for:
        ask_for_run(operation)

    run_due_work(platform, kind=None if not is_asked_for else "platform.run_operation")

    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        (
            timedelta(seconds=15),
            datetime(2030, 5, 1, 13, 0, tzinfo=UTC),
            datetime(2030, 5, 1, 13, 0, tzinfo=UTC),
        ),
        (timedelta(days=1), datetime(2030, 5, 1, 13, 0, tzinfo=UTC), datetime(2030, 5, 2, 2, 0, tzinfo=UTC)),
        (timedelta(days=1), datetime(2030, 5, 1, 1, 0, tzinfo=UTC), datetime(2030, 5, 1, 2, 0, tzinfo=UTC)),
    ],
)
def test_what_is_done_once_a_day_is_done_at_night(
    every: timedelta, now: datetime, expected: datetime
) -> None:
    assert first_run(every, now) == expected


def test_the_work_of_a_night_does_not_begin_all_at_once(platform: TenantRef) -> None:
    daily = [kind for kind, every in PLATFORM_SCHEDULES if every == timedelta(days=1)]
    with cell_scope(platform.cell), atomic():
        nightly = WorkItem.objects.filter(tenant_id=platform.id, kind__in=daily, every_seconds__isnull=False)
        begins = nightly.values_list("due_at", flat=True)
        assert len(set(begins)) == len(daily)
    assert daily.index("platform.backup_full") < daily.index("platform.restore_drill")
