"""Asking for work: with the transaction or not at all, once per slot, and without seeing anybody's rows."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import ProgrammingError, connections

from tenants.dispatch import enqueue, schedule
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.waking import WakeOnCommit
from tenants.models import WorkItem
from tenants.tenancy import NoTenant, NoTransaction, TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register


class Undone(Exception):
    pass


def ask_and_fail(kind: str) -> None:
    with atomic():
        enqueue(kind)
        raise Undone


def rows(tenant: TenantRef, kind: str) -> list[WorkItem]:
    with cell_transaction(tenant.cell):
        return list(WorkItem.objects.filter(tenant_id=tenant.id, kind=kind).order_by("id"))


def test_what_is_asked_for_in_a_transaction_that_is_rolled_back_was_never_asked_for(
    tenant: TenantRef,
) -> None:
    with pytest.raises(Undone):
        ask_and_fail("test.never")

    assert rows(tenant, "test.never") == []


def test_asking_needs_a_tenant(database: None) -> None:
    with pytest.raises(NoTenant):
        enqueue("test.nobody")


def test_asking_needs_a_transaction(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), pytest.raises(NoTransaction):
        enqueue("test.loose")


def test_the_row_carries_what_was_given(tenant: TenantRef) -> None:
    object_id, later = uuid4(), datetime.now(UTC) + timedelta(hours=1)
    with atomic():
        enqueue(
            "test.full",
            object_id=object_id,
            payload={"since": later, "id": object_id},
            due_at=later,
            priority=7,
        )

    (row,) = rows(tenant, "test.full")
    assert (row.object_id, row.due_at, row.priority, row.state) == (object_id, later, 7, "ready")
    assert row.payload["id"] == str(object_id)
    assert (row.tenant_id, row.tenant_role) == (tenant.id, tenant.role)


def test_a_slot_holds_one_unfinished_row(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.slot", slot="a")
        enqueue("test.slot", slot="a")
        enqueue("test.slot", slot="b")
        enqueue("test.other", slot="a")
        enqueue("test.slot")
        enqueue("test.slot")

    assert sorted(str(row.slot) for row in rows(tenant, "test.slot")) == ["None", "None", "a", "b"]
    assert len(rows(tenant, "test.other")) == 1


def test_a_slot_of_one_company_is_free_for_another(tenant: TenantRef, other_tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.slot", slot="a")
    with tenant_scope(other_tenant), atomic():
        enqueue("test.slot", slot="a")

    assert len(rows(tenant, "test.slot")) == len(rows(other_tenant, "test.slot")) == 1


def test_a_slot_is_free_again_when_its_row_is_done(tenant: TenantRef, job: Register) -> None:
    job("test.slot")(lambda work: None)
    with atomic():
        enqueue("test.slot", slot="a")
    run_due_work(tenant, kind="test.slot")
    with atomic():
        enqueue("test.slot", slot="a")

    assert states_of_work(tenant, "test.slot") == ["done", "ready"]


def test_a_slot_is_taken_while_its_row_runs(tenant: TenantRef, job: Register) -> None:
    def ask_again(work: object) -> None:
        with atomic():
            enqueue("test.slot", slot="a")

    job("test.slot")(ask_again)
    with atomic():
        enqueue("test.slot", slot="a")
    run_due_work(tenant, kind="test.slot")

    assert states_of_work(tenant, "test.slot") == ["done"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM public.tenants_workitem",
        "UPDATE public.tenants_workitem SET priority = 0",
        "DELETE FROM public.tenants_workitem",
        "SELECT count(*) FROM public.tenants_tenantqueue",
        "UPDATE public.tenants_dispatchclock SET virtual_time = 0",
    ],
)
def test_a_tenants_role_sees_and_changes_no_row(tenant: TenantRef, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), atomic():
        connections[tenant.cell].cursor().execute(statement)


@pytest.mark.parametrize(("of_another", "state"), [(True, "ready"), (False, "running"), (False, "done")])
def test_a_tenants_role_asks_only_for_itself_and_only_for_new_work(
    tenant: TenantRef, other_tenant: TenantRef, of_another: bool, state: str
) -> None:
    role = other_tenant.role if of_another else tenant.role
    with pytest.raises(ProgrammingError, match="row-level security") as caught, atomic():
        connections[tenant.cell].cursor().execute(
            "INSERT INTO public.tenants_workitem (id, tenant_id, tenant_role, kind, payload, priority, state,"
            " attempts, last_error) VALUES (%s, %s, %s, 'test.foreign', '{}', 1, %s, 0, '')",
            [uuid4(), other_tenant.id, role, state],
        )
    assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_a_transaction_wakes_the_dispatcher_once_however_much_it_asks_for(tenant: TenantRef) -> None:
    with atomic():
        for _ in range(3):
            enqueue("test.many")

    hooks = [entry[1] for entry in connections[tenant.cell].run_on_commit]
    assert hooks.count(WakeOnCommit(tenant.cell)) == 1


def test_work_for_later_wakes_nobody(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.later", due_at=datetime.now(UTC) + timedelta(minutes=5))

    assert not [
        entry for entry in connections[tenant.cell].run_on_commit if isinstance(entry[1], WakeOnCommit)
    ]


def test_a_savepoint_that_is_undone_takes_its_wake_up_with_it_and_not_the_next_ones(
    tenant: TenantRef,
) -> None:
    with atomic():
        with pytest.raises(Undone):
            ask_and_fail("test.undone")
        assert not [e for e in connections[tenant.cell].run_on_commit if isinstance(e[1], WakeOnCommit)]
        enqueue("test.kept")
        assert [e for e in connections[tenant.cell].run_on_commit if isinstance(e[1], WakeOnCommit)]


def test_setting_a_schedule_up_again_changes_nothing(tenant: TenantRef) -> None:
    object_id = uuid4()
    with atomic():
        schedule("test.poll", every=timedelta(seconds=90), object_id=object_id)
        schedule("test.poll", every=timedelta(seconds=10), object_id=object_id)
        schedule("test.poll", every=timedelta(seconds=90), object_id=uuid4())

    assert [row.every_seconds for row in rows(tenant, "test.poll")] == [90, 90]


def test_a_schedule_of_less_than_a_second_is_refused(tenant: TenantRef) -> None:
    with atomic(), pytest.raises(ValueError, match="at least one second"):
        schedule("test.poll", every=timedelta(milliseconds=200))
