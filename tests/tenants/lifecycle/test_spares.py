"""A company that comes in has the spares made up soon, by the platform's own job."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tenants.lifecycle.platform import ensure_platform
from tenants.lifecycle.spares import SOON, want_spares
from tenants.models import Operation, SpareSchema, Tenant, WorkItem
from tenants.tenancy import TenantRef, atomic, cell_scope
from tenants.tenancy.spares import refill_spares
from tests.companies import create_company, drop_company
from tests.fakes.dispatch import make_due, run_due_work

KIND = "platform.refill_spares"


@pytest.fixture
def platform(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    with django_db_blocker.unblock():
        yield ensure_platform()
        connections.close_all()
        for cell in django_settings.CELLS:
            refill_spares(cell, wanted=0, orphan_age=timedelta(0))
        for company in Tenant.objects.filter(slug="platform"):
            drop_company(company)
        Operation.objects.filter(tenant_slug="platform").delete()


def asked_for(platform: TenantRef) -> list[WorkItem]:
    with cell_scope(platform.cell), atomic():
        return list(WorkItem.objects.filter(tenant_id=platform.id, kind=KIND, slot="wanted", state="ready"))


def test_a_company_that_came_in_has_the_spares_made_up(platform: TenantRef, settings: Any) -> None:
    settings.SPARE_SCHEMAS = 1
    companies = [create_company(), create_company()]
    try:
        (row,) = asked_for(platform)
        assert row.due_at <= timezone.now() + SOON
        assert SpareSchema.objects.count() == 0
        make_due(platform, kind=KIND)
        run_due_work(platform, kind=KIND)
        assert set(SpareSchema.objects.values_list("cell", flat=True)) == set(settings.CELLS)
        assert asked_for(platform) == []
    finally:
        for company in companies:
            drop_company(company)


def test_before_the_platform_stands_nothing_is_asked_for(
    databases: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        assert not Tenant.objects.filter(slug="platform").exists()
        want_spares()
