"""A dry run says what would happen, and nothing happens."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.console.run_changes import change_rows
from integrations.models import Connection, FieldMapping, Push, SyncChange, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace, start_sync_run
from integrations.sync.push.requests import request_push
from integrations.sync.safety.dry_run import start_dry_run
from integrations.sync.safety.rehearsal import planned_numbers
from integrations.sync.safety.running import carry_out_run
from integrations.sync.services import confirm_mapping, current_choices, discover_collections
from integrations.sync.setting_up import SetUpStep, choose_collections, set_up_of, start_reading
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden
from tenants.tenancy import atomic
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]
type Rows = Callable[[], dict[str, Any]]


@pytest.fixture
def rehearse(work: Work) -> Callable[[Connection], SyncRun]:
    def carry_out(connection: Connection) -> SyncRun:
        run = start_dry_run(connection=connection, actor=SYSTEM)
        work()
        run.refresh_from_db()
        return run

    return carry_out


def edit(sandbox: Sandbox, workspace: NotionWorkspace, count: int, priority: str = "P2") -> None:
    pages = [item for item in workspace.objects if item["object"] == "page"]
    tasks = [item for item in pages if item["parent"].get("data_source_id") == workspace.tasks_id]
    for page in tasks[:count]:
        patch = {"properties": {"Priority": {"select": {"name": priority}}}}
        sandbox.edit(page["id"], workspace.editor, patch)


def test_nobody_below_a_manager_starts_one(imported: Connection, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        start_dry_run(connection=imported, actor=member)


def test_there_is_one_at_a_time_and_none_of_nothing(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, imported: Connection
) -> None:
    start_dry_run(connection=imported, actor=SYSTEM)
    with pytest.raises(Conflict, match="under way"):
        start_dry_run(connection=imported, actor=SYSTEM)
    SyncRun.objects.filter(kind="dry_run").update(state="cancelled")
    SyncedCollection.objects.update(is_enabled=False)
    with pytest.raises(Conflict, match="nothing to try"):
        start_dry_run(connection=imported, actor=SYSTEM)


def test_a_first_import_is_planned_and_nothing_is_written(
    tenant: object,
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    work: Work,
    rehearse: Callable[[Connection], SyncRun],
    everything_here: Rows,
    writes_there: Callable[[], list[str]],
) -> None:
    project = workspace.add_project("Winter")
    workspace.add_tasks(130, priority="P0", assignees=[0], project=project)
    workspace.into(sandbox)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=connection, actor=SYSTEM)
    rows = list(SyncedCollection.objects.filter(connection=connection).exclude(role="other"))
    choose_collections(connection=connection, collection_ids=[row.pk for row in rows], actor=SYSTEM)
    for row in rows:
        choices = current_choices(SyncedCollection.objects.get(pk=row.pk))
        confirm_mapping(collection=row, choices=choices, actor=SYSTEM, role=row.role)
    work()
    assert not Task.objects.exists()
    before = everything_here()

    run = rehearse(connection)

    assert (run.state, run.new, run.changed, run.failed) == ("succeeded", 131, 0, 0)
    assert everything_here() == before
    assert writes_there() == []
    assert run.changes.filter(is_planned=True, action="created", task_id__isnull=False).count() == 130
    assert not SyncChange.objects.filter(is_planned=False).exists()
    assert sum(planned_numbers(run).values()) >= 130
    # What is not here yet is named nonetheless, and what only a real run can find is no problem of the workspace.
    shown = {
        line.label: line.after for row in change_rows(list(run.changes.all()), run) for line in row.values
    }
    assert shown["Owners"] == workspace.users[0]["name"]
    assert not run.issues.filter(code="unknown_project").exists()
    set_up = set_up_of(connection)
    assert set_up is not None
    assert set_up.step is SetUpStep.GO

    start_reading(connection=connection, actor=SYSTEM)
    work()
    assert Task.objects.count() == 130
    assert set_up_of(connection) is None


def test_changes_of_both_sides_are_planned_field_by_field_and_then_come_true(
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    imported: Connection,
    work: Work,
    rehearse: Callable[[Connection], SyncRun],
    everything_here: Rows,
    writes_there: Callable[[], list[str]],
) -> None:
    edit(sandbox, workspace, 3)
    pages = [item["id"] for item in workspace.objects if item["object"] == "page"]
    sandbox.trash(pages[-1], workspace.editor)
    before, written = everything_here(), writes_there()

    run = rehearse(imported)

    assert everything_here() == before
    assert writes_there() == written
    planned = list(run.changes.filter(side="here").values_list("action", "fields"))
    assert sorted(action for action, _ in planned) == ["archived", "updated", "updated", "updated"]
    assert [fields for action, fields in planned if action == "updated"] == [{"priority": [4, 2]}] * 3
    real = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    work()
    real.refresh_from_db()
    came = list(real.changes.filter(side="here").values_list("action", "fields"))
    assert sorted(map(str, came)) == sorted(map(str, planned))


def test_what_waits_to_be_sent_is_in_the_plan(
    imported: Connection,
    everything_here: Rows,
    writes_there: Callable[[], list[str]],
) -> None:
    FieldMapping.objects.filter(our_field="title").update(direction="both")
    task = Task.objects.order_by("pk")[0]
    with atomic():
        update_task(task=task, changes=TaskChanges(title="Said differently here"), actor=SYSTEM)
        request_push(task_ids=[task.pk], is_interactive=True)
    before = everything_here()
    run = start_dry_run(connection=imported, actor=SYSTEM)

    carry_out_run(run_id=run.pk, heartbeat=lambda: None)

    assert writes_there() == []
    assert everything_here() == before
    planned = run.changes.get(side="there")
    assert (planned.action, planned.is_planned) == ("updated", True)
    assert planned.fields == {"title": ["Task number 1", "Said differently here"]}


def test_a_service_that_stops_in_the_middle_leaves_a_run_that_goes_on(
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    imported: Connection,
    work: Work,
    everything_here: Rows,
) -> None:
    before = everything_here()
    sandbox.revoke(workspace.token)
    run = start_dry_run(connection=imported, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.state == "failed"
    after = everything_here()
    assert after == before
    with atomic():
        assert Connection.objects.get().state == "reauthorise"


def test_a_long_dry_run_lets_peoples_edits_out_and_still_writes_nothing_itself(
    imported: Connection, writes_there: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.sync.safety.dry_run.TURN_SECONDS", -1.0)
    FieldMapping.objects.filter(our_field="title").update(direction="both")
    task = Task.objects.order_by("pk")[0]
    with atomic():
        update_task(task=task, changes=TaskChanges(title="Said differently here"), actor=SYSTEM)
        request_push(task_ids=[task.pk], is_interactive=True)
    Push.objects.update(not_before=imported.created_at)
    run = start_dry_run(connection=imported, actor=SYSTEM)

    carry_out_run(run_id=run.pk, heartbeat=lambda: None)

    assert len(writes_there()) == 1
    run.refresh_from_db()
    assert (run.state, run.pushed) == ("succeeded", 0)
    assert SyncRun.objects.get(kind="push").pushed == 1
    assert not run.changes.exists()
