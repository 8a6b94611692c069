"""The entry points of background work: what waits, what ends, and what is told when work is given up."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.jobs import run_sync_job
from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import (
    DISCOVER_JOB,
    POLL_JOB,
    RUN_JOB,
    cancel_run,
    connect_workspace,
    pause_connection,
    resume_connection,
    start_sync_run,
)
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work, states_of_work

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]


def test_connecting_makes_the_product_look_for_databases_and_then_for_changes(
    tenant: TenantRef, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    workspace.into(sandbox)
    connect_workspace(token=workspace.token, actor=SYSTEM)

    run_due_work(tenant)

    assert SyncedCollection.objects.count() == 2
    assert states_of_work(tenant, DISCOVER_JOB) == ["done"]
    assert states_of_work(tenant, POLL_JOB)[-1] == "ready"


def test_the_looks_for_changes_end_when_the_workspace_is_paused(
    connect: Connect, workspace: NotionWorkspace, work: Work, tenant: TenantRef
) -> None:
    connection = connect(workspace)
    work()
    pause_connection(connection=connection, actor=SYSTEM)

    make_due(tenant, kind=POLL_JOB)
    work()

    assert set(states_of_work(tenant, POLL_JOB)) == {"done"}


def test_a_workspace_resumed_just_as_its_last_look_ends_is_looked_at_again(
    connect: Connect,
    workspace: NotionWorkspace,
    work: Work,
    tenant: TenantRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connect(workspace)
    work()

    def found_paused(**_: object) -> bool:
        # Between this and the end of the job, somebody resumes: the slot of the looks is still held by this one.
        pause_connection(connection=connection, actor=SYSTEM)
        resume_connection(connection=connection, actor=SYSTEM)
        return False

    monkeypatch.setattr("integrations.jobs.poll_connection", found_paused)
    make_due(tenant, kind=POLL_JOB)
    work()

    assert states_of_work(tenant, POLL_JOB)[-1] == "ready"


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_a_run_whose_job_was_lost_for_good_is_taken_up_by_the_next_look(
    connect: Connect, workspace: NotionWorkspace, work: Work, tenant: TenantRef, state: str
) -> None:
    workspace.add_tasks(3)
    connect(workspace)
    run = SyncRun.objects.get()
    give_up_work(tenant, RUN_JOB)
    SyncRun.objects.update(state=state)

    make_due(tenant, kind=POLL_JOB)
    work()

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Task.objects.count() == 3


def test_a_run_whose_job_was_lost_for_good_can_be_cancelled(
    connect: Connect, workspace: NotionWorkspace, work: Work, tenant: TenantRef
) -> None:
    connection = connect(workspace)
    give_up_work(tenant, RUN_JOB)
    SyncRun.objects.update(state="running")
    give_up_work(tenant, POLL_JOB)

    cancel_run(run=SyncRun.objects.get(), actor=SYSTEM)
    work()

    assert SyncRun.objects.get().state == "cancelled"
    assert start_sync_run(connection=connection, actor=SYSTEM).is_open


def give_up_work(tenant: TenantRef, kind: str) -> None:
    """As the sweeper does with a job whose workers were killed again and again."""
    with cell_scope(tenant.cell):
        WorkItem.objects.filter(tenant_id=tenant.id, kind=kind).update(state="dead")


def test_a_run_that_has_to_wait_is_put_back_and_goes_on(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox, tenant: TenantRef
) -> None:
    workspace.add_tasks(3)
    connect(workspace)
    sandbox.fault(match="/query", kind="status", status=500, times=4)

    work()

    assert states_of_work(tenant, RUN_JOB) == ["ready"]
    assert SyncRun.objects.get(kind="import").state == "waiting"
    make_due(tenant, kind=RUN_JOB)
    work()
    assert states_of_work(tenant, RUN_JOB) == ["done"]
    assert Task.objects.count() == 3


def test_a_run_given_up_after_its_last_attempt_does_not_look_as_if_it_went_on(
    connect: Connect, workspace: NotionWorkspace
) -> None:
    connect(workspace)
    run = SyncRun.objects.get()

    class LastAttempt:
        object_id = run.pk
        attempt = 8

        def heartbeat(self) -> None:
            raise RuntimeError("The machine is on fire.")

    work: Any = LastAttempt()
    with pytest.raises(RuntimeError):
        run_sync_job(work)

    run.refresh_from_db()
    assert (run.state, "on fire" in run.error) == ("failed", True)
    assert run.finished_at is not None
