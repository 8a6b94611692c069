"""An operator asks, the workers restore: from the moment that is shown to the company's rows of then, and back."""

import time
from collections.abc import Iterator

import pytest
from django.utils import timezone

from tenants.accounts.access import SYSTEM
from tenants.backups.selectors import protection_of
from tenants.backups.servers import backup_servers
from tenants.backups.taking import take_backup
from tenants.foundation.errors import InvalidInput
from tenants.lifecycle.operations import run_operation
from tenants.lifecycle.restoring.services import drop_replaced_schemas, restore_to_take_back
from tenants.lifecycle.standing import restore_company, take_company_s_restore_back
from tenants.models import Operation, Tenant
from tests.companies import create_company, drop_company
from tests.tenants.backups.departments import found, names_in
from tests.tenants.backups.own_server import OwnServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]


@pytest.fixture
def company(on_own_server: OwnServer) -> Iterator[Tenant]:
    """A company with one department and a backup of its own time."""
    made = create_company()
    try:
        found(made, "one")
        take_backup(backup_servers()[0], kind="full")
        yield made
    finally:
        drop_replaced_schemas(made.pk)
        drop_company(made)


def test_a_company_goes_to_the_moment_an_operator_chose_and_back(company: Tenant) -> None:
    protection = protection_of(company)
    assert protection.earliest is not None
    assert protection.last_backup_at is not None
    with pytest.raises(InvalidInput) as refused:
        restore_company(tenant_id=company.pk, moment=company.created_at, confirm=company.slug, actor=SYSTEM)
    assert "earliest" in refused.value.fields["moment"][0]

    time.sleep(1)  # the earliest moment is a full second
    moment = timezone.now()
    time.sleep(0.02)
    found(company, "two")
    asked = restore_company(tenant_id=company.pk, moment=moment, confirm=company.slug, actor=SYSTEM)
    assert names_in(company) == ["one", "two"], "nothing was done yet"
    assert restore_to_take_back(company) is None
    assert run_operation(asked.pk).state == Operation.State.SUCCEEDED
    assert names_in(company) == ["one"]

    kept = restore_to_take_back(company)
    assert kept is not None
    assert kept.pk == asked.pk
    found(company, "three")
    back = take_company_s_restore_back(tenant_id=company.pk, confirm=company.slug, actor=SYSTEM)
    assert run_operation(back.pk).state == Operation.State.SUCCEEDED
    assert names_in(company) == ["one", "two"]
    assert restore_to_take_back(company) is None
