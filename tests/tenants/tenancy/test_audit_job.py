"""The audit runs each night, in the name of the platform's own company."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tenants.lifecycle.platform import PLATFORM_SCHEDULES, ensure_platform
from tenants.models import Evidence, Operation, Tenant
from tenants.tenancy import TenantRef
from tests.companies import drop_company
from tests.fakes.dispatch import make_due, run_due_work

KIND = "platform.schema_audit"


@pytest.fixture
def platform(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """The platform's own company, for this test alone."""
    with django_db_blocker.unblock():
        yield ensure_platform()
        connections.close_all()
        for company in Tenant.objects.filter(slug="platform"):
            drop_company(company)
        Operation.objects.filter(tenant_slug="platform").delete()
        Evidence.objects.all().delete()


def test_the_nightly_job_leaves_evidence(platform: TenantRef) -> None:
    assert (KIND, timedelta(days=1)) in PLATFORM_SCHEDULES
    make_due(platform, kind=KIND)
    run_due_work(platform, kind=KIND)
    # A new platform is checked on its first day as well.
    row = Evidence.objects.filter(kind=Evidence.Kind.SCHEMA_AUDIT).latest("started_at")
    assert row.is_passed, row.report
    assert row.report["schemas"] >= 1
    assert "0 differ" in row.summary
