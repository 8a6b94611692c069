"""A company's jobs come along when it moves: none is lost, none is done twice, none runs in the old place."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone

from tenants.accounts.models import Department
from tenants.dispatch import Work, enqueue, registry, schedule, tenant_job
from tenants.dispatch.handing import hand_out
from tenants.dispatch.leases import take_lease
from tenants.dispatch.running import Outcome, run_item
from tenants.lifecycle.operations import Run
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.directory import directory
from tests.tenants.lifecycle.moving.conftest import Mover
from tests.tenants.lifecycle.moving.places import ask

KIND = "test.moved"
ran: list[UUID] = []


@pytest.fixture(autouse=True)
def job() -> Iterator[None]:
    """A job that remembers that it ran and makes a department."""
    ran.clear()

    @tenant_job(KIND)
    def moved(work: Work) -> None:
        ran.append(work.id)
        with atomic():
            Department.objects.create(name=f"Made by {work.id}", key=str(work.id)[-8:])
            work.finish()

    yield
    registry.discard(KIND)


def home(tenant: TenantRef) -> TenantRef:
    return Tenant.objects.get(pk=tenant.id).ref


def ask_for(tenant: TenantRef, count: int = 1) -> None:
    with tenant_scope(tenant), atomic():
        for _ in range(count):
            enqueue(KIND)


def jobs(tenant: TenantRef, cell: str, *states: str) -> list[UUID]:
    query = (
        "SELECT id FROM tenants_workitem WHERE tenant_id = %s AND kind = %s AND state = ANY(%s) ORDER BY id"
    )
    return [row[0] for row in ask(cell, query, [tenant.id, KIND, list(states)])]


def set_state(item: UUID, state: str) -> None:
    ask("cell_1", "UPDATE tenants_workitem SET state = %s WHERE id = %s RETURNING id", [state, item])


def test_what_waits_comes_along_and_is_done_once_in_the_new_place(mover: Mover) -> None:
    ask_for(mover.tenant, 3)
    waiting = jobs(mover.tenant, "cell_1", "ready")
    mover.move()
    assert jobs(mover.tenant, "cell_1", "ready", "handed", "running", "dead") == []
    assert jobs(mover.tenant, "cell_2", "ready") == waiting
    assert set(waiting) <= set(hand_out("cell_2").items)
    assert [run_item("cell_2", item, has_heartbeat=False) for item in waiting] == [Outcome.DONE] * 3
    assert sorted(ran) == waiting


def test_a_message_of_the_old_place_finds_nothing(mover: Mover) -> None:
    ask_for(mover.tenant)
    (item,) = jobs(mover.tenant, "cell_1", "ready")
    mover.move()
    assert run_item("cell_1", item, has_heartbeat=False) is Outcome.TAKEN
    assert run_item("cell_2", item, has_heartbeat=False) is Outcome.DONE
    assert run_item("cell_2", item, has_heartbeat=False) is Outcome.TAKEN
    assert ran == [item]


def test_a_worker_that_has_not_heard_of_the_move_asks_again(mover: Mover) -> None:
    ask_for(mover.tenant)
    (item,) = jobs(mover.tenant, "cell_1", "ready")
    mover.move()
    directory.forget()
    directory._entries[("id", mover.tenant.id)] = (float("inf"), mover.tenant)
    assert run_item("cell_2", item, has_heartbeat=False) is Outcome.DONE


def test_what_was_given_up_can_still_be_looked_at(mover: Mover) -> None:
    ask_for(mover.tenant)
    (item,) = jobs(mover.tenant, "cell_1", "ready")
    set_state(item, "dead")
    mover.move()
    assert jobs(mover.tenant, "cell_2", "dead") == [item]


def test_schedules_go_on_and_their_slots_hold(mover: Mover) -> None:
    with tenant_scope(mover.tenant), atomic():
        schedule(KIND, every=timedelta(hours=1), first_at=timezone.now() + timedelta(minutes=5))
    mover.move()
    with tenant_scope(home(mover.tenant)), atomic():
        schedule(KIND, every=timedelta(hours=1))
    assert len(jobs(mover.tenant, "cell_2", "ready")) == 1


def test_a_job_that_runs_is_given_time_to_end(mover: Mover) -> None:
    ask_for(mover.tenant)
    (item,) = jobs(mover.tenant, "cell_1", "ready")
    lease = take_lease("cell_1", item, registry.find)
    assert lease is not None
    looks = []

    def look(_run: Run) -> None:
        looks.append(jobs(mover.tenant, "cell_1", "running"))
        set_state(item, "done")

    mover.after("follow", look)
    mover.move(wait_for_jobs=30)
    assert looks == [[item]]
    assert jobs(mover.tenant, "cell_2", "ready") == []


def test_a_job_that_does_not_end_begins_anew_and_its_old_run_changes_nothing(mover: Mover) -> None:
    """The run in the old place is stopped by the wall, before and after its row has gone."""
    ask_for(mover.tenant)
    (item,) = jobs(mover.tenant, "cell_1", "ready")
    outcomes = []
    registry.discard(KIND)

    @tenant_job(KIND)
    def stubborn(work: Work) -> None:
        ran.append(work.id)
        if len(ran) == 1:
            mover.move(wait_for_jobs=0)
        with atomic():
            Department.objects.create(name=f"Made by {work.id}", key="M")
            work.finish()

    outcomes.append(run_item("cell_1", item, has_heartbeat=False))
    outcomes.append(run_item("cell_2", item, has_heartbeat=False))
    assert outcomes == [Outcome.LOST, Outcome.DONE]
    assert ran == [item, item]
    with tenant_scope(home(mover.tenant)), atomic():
        assert Department.objects.filter(name=f"Made by {item}").count() == 1
    (attempts,) = ask("cell_2", "SELECT attempts FROM tenants_workitem WHERE id = %s", [item])[0]
    assert attempts == 1


def test_what_is_asked_for_in_the_old_place_at_the_last_moment_comes_along(mover: Mover) -> None:
    mover.before("clean", lambda _run: ask_for(mover.tenant))
    mover.move()
    (item,) = jobs(mover.tenant, "cell_2", "ready")
    assert jobs(mover.tenant, "cell_1", "ready") == []
    assert run_item("cell_2", item, has_heartbeat=False) is Outcome.DONE


def test_nothing_can_be_asked_for_in_the_old_place_any_more(mover: Mover) -> None:
    mover.move()
    with pytest.raises(OperationalError) as refused:
        ask_for(mover.tenant)
    assert is_moving(refused.value)
    assert jobs(mover.tenant, "cell_1", "ready") == []


def test_its_share_of_the_workers_comes_along(mover: Mover) -> None:
    share = "UPDATE tenants_tenantqueue SET weight = 3, max_inflight = 9 WHERE tenant_id = %s RETURNING 1"
    ask("cell_1", share, [mover.tenant.id])
    mover.move()
    query = "SELECT weight, max_inflight, is_paused FROM tenants_tenantqueue WHERE tenant_id = %s"
    assert ask("cell_2", query, [mover.tenant.id]) == [(3.0, 9, False)]


def test_who_was_paused_stays_paused(mover: Mover) -> None:
    ask(
        "cell_1",
        "UPDATE tenants_tenantqueue SET is_paused = true WHERE tenant_id = %s RETURNING 1",
        [mover.tenant.id],
    )
    mover.move()
    assert mover.is_paused("cell_2")
