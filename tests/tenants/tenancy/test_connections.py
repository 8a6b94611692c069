"""A connection serves so many companies and is then replaced, without anybody noticing."""

from typing import Any

import pytest
from django.db import connections

from tenants.accounts.models import Department
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.backend import base
from tests.companies import create_company, drop_company


def server_process(ref: TenantRef) -> int:
    with tenant_scope(ref), atomic():
        Department.objects.count()
        return int(connections[ref.cell].connection.info.backend_pid)


@pytest.fixture
def three(databases: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        made = [create_company() for _ in range(3)]
        connections.close_all()
        yield [company.ref for company in made]
        connections.close_all()
        for company in made:
            drop_company(company)


def test_a_company_too_many_gets_a_new_connection_and_those_seen_keep_theirs(
    three: list[TenantRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_SCHEMAS", 2)
    first = server_process(three[0])
    assert server_process(three[1]) == first
    assert server_process(three[0]) == first
    second = server_process(three[2])
    assert second != first
    assert server_process(three[0]) == second


def test_the_transaction_it_is_replaced_for_is_whole(
    three: list[TenantRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_SCHEMAS", 1)
    for ref in three:
        with pytest.raises(ZeroDivisionError), tenant_scope(ref), atomic():
            Department.objects.create(name="Undone", key="UN")
            raise ZeroDivisionError
        with tenant_scope(ref), atomic():
            Department.objects.create(name="Kept", key="KE")
    for ref in three:
        with tenant_scope(ref), atomic():
            assert list(Department.objects.values_list("name", flat=True)) == ["Kept"]


def test_a_scope_inside_another_s_transaction_replaces_nothing(
    three: list[TenantRef], companies: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_SCHEMAS", 1)
    with tenant_scope(three[0]), atomic():
        Department.objects.create(name="Outer", key="OU")
        with tenant_scope(three[1]):
            Department.objects.create(name="Inner", key="IN")
        assert Department.objects.filter(name="Outer").exists()
