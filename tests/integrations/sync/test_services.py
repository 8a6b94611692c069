"""Deciding how databases are read."""

from collections.abc import Callable

import pytest

from integrations.events import MappingConfirmed
from integrations.models import Connection, FieldMapping, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync.engine import run_sync
from integrations.sync.polling import poll_connection
from integrations.sync.preview import preview_mapping
from integrations.sync.services import (
    MappingChoice,
    confirm_mapping,
    confirm_proposals,
    current_choices,
    discover_collections,
    propose_collection_mapping,
    switch_off_collection,
)
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Forbidden, InvalidInput
from tests.factories.notion import NotionWorkspace
from tests.fakes.events import PublishedEvents

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]

TITLE = MappingChoice("title", "title")


@pytest.fixture
def imported(connect: Connect, workspace: NotionWorkspace, work: Work) -> Connection:
    """A connection whose first import is done: three tasks in review."""
    workspace.add_tasks(3, status="In review", priority="P0")
    connection = connect(workspace)
    work()
    return connection


def tasks_table() -> SyncedCollection:
    return SyncedCollection.objects.prefetch_related("mappings").get(role="tasks")


def test_what_is_found_is_proposed_with_reasons_and_not_read_before_somebody_confirms(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.add_tasks(2)
    workspace.into(sandbox)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM)

    work()

    assert {row.title: row.role for row in SyncedCollection.objects.all()} == {
        "Tasks": "tasks",
        "Projects": "projects",
    }
    assert all(row.reason and row.state == "proposed" for row in FieldMapping.objects.all())
    assert not Task.objects.exists()
    assert not SyncRun.objects.exists()
    confirm_proposals(connection=connection, actor=SYSTEM)
    work()
    assert Task.objects.count() == 2


def test_a_changed_mapping_is_read_anew_and_what_stays_the_same_is_not_written(
    imported: Connection, work: Work, published_events: PublishedEvents
) -> None:
    choices = [
        MappingChoice(
            choice.our_field,
            choice.remote_field_id,
            {"stat-In review": "blocked"} if choice.our_field == "status" else {},
        )
        for choice in current_choices(tasks_table())
    ]

    confirm_mapping(collection=tasks_table(), choices=choices, actor=SYSTEM)
    work()

    assert set(Task.objects.values_list("status", flat=True)) == {"blocked"}
    assert list(published_events.of(MappingConfirmed))
    confirm_mapping(collection=tasks_table(), choices=choices, actor=SYSTEM)
    work()
    last = SyncRun.objects.filter(kind="import").order_by("-id").first()
    assert last is not None
    assert (last.trigger, last.changed, last.unchanged) == ("mapping", 0, 3)


def test_a_mapping_confirmed_while_its_import_runs_is_not_lost(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.add_tasks(150, priority="P0")
    connect(workspace)
    run = SyncRun.objects.get()
    beats = 0

    def somebody_decides_otherwise() -> None:
        nonlocal beats
        beats += 1
        if Task.objects.count() == 100 and tasks_table().mappings.count() > 1:
            confirm_mapping(collection=tasks_table(), choices=[TITLE], actor=SYSTEM)

    run_sync(run_id=run.pk, heartbeat=somebody_decides_otherwise)

    assert tasks_table().watermark is None
    work()
    assert tasks_table().watermark is not None
    assert SyncRun.objects.filter(kind="import", state="succeeded").count() == 2


def test_an_import_that_fails_is_not_tried_again_with_every_look(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(3)
    connection = connect(workspace)
    sandbox.fault(match="/query", kind="status", status=400, times=None)
    work()

    for _ in range(3):
        poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
        work()

    assert SyncRun.objects.filter(kind="import").count() == 1
    assert SyncRun.objects.get(kind="import").state == "partial"


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ([], "title column is needed"),
        ([MappingChoice("status", "stat")], "title column is needed"),
        ([TITLE, MappingChoice("status", "nowhere")], "not there any more"),
        ([TITLE, MappingChoice("status", "esti")], "cannot fill status"),
        ([TITLE, MappingChoice("color", "stat")], "no field called"),
        ([TITLE, MappingChoice("due", "due%20"), MappingChoice("due", "due%20")], "one column only"),
        ([TITLE, MappingChoice("status", "stat", {"stat-Doing": "half done"})], "no status here"),
        ([TITLE, MappingChoice("priority", "prio", {"prio-P0": "9"})], "no priority here"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_a_sentence(
    imported: Connection, choices: list[MappingChoice], sentence: str
) -> None:
    before = tasks_table().mapping_revision

    with pytest.raises(InvalidInput, match=sentence):
        confirm_mapping(collection=tasks_table(), choices=choices, actor=SYSTEM)

    assert tasks_table().mapping_revision == before


def test_only_administrators_decide(imported: Connection, manager: UserActor) -> None:
    with pytest.raises(Forbidden):
        confirm_mapping(collection=tasks_table(), choices=[TITLE], actor=manager)


def test_a_preview_shows_what_would_become_of_real_rows_and_writes_nothing(
    imported: Connection, sandbox: Sandbox
) -> None:
    before = list(Task.objects.values_list("updated_at", flat=True))
    sandbox.report(reset=True)

    rows = preview_mapping(
        collection=tasks_table(), actor=SYSTEM, choices=[TITLE, MappingChoice("priority", "prio")], limit=2
    )

    assert [row.title for row in rows] == ["Task number 1", "Task number 2"]
    assert {value.our_field: value.value for value in rows[0].values} == {
        "title": "Task number 1",
        "priority": "Urgent",
    }
    assert list(Task.objects.values_list("updated_at", flat=True)) == before
    assert len(sandbox.calls()) == 1


def test_a_member_is_shown_rows_only_of_what_is_read_and_as_it_is_read(
    imported: Connection, member: UserActor
) -> None:
    assert len(preview_mapping(collection=tasks_table(), actor=member, limit=2)) == 2
    with pytest.raises(Forbidden):
        preview_mapping(
            collection=tasks_table(), actor=member, choices=[TITLE, MappingChoice("description", "ownr")]
        )
    switch_off_collection(collection=tasks_table(), actor=SYSTEM)
    with pytest.raises(Forbidden):
        preview_mapping(collection=tasks_table(), actor=member)


def test_looking_again_keeps_what_was_confirmed_and_finds_what_is_new(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    revision = tasks_table().mapping_revision
    sandbox.change_schema(
        workspace.tasks_id, workspace.editor, {"properties": {"Status": {"name": "Something else"}}}
    )

    discover_collections(connection=imported, actor=SYSTEM)

    assert tasks_table().mapping_revision == revision
    assert tasks_table().mapping_state == "confirmed"


def test_a_proposal_can_be_asked_for_at_any_time(imported: Connection) -> None:
    proposal = propose_collection_mapping(collection=tasks_table(), actor=SYSTEM)

    assert {item.our_field.value for item in proposal.fields} >= {"title", "status", "project", "parent"}


def test_a_database_switched_off_is_not_read_and_keeps_its_tasks(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    switch_off_collection(collection=tasks_table(), actor=SYSTEM)
    page = workspace.objects[-1]["id"]
    sandbox.edit(page, workspace.editor, {"properties": {"Priority": {"select": {"name": "P2"}}}})
    sandbox.report(reset=True)

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    assert set(Task.objects.values_list("priority", flat=True)) == {4}
    assert len(sandbox.calls()) == 1
