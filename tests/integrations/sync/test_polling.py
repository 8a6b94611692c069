"""Looking for changes: nothing missed, nothing done twice, nothing written when nothing changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from integrations.models import Connection, SyncedCollection, SyncRun, WebhookSubscription
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.selectors import last_full_reading_at
from integrations.sync.events.watchdog import SAFETY_SECONDS
from integrations.sync.polling import poll_connection, seconds_between_looks
from tasks.events import TasksSynced
from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, current_tenant
from tests.factories.notion import NotionWorkspace, rich
from tests.fakes.events import PublishedEvents


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Callable[[], None]
) -> Connection:
    """A connection whose first import is done: five tasks."""
    workspace.add_tasks(5)
    connection = connect(workspace)
    work()
    return connection


def poll(connection: Connection) -> None:
    assert poll_connection(connection_id=connection.pk, heartbeat=lambda: None)


def title_patch(text: str) -> dict[str, object]:
    return {"properties": {"Task": {"title": [{"text": {"content": text}}]}}}


def polls() -> int:
    return SyncRun.objects.filter(kind="poll").count()


def test_an_edit_arrives_with_the_next_look(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    page = workspace.objects[-1]["id"]
    sandbox.edit(page, workspace.editor, title_patch("Renamed"))

    poll(imported)

    assert Task.objects.get(external_links__remote_id=page).title == "Renamed"
    run = SyncRun.objects.get(kind="poll")
    assert (run.state, run.changed, run.new) == ("succeeded", 1, 0)


def test_looking_when_nothing_changed_costs_one_call_a_database_and_leaves_no_run(
    imported: Connection, sandbox: Sandbox
) -> None:
    sandbox.clock.advance(600)
    poll(imported)
    imported.refresh_from_db()
    quiet_before = imported.quiet_polls
    sandbox.report(reset=True)

    poll(imported)

    assert polls() == 0
    assert len(sandbox.calls()) == 2
    imported.refresh_from_db()
    assert imported.quiet_polls == quiet_before + 1


def test_the_same_change_is_not_written_twice(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, published_events: PublishedEvents
) -> None:
    sandbox.edit(workspace.objects[-1]["id"], workspace.editor, title_patch("Once"))
    poll(imported)
    told = len(list(published_events.of(TasksSynced)))

    poll(imported)
    poll(imported)

    assert polls() == 1
    assert len(list(published_events.of(TasksSynced))) == told


def test_two_edits_within_one_minute_are_both_seen(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    page = workspace.objects[-1]["id"]
    now = datetime.now(UTC).replace(second=5, microsecond=0) + timedelta(minutes=10)
    sandbox.clock.stop_at(now)
    sandbox.edit(page, workspace.editor, title_patch("First"))
    sandbox.clock.stop_at(now + timedelta(seconds=20))
    poll(imported)
    sandbox.clock.stop_at(now + timedelta(seconds=50))
    sandbox.edit(page, workspace.editor, title_patch("Second"))
    sandbox.clock.stop_at(now + timedelta(seconds=90))

    poll(imported)

    assert Task.objects.get(external_links__remote_id=page).title == "Second"


def test_a_new_page_becomes_a_task_and_its_relations_are_set(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    parent = workspace.objects[-1]["id"]
    page = sandbox.create(
        workspace.editor,
        {
            "parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id},
            "properties": {
                "Task": {"title": [{"text": {"content": "Made in Notion"}}]},
                "Parent task": {"relation": [{"id": parent}]},
            },
        },
    )

    poll(imported)

    task = Task.objects.get(external_links__remote_id=page["id"])
    assert task.title == "Made in Notion"
    assert task.parent == Task.objects.get(external_links__remote_id=parent)


def test_a_relation_that_was_emptied_is_emptied_here(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    first, second = workspace.objects[-2]["id"], workspace.objects[-1]["id"]
    sandbox.edit(first, workspace.editor, {"properties": {"Blocked by": {"relation": [{"id": second}]}}})
    poll(imported)
    task = Task.objects.get(external_links__remote_id=first)
    assert task.dependencies.count() == 1

    sandbox.edit(first, workspace.editor, {"properties": {"Blocked by": {"relation": []}}})
    poll(imported)

    assert task.dependencies.count() == 0


def test_a_page_of_changes_costs_a_constant_number_of_statements(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, tenant: TenantRef
) -> None:
    pages = [item["id"] for item in workspace.objects if item["object"] == "page"]

    def statements(count: int, word: str) -> int:
        for page in pages[:count]:
            sandbox.edit(page, workspace.editor, title_patch(f"{word} {page}"))
        with CaptureQueriesContext(connections[current_tenant().cell]) as asked:
            poll(imported)
        return len(asked)

    assert abs(statements(5, "again") - statements(1, "one")) <= 2


def test_long_titles_come_whole(imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox) -> None:
    page = workspace.objects[-1]["id"]
    runs = [{"text": {"content": run["text"]["content"]}} for run in rich("word " * 2400)]
    sandbox.edit(page, workspace.editor, {"properties": {"Task": {"title": runs}}})

    poll(imported)

    assert len(Task.objects.get(external_links__remote_id=page).title) == 2400 * 5 - 1


def test_a_look_that_was_broken_off_is_closed_by_the_next_one_and_is_no_failure(imported: Connection) -> None:
    broken_off = SyncRun.objects.create(connection=imported, kind="poll", trigger="schedule", state="waiting")

    poll(imported)

    broken_off.refresh_from_db()
    assert broken_off.state == SyncRun.State.CANCELLED
    assert not SyncRun.objects.filter(state=SyncRun.State.FAILED).exists()


def test_reading_one_new_database_does_not_pass_for_reading_all(imported: Connection) -> None:
    collections = SyncedCollection.objects.filter(connection=imported)
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    with atomic():
        first = collections.order_by("pk")[0]
        collections.filter(pk=first.pk).update(last_complete_at=long_ago)
        assert last_full_reading_at(imported) == long_ago
        collections.filter(pk=first.pk).update(last_complete_at=None)
        assert last_full_reading_at(imported) is None


def hears(connection: Connection) -> None:
    """Events come."""
    WebhookSubscription.objects.create(
        connection=connection, address_key="an-address", state=WebhookSubscription.State.ACTIVE
    )


def was_read(table: str, ago: timedelta) -> None:
    SyncedCollection.objects.filter(role=table).update(last_read_at=timezone.now() - ago)


def looks(connection: Connection, sandbox: Sandbox, *, is_scheduled: bool = True) -> int:
    sandbox.report(reset=True)
    assert poll_connection(connection_id=connection.pk, heartbeat=lambda: None, is_scheduled=is_scheduled)
    return len(sandbox.calls())


LONG, SHORT = timedelta(minutes=15), timedelta(minutes=5)


def test_while_events_come_a_table_that_was_read_lately_is_not_looked_at(
    imported: Connection, sandbox: Sandbox
) -> None:
    hears(imported)
    Connection.objects.update(state_changed_at=timezone.now() - timedelta(hours=1))
    imported.refresh_from_db()
    was_read("projects", LONG)
    was_read("tasks", SHORT)

    assert looks(imported, sandbox) == 1

    assert SyncedCollection.objects.get(role="projects").last_read_at > timezone.now() - SHORT  # type: ignore[operator]
    assert looks(imported, sandbox) == 0
    # Whoever asks for a look gets one.
    assert looks(imported, sandbox, is_scheduled=False) == 2


def test_the_next_look_is_when_the_first_table_is_due(imported: Connection) -> None:
    hears(imported)
    was_read("projects", timedelta(minutes=1))
    was_read("tasks", SHORT)
    left = SAFETY_SECONDS - SHORT.total_seconds()
    assert left - 30 < seconds_between_looks(imported.pk) <= left

    # What could not be read just now is no reason to hurry.
    was_read("tasks", timedelta(hours=3))
    left = SAFETY_SECONDS - 60
    assert left - 30 < seconds_between_looks(imported.pk) <= left


def test_without_events_every_look_is_at_every_table(
    imported: Connection, sandbox: Sandbox, settings: Settings
) -> None:
    assert looks(imported, sandbox) == 2
    assert seconds_between_looks(imported.pk) == settings.SYNC_POLL_SECONDS


def test_a_workspace_that_was_connected_anew_is_looked_at_as_a_whole(
    imported: Connection, sandbox: Sandbox
) -> None:
    hears(imported)
    was_read("projects", SHORT)
    was_read("tasks", SHORT)
    Connection.objects.update(state_changed_at=timezone.now())

    assert looks(imported, sandbox) == 2
