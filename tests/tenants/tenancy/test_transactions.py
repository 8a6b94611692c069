"""Turns: one transaction of a company at a time, without any right of the company's own role to take locks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connections, transaction
from django.db.utils import ProgrammingError

from tenants.accounts.models import Department
from tenants.tenancy import NoTenant, TenantRef, atomic, tenant_scope, wait_for_turn
from tests.companies import create_company, drop_company


def role_now(cell: str) -> str:
    with connections[cell].cursor() as cursor:
        cursor.execute("SELECT current_user::text")
        return str(cursor.fetchone()[0])


def test_whoever_waits_goes_on_when_the_other_has_ended(committed_tenant: TenantRef) -> None:
    has_turn, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with tenant_scope(committed_tenant), atomic():
            wait_for_turn("tests.name")
            has_turn.set()
            assert may_end.wait(20)
            order.append("first")
        connections.close_all()

    def second(name: str) -> None:
        assert has_turn.wait(20)
        with tenant_scope(committed_tenant), atomic():
            wait_for_turn(name)
            order.append(name)
        connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(first), pool.submit(second, "tests.name")]
        pool.submit(second, "tests.other").result(timeout=20)  # another turn is not waited for
        assert order == ["tests.other"]
        may_end.set()
        for job in jobs:
            job.result(timeout=20)
    assert order == ["tests.other", "first", "tests.name"]


def test_the_turns_of_two_companies_have_nothing_to_do_with_each_other(committed_tenant: TenantRef) -> None:
    other = create_company()
    try:

        def take() -> None:
            with tenant_scope(other.ref), atomic():
                wait_for_turn("tests.name")
            connections.close_all()

        with tenant_scope(committed_tenant), atomic(), ThreadPoolExecutor(1) as pool:
            wait_for_turn("tests.name")
            pool.submit(take).result(timeout=20)
    finally:
        connections.close_all()
        drop_company(other)


def test_after_a_turn_the_company_s_own_role_goes_on(tenant: TenantRef) -> None:
    with atomic():
        wait_for_turn("tests.name")
        assert role_now(tenant.cell) == tenant.role
        assert Department.objects.count() == 0
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            atomic(),
            connections[tenant.cell].cursor() as cursor,
        ):
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
        assert role_now(tenant.cell) == tenant.role


def test_a_turn_that_could_not_be_taken_leaves_no_other_role(tenant: TenantRef) -> None:
    wrapper = connections[tenant.cell]
    with atomic():
        with pytest.raises(OperationalError, match="division by zero"), atomic():
            wrapper.control("SELECT 1/0")  # type: ignore[attr-defined]
        assert role_now(tenant.cell) == tenant.role


def test_there_are_no_turns_without_a_company(database: None) -> None:
    with pytest.raises(NoTenant), transaction.atomic(using="cell_1"):
        wait_for_turn("tests.name")
