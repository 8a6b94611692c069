"""A run that asks always comes to an end: it is held however it is broken off, goes on when approved, and asks again
when more turns up than was approved.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from pytest_django import Settings

from integrations.models import Connection, FieldMapping, Push, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import pause_connection, resume_connection, start_sync_run
from integrations.sync.polling import poll_connection
from integrations.sync.push.requests import request_push
from integrations.sync.safety.deciding import approve_run
from integrations.sync.safety.rehearsal import planned_numbers
from integrations.sync.safety.running import carry_out_run
from integrations.sync.session import SyncSession, TurnOver
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM
from tenants.dispatch.leases import cell_transaction
from tenants.foundation.errors import LimitReached
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.integrations.sync.safety.test_brake import held, pages_of

type Work = Callable[[], None]
type Connect = Callable[[NotionWorkspace], Connection]


@pytest.fixture
def full_of_rows(connect: Connect, workspace: NotionWorkspace, work: Work) -> Connection:
    """A connection whose first import is done: a hundred and fifty urgent tasks, two pages."""
    workspace.add_tasks(150, priority="P0")
    connection = connect(workspace)
    work()
    return connection


@pytest.fixture
def family(connect: Connect, workspace: NotionWorkspace, work: Work) -> Connection:
    """A connection whose first import is done: a task with thirty parts."""
    workspace.add_tasks(30, parent=workspace.add_task("The whole", priority="P0"))
    connection = connect(workspace)
    work()
    assert Task.objects.exclude(parent=None).count() == 30
    return connection


def edit(sandbox: Sandbox, workspace: NotionWorkspace, page_ids: list[str], **columns: Any) -> None:
    properties = columns or {"Priority": {"select": {"name": "P2"}}}
    for page_id in page_ids:
        sandbox.edit(page_id, workspace.editor, {"properties": properties})


def poll(connection: Connection) -> SyncRun | None:
    assert poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    return SyncRun.objects.filter(kind="poll").order_by("-id").first()


@pytest.mark.parametrize("stop", [TurnOver, LimitReached])
def test_a_tripped_run_that_is_broken_off_asks_at_once_and_says_at_least(
    full_of_rows: Connection,
    workspace: NotionWorkspace,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    work: Work,
    stop: type[LimitReached],
) -> None:
    def end_turn(session: SyncSession) -> NoReturn:
        raise stop(retry_after_seconds=0.05)

    edit(sandbox, workspace, pages_of(workspace)[:60])
    run = start_sync_run(connection=full_of_rows, actor=SYSTEM, kind="full")
    with monkeypatch.context() as patched:
        patched.setattr(SyncSession, "end_turn", end_turn)
        carry_out_run(run_id=run.pk, heartbeat=lambda: None)

    run = held(run)
    assert "at least" in run.error
    assert (run.done, run.stalls) == (0, 0)
    assert sum(planned_numbers(run).values()) == 60
    assert not Task.objects.filter(priority=2).exists()
    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert (run.state, run.changed, run.done) == ("succeeded", 60, 150)


def test_a_run_nobody_has_to_decide_about_still_lets_others_in(
    full_of_rows: Connection, workspace: NotionWorkspace, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(sandbox, workspace, pages_of(workspace)[:3])
    run = start_sync_run(connection=full_of_rows, actor=SYSTEM, kind="full")
    monkeypatch.setattr("integrations.sync.session.TURN_SECONDS", -1.0)
    with pytest.raises(TurnOver):
        carry_out_run(run_id=run.pk, heartbeat=lambda: None)
    run.refresh_from_db()
    assert (run.held_for, run.done, run.changed) == ("", 100, 3)


def test_an_approved_look_that_was_paused_goes_on_when_its_workspace_is_resumed(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, work: Work
) -> None:
    edit(sandbox, workspace, pages_of(workspace)[:25])
    run = held(poll(imported))
    approve_run(run=run, actor=SYSTEM)
    pause_connection(connection=imported, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.is_open

    resume_connection(connection=imported, actor=SYSTEM)
    work()

    run.refresh_from_db()
    assert (run.state, run.changed) == ("succeeded", 25)


@pytest.mark.parametrize("kind", ["poll", "full"])
def test_an_approved_run_whose_job_is_gone_is_taken_up_by_the_next_look(
    tenant: TenantRef,
    imported: Connection,
    workspace: NotionWorkspace,
    sandbox: Sandbox,
    work: Work,
    kind: str,
) -> None:
    edit(sandbox, workspace, pages_of(workspace)[:25])
    if kind == "poll":
        run = held(poll(imported))
    else:
        run = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
        work()
        held(run)
    approve_run(run=run, actor=SYSTEM)
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute("DELETE FROM tenants_workitem WHERE slot = %s", [f"run:{run.pk}"])
        assert cursor.rowcount

    poll(imported)
    work()

    run.refresh_from_db()
    assert (run.state, run.changed) == ("succeeded", 25)


def test_more_than_was_approved_is_asked_about_again(
    full_of_rows: Connection, workspace: NotionWorkspace, sandbox: Sandbox, work: Work
) -> None:
    pages = pages_of(workspace)
    edit(sandbox, workspace, pages[:60])
    run = held(poll(full_of_rows))
    edit(sandbox, workspace, pages[60:130])
    approve_run(run=run, actor=SYSTEM)
    work()
    run = held(run)
    assert not run.is_approved
    assert Task.objects.filter(priority=2).count() <= 110

    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Task.objects.filter(priority=2).count() == 130


def test_a_few_more_than_were_approved_go_through(
    full_of_rows: Connection, workspace: NotionWorkspace, sandbox: Sandbox, work: Work
) -> None:
    pages = pages_of(workspace)
    edit(sandbox, workspace, pages[:60])
    run = held(poll(full_of_rows))
    edit(sandbox, workspace, pages[60:80])
    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert (run.state, run.changed) == ("succeeded", 80)


@pytest.mark.parametrize("kind", ["poll", "full"])
def test_many_cleared_parents_are_held_before_one_is_cleared(
    family: Connection, workspace: NotionWorkspace, sandbox: Sandbox, work: Work, kind: str
) -> None:
    edit(sandbox, workspace, pages_of(workspace)[1:26], **{"Parent task": {"relation": []}})
    if kind == "poll":
        run = held(poll(family))
    else:
        run = start_sync_run(connection=family, actor=SYSTEM, kind="full")
        work()
        held(run)
    assert Task.objects.exclude(parent=None).count() == 30
    planned = run.changes.filter(is_planned=True)
    assert {(change.action, *change.fields) for change in planned} == {("updated", "parent")}
    assert planned.count() == 25

    approve_run(run=run, actor=SYSTEM)
    work()

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Task.objects.exclude(parent=None).count() == 5


def test_new_rows_below_others_are_no_change_of_anything(
    family: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    pages = pages_of(workspace)
    edit(sandbox, workspace, pages[:1])
    for number in range(30):
        page = {
            "parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id},
            "properties": {
                "Task": {"title": [{"text": {"content": f"Made later {number}"}}]},
                "Parent task": {"relation": [{"id": pages[0]}]},
            },
        }
        sandbox.create(workspace.editor, page)
    run = poll(family)
    assert run is not None
    assert (run.state, run.new, run.changed) == ("succeeded", 30, 1)
    assert Task.objects.exclude(parent=None).count() == 60


def test_what_the_answers_to_our_edits_say_does_not_hold_the_reading(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, settings: Settings, work: Work
) -> None:
    settings.SYNC_BRAKE_ROWS = 2
    FieldMapping.objects.filter(our_field="title").update(direction="both")
    pages = pages_of(workspace)[:3]
    tasks = list(Task.objects.filter(external_links__remote_id__in=pages).values_list("pk", flat=True))
    edit(sandbox, workspace, pages)
    edit_tasks(ids=tasks, changes=TaskChanges(title="Said differently here"), actor=SYSTEM)
    request_push(task_ids=tasks, is_interactive=True)
    run = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    Push.objects.update(not_before=imported.created_at)

    carry_out_run(run_id=run.pk, heartbeat=lambda: None)

    run.refresh_from_db()
    assert (run.state, run.held_for, run.changed) == ("succeeded", "", 0)
    assert set(Task.objects.filter(pk__in=tasks).values_list("priority", "title")) == {
        (2, "Said differently here")
    }
