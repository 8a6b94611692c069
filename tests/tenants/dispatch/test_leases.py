"""A worker's hold on its row, and what a recurring job leaves behind when it lets go."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenants.dispatch import Work, enqueue, schedule
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, atomic, current_tenant
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register, the_row


def take_over(tenant: TenantRef, kind: str) -> None:
    """What the sweeper and another worker do while the first one sleeps."""
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind=kind, state="running").update(lease_token=uuid4())


def test_a_worker_that_lost_its_lease_marks_nothing(tenant: TenantRef, job: Register) -> None:
    job("test.slow")(lambda work: take_over(tenant, "test.slow"))
    with atomic():
        enqueue("test.slow")

    assert run_due_work(tenant, kind="test.slow") == {"test.slow": [Outcome.LOST]}
    assert states_of_work(tenant, "test.slow") == ["running"]


@pytest.mark.parametrize("fence", ["hold", "finish", "heartbeat"])
def test_a_worker_that_lost_its_lease_is_stopped_before_it_changes_anything(
    tenant: TenantRef, job: Register, fence: str
) -> None:
    def slow(work: Work) -> None:
        take_over(tenant, "test.slow")
        with atomic():
            enqueue("test.effect")
            getattr(work, fence)()

    job("test.slow")(slow)
    with atomic():
        enqueue("test.slow")

    assert run_due_work(tenant, kind="test.slow") == {"test.slow": [Outcome.LOST]}
    assert states_of_work(tenant, "test.effect") == []


def test_a_job_can_finish_in_the_transaction_of_its_effect(tenant: TenantRef, job: Register) -> None:
    def work_and_finish(work: Work) -> None:
        with atomic():
            enqueue("test.effect")
            work.finish()
            assert current_tenant() == tenant
        raise OSError("after the commit nothing can undo it")

    job("test.atomic")(work_and_finish)
    with atomic():
        enqueue("test.atomic")

    assert run_due_work(tenant, kind="test.atomic") == {"test.atomic": [Outcome.DONE]}
    assert states_of_work(tenant, "test.atomic") == ["done"]
    assert states_of_work(tenant, "test.effect") == ["ready"]


def test_a_finish_that_is_rolled_back_did_not_happen(tenant: TenantRef, job: Register) -> None:
    def undo(work: Work) -> None:
        with atomic():
            enqueue("test.effect")
            work.finish()
            raise OSError("before the commit")

    job("test.atomic")(undo)
    with atomic():
        enqueue("test.atomic")

    assert run_due_work(tenant, kind="test.atomic") == {"test.atomic": [Outcome.FAILED]}
    assert states_of_work(tenant, "test.atomic") == ["ready"]
    assert states_of_work(tenant, "test.effect") == []


def test_a_recurring_job_asks_for_its_next_run_when_it_ends(tenant: TenantRef, job: Register) -> None:
    job("test.poll")(lambda work: None)
    first_at = datetime.now(UTC) - timedelta(seconds=200)
    with atomic():
        schedule("test.poll", every=timedelta(seconds=90), payload={"deep": True}, first_at=first_at)
    run_due_work(tenant, kind="test.poll")

    assert states_of_work(tenant, "test.poll") == ["done", "ready"]
    row = the_row(tenant, "test.poll")
    # Two turns were missed; they are made up for by the one that ran.
    assert row.due_at == first_at + timedelta(seconds=270)
    assert (row.payload, row.every_seconds, row.attempts) == ({"deep": True}, 90, 0)


def test_a_recurring_job_that_is_given_up_goes_on(tenant: TenantRef, job: Register) -> None:
    def fail(work: Work) -> None:
        raise OSError

    job("test.poll", max_attempts=1)(fail)
    with atomic():
        schedule("test.poll", every=timedelta(seconds=90))
    run_due_work(tenant, kind="test.poll")

    assert states_of_work(tenant, "test.poll") == ["dead", "ready"]


def test_a_recurring_job_can_end_itself_or_change_its_period(tenant: TenantRef, job: Register) -> None:
    def turn(work: Work) -> None:
        if work.payload["last"]:
            work.end_schedule()
        else:
            work.reschedule(every_seconds=600)

    job("test.poll")(turn)
    with atomic():
        schedule("test.poll", every=timedelta(seconds=90), payload={"last": True}, slot="ending")
        schedule("test.poll", every=timedelta(seconds=90), payload={"last": False}, slot="slower")
    run_due_work(tenant, kind="test.poll")

    with cell_transaction(tenant.cell):
        waiting = list(WorkItem.objects.filter(kind="test.poll", state="ready"))
    assert [(row.slot, row.every_seconds) for row in waiting] == [("slower", 600)]


def test_a_failing_recurring_job_is_tried_again_before_its_next_turn(
    tenant: TenantRef, job: Register
) -> None:
    def fail(work: Work) -> None:
        raise OSError

    job("test.poll")(fail)
    with atomic():
        schedule("test.poll", every=timedelta(hours=1))
    run_due_work(tenant, kind="test.poll")

    assert states_of_work(tenant, "test.poll") == ["ready"]
    assert the_row(tenant, "test.poll").due_at < datetime.now(UTC) + timedelta(minutes=1)
