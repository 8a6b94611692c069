"""What a run has changed is taken back on both sides, but for what people have changed since."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.models import Connection, FieldMapping, SyncChange, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync.polling import poll_connection
from integrations.sync.push.requests import request_push
from integrations.sync.push.sender import push_changes
from integrations.sync.safety import undo
from integrations.sync.safety.dry_run import start_dry_run
from integrations.sync.safety.running import carry_out_run
from integrations.sync.safety.undo import start_undo
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden
from tests.factories.notion import NotionWorkspace
from tests.integrations.sync.safety.test_brake import pages_of

type Work = Callable[[], None]


@pytest.fixture
def both_ways(imported: Connection) -> Connection:
    FieldMapping.objects.filter(our_field__in=["title", "priority"]).update(direction="both")
    return imported


@pytest.fixture
def changed_there(both_ways: Connection, sandbox: Sandbox, workspace: NotionWorkspace) -> SyncRun:
    """A poll that took over five priorities and two titles."""
    for place, page_id in enumerate(pages_of(workspace)[:5]):
        properties: dict[str, Any] = {"Priority": {"select": {"name": "P2"}}}
        if place < 2:
            properties["Task"] = {"title": [{"text": {"content": f"Said differently {place}"}}]}
        sandbox.edit(page_id, workspace.editor, {"properties": properties})
    poll_connection(connection_id=both_ways.pk, heartbeat=lambda: None)
    run = SyncRun.objects.get(kind="poll")
    assert run.changed == 5
    return run


@pytest.fixture
def take_back(work: Work) -> Callable[[SyncRun], SyncRun]:
    def do(run: SyncRun) -> SyncRun:
        started = start_undo(run=run, actor=SYSTEM)
        carry_out_run(run_id=started.pk, heartbeat=lambda: None)
        started.refresh_from_db()
        return started

    return do


def send(connection: Connection) -> None:
    connection.pushes.update(not_before=connection.created_at)
    push_changes(connection_id=connection.pk, heartbeat=lambda: None)


def priorities_there(sandbox: Sandbox, workspace: NotionWorkspace) -> list[str]:
    found = []
    for page_id in pages_of(workspace)[:5]:
        _, item = sandbox.holder_of(page_id)
        found.append(item.obj["properties"]["Priority"]["select"]["name"])
    return found


def test_only_who_may_sync_takes_back_and_only_what_has_ended(
    changed_there: SyncRun, member: UserActor, imported: Connection
) -> None:
    with pytest.raises(Forbidden):
        start_undo(run=changed_there, actor=member)
    under_way = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    with pytest.raises(Conflict, match="not ended"):
        start_undo(run=under_way, actor=SYSTEM)
    with pytest.raises(Conflict, match="under way"):
        start_undo(run=changed_there, actor=SYSTEM)


def test_a_run_that_changed_nothing_has_nothing_to_take_back(imported: Connection) -> None:
    rehearsal = start_dry_run(connection=imported, actor=SYSTEM)
    carry_out_run(run_id=rehearsal.pk, heartbeat=lambda: None)
    rehearsal.refresh_from_db()
    with pytest.raises(Conflict, match="nothing to take back"):
        start_undo(run=rehearsal, actor=SYSTEM)


def test_values_are_as_before_on_both_sides(
    changed_there: SyncRun,
    both_ways: Connection,
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    take_back: Callable[[SyncRun], SyncRun],
) -> None:
    run = take_back(changed_there)
    assert (run.state, run.changed, run.unchanged) == ("succeeded", 5, 0)
    assert Task.objects.filter(priority=4).count() == 30
    assert not Task.objects.filter(title__startswith="Said").exists()
    assert not undo.undoable_changes(changed_there).exists()
    send(both_ways)
    poll_connection(connection_id=both_ways.pk, heartbeat=lambda: None)
    assert Task.objects.filter(priority=4).count() == 30
    assert not both_ways.pushes.exists()
    assert priorities_there(sandbox, workspace) == ["P0"] * 5


def test_what_somebody_changed_since_stays_and_is_named(
    changed_there: SyncRun, take_back: Callable[[SyncRun], SyncRun]
) -> None:
    task = Task.objects.get(title="Said differently 0")
    edit_tasks(ids=[task.pk], changes=TaskChanges(priority=1), actor=SYSTEM)
    run = take_back(changed_there)
    task.refresh_from_db()
    assert task.priority == 1
    assert task.title == "Task number 1"
    issue = run.issues.get(code="changed_since")
    assert issue.count == 1
    assert "priority" in issue.samples[0]["detail"]


def test_an_undo_that_was_broken_off_goes_on(
    changed_there: SyncRun, take_back: Callable[[SyncRun], SyncRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "_BATCH", 2)
    beats = iter(range(2))
    started = start_undo(run=changed_there, actor=SYSTEM)

    class Killed(BaseException):
        pass

    def beat() -> None:
        if next(beats, None) is None:
            raise Killed

    with pytest.raises(Killed):
        carry_out_run(run_id=started.pk, heartbeat=beat)
    assert undo.undoable_changes(changed_there).count() == 1
    carry_out_run(run_id=started.pk, heartbeat=lambda: None)
    started.refresh_from_db()
    assert (started.state, started.changed) == ("succeeded", 5)
    assert Task.objects.filter(priority=4).count() == 30


def test_an_undo_can_be_undone(changed_there: SyncRun, take_back: Callable[[SyncRun], SyncRun]) -> None:
    first = take_back(changed_there)
    take_back(first)
    assert Task.objects.filter(priority=2).count() == 5
    assert Task.objects.filter(title__startswith="Said").count() == 2


def test_tasks_a_run_has_made_are_archived_unless_somebody_worked_on_them(
    imported: Connection, take_back: Callable[[SyncRun], SyncRun]
) -> None:
    made = SyncRun.objects.get(kind="import")
    task = Task.objects.order_by("pk")[0]
    edit_tasks(ids=[task.pk], changes=TaskChanges(priority=1), actor=SYSTEM)
    run = take_back(made)
    assert list(Task.objects.filter(archived_at=None)) == [task]
    assert run.issues.get(code="changed_since").count == 1


def test_rows_there_are_not_trashed_by_undoing_their_import(
    imported: Connection, take_back: Callable[[SyncRun], SyncRun]
) -> None:
    SyncedCollection.objects.update(trashes_records=True)
    run = take_back(SyncRun.objects.get(kind="import"))
    assert Task.objects.filter(archived_at=None).count() == 30
    assert run.issues.get(code="not_undone").count >= 30
    assert not imported.pushes.exists()


def test_archived_tasks_come_back(
    both_ways: Connection,
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    work: Work,
    take_back: Callable[[SyncRun], SyncRun],
) -> None:
    sandbox.trash(pages_of(workspace)[0], workspace.editor)
    full = start_sync_run(connection=both_ways, actor=SYSTEM, kind="full")
    work()
    full.refresh_from_db()
    assert full.archived == 1
    take_back(full)
    assert not Task.objects.filter(archived_at__isnull=False).exists()


def test_what_was_sent_is_taken_back_there_too(
    both_ways: Connection,
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    take_back: Callable[[SyncRun], SyncRun],
) -> None:
    task = Task.objects.get(title="Task number 1")
    edit_tasks(ids=[task.pk], changes=TaskChanges(priority=2), actor=SYSTEM)
    request_push(task_ids=[task.pk])
    send(both_ways)
    pushed = SyncRun.objects.get(kind="push")
    assert priorities_there(sandbox, workspace)[0] == "P2"
    assert pushed.changes.get().side == SyncChange.Side.THERE
    take_back(pushed)
    send(both_ways)
    task.refresh_from_db()
    assert task.priority == 4
    assert priorities_there(sandbox, workspace)[0] == "P0"
