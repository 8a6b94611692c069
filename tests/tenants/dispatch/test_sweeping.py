"""The sweeper: lost messages, lost workers, old rows."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tenants.dispatch import Work, enqueue, schedule
from tenants.dispatch.handing import hand_out
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.dispatch.sweeping import sweep
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, atomic
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register


def change(kind: str, tenant: TenantRef, **values: Any) -> None:
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind=kind).update(**values)


def the_row(tenant: TenantRef, kind: str) -> WorkItem:
    with cell_transaction(tenant.cell):
        return WorkItem.objects.filter(tenant_id=tenant.id, kind=kind).earliest("id")


def ago(**length: float) -> datetime:
    return datetime.now(UTC) - timedelta(**length)


def test_a_row_whose_message_was_lost_is_handed_out_again(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.lost")
    first = hand_out(tenant.cell).items
    assert sweep(tenant.cell, is_forced=True)
    assert states_of_work(tenant, "test.lost") == ["handed"], "it was swept before its time"
    change("test.lost", tenant, lease_expires_at=ago(seconds=1))

    done = sweep(tenant.cell, is_forced=True)

    assert done is not None
    assert done.untaken == 1
    assert hand_out(tenant.cell).items == first
    assert the_row(tenant, "test.lost").attempts == 0


def test_a_message_that_was_only_late_finds_the_row_taken_or_takes_it(
    tenant: TenantRef, job: Register
) -> None:
    runs: list[Work] = []
    job("test.late")(runs.append)
    with atomic():
        enqueue("test.late")
    (item,) = hand_out(tenant.cell).items
    change("test.late", tenant, lease_expires_at=ago(seconds=1))
    sweep(tenant.cell, is_forced=True)
    hand_out(tenant.cell)

    outcomes = [run_item(tenant.cell, item, has_heartbeat=False) for _ in range(2)]

    assert outcomes == [Outcome.DONE, Outcome.TAKEN]
    assert len(runs) == 1


def test_a_row_whose_worker_went_away_is_run_again_and_the_attempt_counts(
    tenant: TenantRef, job: Register
) -> None:
    attempts: list[int] = []
    job("test.crashed")(lambda work: attempts.append(work.attempt))
    with atomic():
        enqueue("test.crashed")
    change(
        "test.crashed",
        tenant,
        state="running",
        attempts=1,
        lease_token=uuid4(),
        lease_expires_at=ago(seconds=1),
    )

    done = sweep(tenant.cell, is_forced=True)

    assert done is not None
    assert done.revived == 1
    assert "went away" in the_row(tenant, "test.crashed").last_error
    assert run_due_work(tenant, kind="test.crashed") == {"test.crashed": [Outcome.DONE]}
    assert attempts == [2]


def test_a_job_that_kills_its_workers_is_given_up(tenant: TenantRef, job: Register) -> None:
    job("test.poison", max_attempts=3)(lambda work: None)
    with atomic():
        schedule("test.poison", every=timedelta(minutes=5))
    change("test.poison", tenant, state="running", attempts=3, lease_expires_at=ago(seconds=1))

    done = sweep(tenant.cell, is_forced=True)

    assert done is not None
    assert done.buried == 1
    assert states_of_work(tenant, "test.poison") == ["dead", "ready"], "its schedule goes on"


def test_a_worker_that_is_alive_keeps_its_row(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.alive")
    change("test.alive", tenant, state="running", lease_expires_at=datetime.now(UTC) + timedelta(seconds=30))

    sweep(tenant.cell, is_forced=True)

    assert states_of_work(tenant, "test.alive") == ["running"]


def test_old_rows_are_removed_and_recent_ones_and_unfinished_ones_are_not(tenant: TenantRef) -> None:
    with atomic():
        for state, finished_at in (
            ("done", ago(days=4)),
            ("done", ago(days=2)),
            ("dead", ago(days=91)),
            ("dead", ago(days=89)),
            ("ready", None),
        ):
            kind = f"test.{state}.{finished_at}"
            enqueue(kind)
            change(kind, tenant, state=state, finished_at=finished_at)

    done = sweep(tenant.cell, is_forced=True)

    assert done is not None
    assert done.pruned == 2
    assert sorted(states_of_work(tenant, "test.%")) == ["dead", "done", "ready"]


def test_replicas_sweep_in_turn_and_not_all_at_once(tenant: TenantRef) -> None:
    assert sweep(tenant.cell, is_forced=True) is not None
    assert sweep(tenant.cell) is None
