"""Unusually many changes wait for a person; few go through; what is refused is never written."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from integrations.models import Connection, SyncChange, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import resume_connection, start_sync_run
from integrations.sync.polling import poll_connection
from integrations.sync.safety.brake import is_mass
from integrations.sync.safety.deciding import approve_run, refuse_run
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]


def pages_of(workspace: NotionWorkspace) -> list[str]:
    pages = [item for item in workspace.objects if item["object"] == "page"]
    return [page["id"] for page in pages if page["parent"].get("data_source_id") == workspace.tasks_id]


@pytest.fixture
def edit(sandbox: Sandbox, workspace: NotionWorkspace) -> Callable[[int], None]:
    def change(count: int) -> None:
        for page_id in pages_of(workspace)[:count]:
            patch = {"properties": {"Priority": {"select": {"name": "P2"}}}}
            sandbox.edit(page_id, workspace.editor, patch)

    return change


@pytest.fixture
def poll(imported: Connection) -> Callable[[], SyncRun | None]:
    def look() -> SyncRun | None:
        poll_connection(connection_id=imported.pk, heartbeat=lambda: None)
        return SyncRun.objects.filter(kind="poll").order_by("-id").first()

    return look


def held(run: SyncRun | None) -> SyncRun:
    assert run is not None
    run.refresh_from_db()
    assert (run.state, run.held_for) == ("waiting", "mass")
    return run


@pytest.mark.parametrize(
    ("changed", "linked", "answer"),
    [
        (0, 0, False),
        (20, 20, False),
        (21, 100, True),
        (21, 105, False),
        (50, 10_000, False),
        (51, 10_000, True),
        (1, 1, False),
    ],
)
def test_what_counts_as_many(settings: Settings, changed: int, linked: int, answer: bool) -> None:
    assert is_mass(changed, linked) is answer
    settings.SYNC_BRAKE_ROWS = 0
    assert is_mass(changed, linked) is False


def test_a_few_changes_go_through(edit: Callable[[int], None], poll: Callable[[], SyncRun | None]) -> None:
    edit(20)
    run = poll()
    assert run is not None
    assert (run.state, run.changed) == ("succeeded", 20)


def test_many_changes_are_held_before_one_is_written(
    edit: Callable[[int], None],
    poll: Callable[[], SyncRun | None],
    everything_here: Callable[[], dict[str, Any]],
) -> None:
    before = everything_here()
    edit(25)
    run = held(poll())
    after = everything_here()
    assert after == before
    assert run.changes.filter(is_planned=True, action="updated", side="here").count() == 25
    assert not run.changes.filter(is_planned=False).exists()
    assert (run.changed, run.done) == (0, 0)
    # Nobody has decided: the next look asks no second time.
    poll()
    assert SyncRun.objects.filter(kind="poll").count() == 1
    assert held(run).changes.count() == 25


def test_approved_changes_are_written_and_later_looks_go_on(
    imported: Connection, edit: Callable[[int], None], poll: Callable[[], SyncRun | None], work: Work
) -> None:
    edit(25)
    run = held(poll())
    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert (run.state, run.changed, run.held_for) == ("succeeded", 25, "")
    assert Task.objects.filter(priority=2).count() == 25
    assert run.changes.filter(is_planned=False).count() == 25
    assert not run.changes.filter(is_planned=True).exists()
    poll()
    assert SyncRun.objects.filter(kind="poll").count() == 1


def test_refused_changes_are_not_written_and_the_workspace_is_paused(
    imported: Connection, edit: Callable[[int], None], poll: Callable[[], SyncRun | None], work: Work
) -> None:
    edit(25)
    run = held(poll())
    refuse_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not Task.objects.filter(priority=2).exists()
    connection = Connection.objects.get(pk=imported.pk)
    assert connection.state == "paused"
    assert "refused" in connection.state_reason
    resume_connection(connection=connection, actor=SYSTEM)
    assert held(poll()).pk != run.pk


def test_many_archived_at_once_are_held_by_a_full_check(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    for page_id in pages_of(workspace)[:25]:
        sandbox.trash(page_id, workspace.editor)
    run = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    work()
    held(run)
    archived = Task.objects.filter(archived_at__isnull=False).count()
    assert archived <= 20
    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Task.objects.filter(archived_at__isnull=False).count() == 25


def test_only_who_may_sync_decides_and_only_once(
    edit: Callable[[int], None], poll: Callable[[], SyncRun | None], member: UserActor, imported: Connection
) -> None:
    edit(25)
    run = held(poll())
    for decide in (approve_run, refuse_run):
        with pytest.raises(Forbidden):
            decide(run=run, actor=member)
    with pytest.raises(Conflict, match="waits for your decision"):
        start_sync_run(connection=imported, actor=SYSTEM)
    approve_run(run=run, actor=SYSTEM)
    with pytest.raises(Conflict, match="does not wait"):
        refuse_run(run=run, actor=SYSTEM)


def test_new_rows_are_never_held(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace, poll: Callable[[], SyncRun | None]
) -> None:
    for number in range(60):
        page = {
            "parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id},
            "properties": {"Task": {"title": [{"text": {"content": f"Made later {number}"}}]}},
        }
        sandbox.create(workspace.editor, page)
    run = poll()
    assert run is not None
    assert (run.state, run.new) == ("succeeded", 60)
    assert not SyncChange.objects.filter(is_planned=True).exists()
