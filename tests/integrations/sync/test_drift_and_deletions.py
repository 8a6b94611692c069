"""What happens here when columns change, and when rows, databases or tokens go away there."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.models import Connection, ExternalLink, FieldMapping, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import replace_token, start_sync_run
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> Connection:
    """A connection whose first import is done: five urgent tasks."""
    workspace.add_tasks(5, priority="P0", status="Doing")
    connection = connect(workspace)
    work()
    return connection


@pytest.fixture
def full_check(imported: Connection, work: Work) -> Callable[[], SyncRun]:
    """Reads everything again and returns the run."""

    def check() -> SyncRun:
        run = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
        work()
        run.refresh_from_db()
        return run

    return check


def change_column(sandbox: Sandbox, workspace: NotionWorkspace, column: str, change: Any) -> None:
    sandbox.change_schema(workspace.tasks_id, workspace.editor, {"properties": {column: change}})


def mapping_of(our_field: str) -> FieldMapping:
    return FieldMapping.objects.get(our_field=our_field, collection__role="tasks")


# -- columns ---------------------------------------------------------------------------------------


def test_a_renamed_column_changes_nothing_but_its_name(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    change_column(sandbox, workspace, "Priority", {"name": "How urgent"})

    run = full_check()

    assert (run.state, run.changed, run.unchanged) == ("succeeded", 0, 5)
    assert mapping_of("priority").remote_field_name == "How urgent"
    assert not run.issues.exists()


def test_a_removed_column_suspends_its_field_and_keeps_the_values(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    change_column(sandbox, workspace, "Priority", None)

    run = full_check()

    mapping = mapping_of("priority")
    assert (mapping.state, "was removed" in mapping.reason) == ("suspended", True)
    assert run.issues.get().action == "confirm_mapping"
    assert set(Task.objects.values_list("priority", flat=True)) == {4}
    collection = SyncedCollection.objects.get(role="tasks")
    assert (collection.state, "Priority" in collection.state_reason) == ("attention", True)


def test_a_column_of_another_type_suspends_its_field(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    change_column(sandbox, workspace, "Priority", {"number": {"format": "number"}})

    run = full_check()

    assert run.issues.get().code == "field_retyped"
    assert mapping_of("priority").state == "suspended"
    assert set(Task.objects.values_list("priority", flat=True)) == {4}


def test_a_removed_column_is_noticed_by_the_next_look_for_changes_too(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    change_column(sandbox, workspace, "Priority", None)
    page = workspace.objects[-1]["id"]
    sandbox.edit(
        page, workspace.editor, {"properties": {"Task": {"title": [{"text": {"content": "Still read"}}]}}}
    )

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    assert mapping_of("priority").state == "suspended"
    task = Task.objects.get(external_links__remote_id=page)
    assert (task.title, task.priority) == ("Still read", 4)


def test_a_new_option_is_understood_by_its_name_and_told(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    page = workspace.objects[-1]["id"]
    sandbox.edit(page, workspace.editor, {"properties": {"Priority": {"select": {"name": "Low"}}}})

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    assert Task.objects.get(external_links__remote_id=page).priority == 1
    assert SyncRun.objects.get(kind="poll").issues.get().code == "unknown_option"


# -- rows ------------------------------------------------------------------------------------------


def test_a_page_in_the_trash_archives_its_task(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    page = workspace.objects[-1]["id"]
    sandbox.trash(page, workspace.editor)

    run = full_check()

    assert run.archived == 1
    assert Task.objects.get(external_links__remote_id=page).is_archived
    assert ExternalLink.objects.get(remote_id=page).state == "trashed_remote"


def test_a_page_taken_out_of_the_trash_restores_its_task(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    page = workspace.objects[-1]["id"]
    sandbox.trash(page, workspace.editor)
    full_check()
    sandbox.trash(page, workspace.editor, in_trash=False)

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    assert not Task.objects.get(external_links__remote_id=page).is_archived
    assert ExternalLink.objects.get(remote_id=page).state == "clean"


def test_a_page_that_is_no_longer_shared_loses_its_link_but_not_its_task(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    page = workspace.objects[-1]["id"]
    sandbox.unshare(page)

    full_check()

    assert not Task.objects.get(external_links__remote_id=page).is_archived
    assert ExternalLink.objects.get(remote_id=page).state == "access_lost"


def test_many_rows_missing_at_once_are_a_question_not_an_order(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Work,
    sandbox: Sandbox,
) -> None:
    pages = workspace.add_tasks(80)
    connection = connect(workspace)
    work()
    for page in pages[:60]:
        sandbox.trash(page, workspace.editor)
    sandbox.report(reset=True)

    run = start_sync_run(connection=connection, actor=SYSTEM, kind="full")
    work()

    assert run.issues.get().action == "confirm_deletion"
    assert Task.objects.live().count() == 80
    assert not [call for call in sandbox.calls() if call.path.startswith("/v1/pages/")]

    start_sync_run(connection=connection, actor=SYSTEM, kind="full", accepts_disappearances=True)
    work()

    assert Task.objects.live().count() == 20


def test_nothing_is_taken_for_deleted_unless_the_reading_was_complete(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    sandbox.trash(workspace.objects[-1]["id"], workspace.editor)
    sandbox.fault(match="/query", kind="status", status=403, code="restricted_resource", times=None)

    run = full_check()

    assert run.state == "partial"
    assert Task.objects.live().count() == 5


# -- databases and tokens --------------------------------------------------------------------------


def test_a_database_no_longer_shared_is_marked_and_the_others_are_read(
    sandbox: Sandbox, workspace: NotionWorkspace, full_check: Callable[[], SyncRun]
) -> None:
    _, source = sandbox.holder_of(workspace.tasks_id)
    sandbox.unshare(source.obj["parent"]["database_id"])

    run = full_check()

    assert run.state == "partial"
    assert run.issues.get().action == "share"
    assert SyncedCollection.objects.get(role="tasks").state == "lost"
    assert Task.objects.live().count() == 5
    assert run.collections.get(collection__role="projects").state == "done"


def test_a_revoked_token_stops_the_connection_with_a_sentence_and_a_new_one_wakes_it(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    sandbox.revoke(workspace.token)

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    imported.refresh_from_db()
    assert (imported.state, "new token" in imported.state_reason) == ("reauthorise", True)
    assert SyncRun.objects.get(kind="poll").issues.get().action == "reauthorise"
    assert not poll_connection(connection_id=imported.pk, heartbeat=lambda: None)
    assert Task.objects.live().count() == 5
    sandbox.revoke(workspace.token, revoked=False)
    replace_token(connection=imported, token=workspace.token, actor=SYSTEM)
    assert poll_connection(connection_id=imported.pk, heartbeat=lambda: None)


def test_a_block_by_the_service_stops_the_connection(
    imported: Connection, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    reason = {"rate_limit_reason": "public_api_request_blocked"}
    sandbox.fault(match="/query", kind="status", status=429, additional_data=reason, times=None)

    poll_connection(connection_id=imported.pk, heartbeat=lambda: None)

    imported.refresh_from_db()
    assert imported.state == "blocked"
