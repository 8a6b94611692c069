"""A connection serves so many companies and is then replaced, without anybody noticing."""

import socket
import time
from typing import Any

import pytest
from django.contrib.postgres.signals import get_citext_oids, get_hstore_oids
from django.db import OperationalError, connections

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


def test_a_process_may_open_its_first_connection_for_a_company(three: list[TenantRef]) -> None:
    """Django looks types up in the catalogs then, once in a process; a company's statement may not."""
    connections.close_all()
    for known in (get_hstore_oids, get_citext_oids):
        known.cache_clear()  # type: ignore[attr-defined]
    assert server_process(three[0])


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


def test_a_machine_that_says_nothing_costs_one_caller_the_wait_and_the_others_none(
    databases: None, companies: tuple[Tenant, Tenant], django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = connections.settings["cell_1"]
    with django_db_blocker.unblock(), socket.create_server(("127.0.0.1", 0)) as nobody:
        connections["cell_1"].close()
        monkeypatch.setitem(cell, "PORT", str(nobody.getsockname()[1]))
        monkeypatch.setitem(cell["OPTIONS"], "connect_timeout", 2)
        try:
            waits: list[float] = []
            for _ in range(4):
                started = time.monotonic()
                with pytest.raises(OperationalError):
                    server_process(companies[0].ref)
                waits.append(time.monotonic() - started)
            assert waits[0] > 1.5
            assert max(waits[1:]) < 1.5
        finally:
            monkeypatch.undo()
            base._silent_until["cell_1"] = time.monotonic()  # its time is over
        assert server_process(companies[0].ref)
        assert "cell_1" not in base._silent_until
        connections.close_all()
