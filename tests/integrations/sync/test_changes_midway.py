"""What people do in the workspace while a run reads it: told where it matters, and nothing read is lost."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, ExternalLink, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import replace_token, start_sync_run
from integrations.sync.engine import run_sync
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace, an_id

type Connect = Callable[[NotionWorkspace], Connection]
type Read = Callable[[Callable[[], None]], SyncRun]


@pytest.fixture
def read(connect: Connect, workspace: NotionWorkspace) -> Read:
    """Imports 300 tasks; what it is given happens once, when 200 of them are here."""
    workspace.add_tasks(300)

    def read(happening: Callable[[], None]) -> SyncRun:
        connect(workspace)
        waiting = [happening]

        def heartbeat() -> None:
            if waiting and Task.objects.count() == 200:
                waiting.pop()()

        run_sync(run_id=SyncRun.objects.get(kind="import").pk, heartbeat=heartbeat)
        assert not waiting, "the run was over before anything could happen"
        return SyncRun.objects.get(kind="import")

    return read


def task_ids(workspace: NotionWorkspace) -> list[str]:
    """The rows of the table of tasks in the order in which they are read."""
    return [
        item["id"]
        for item in workspace.objects
        if item["object"] == "page" and item["parent"].get("data_source_id") == workspace.tasks_id
    ]


def database_of(workspace: NotionWorkspace) -> str:
    """The database of the table of tasks."""
    sources = [item for item in workspace.objects if item["id"] == workspace.tasks_id]
    return str(sources[0]["parent"]["database_id"])


def test_a_token_revoked_in_the_middle_stops_the_connection_with_a_reason_and_keeps_what_was_read(
    read: Read, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    run = read(lambda: sandbox.revoke(workspace.token))

    connection = Connection.objects.get()
    assert connection.state == Connection.State.REAUTHORISE
    assert "new token" in connection.state_reason
    assert (run.state, run.error) == ("failed", connection.state_reason)
    assert run.issues.get().action == "reauthorise"
    assert (run.new, Task.objects.live().count()) == (200, 200)


def test_a_new_token_reads_the_rest_of_what_a_revoked_one_left(
    read: Read, sandbox: Sandbox, workspace: NotionWorkspace, work: Callable[[], None]
) -> None:
    read(lambda: sandbox.revoke(workspace.token))
    before = set(Task.objects.values_list("pk", flat=True))
    sandbox.revoke(workspace.token, revoked=False)

    replace_token(connection=Connection.objects.get(), token=workspace.token, actor=SYSTEM)
    SyncRun.objects.update(created_at="2026-01-01T00:00:00Z")  # a failure is not repeated within ten minutes
    work()

    assert Connection.objects.get().state == Connection.State.CONNECTED
    assert Task.objects.count() == ExternalLink.objects.filter(task__isnull=False).count() == 300
    assert before <= set(Task.objects.values_list("pk", flat=True)), "the same tasks, not new ones"
    latest = SyncRun.objects.filter(kind="import").latest("created_at")
    assert (latest.state, latest.new, latest.unchanged) == ("succeeded", 100, 200)


def test_a_database_unshared_in_the_middle_is_marked_and_read_to_its_end_once_it_is_back(
    read: Read, sandbox: Sandbox, workspace: NotionWorkspace, work: Callable[[], None]
) -> None:
    run = read(lambda: sandbox.unshare(database_of(workspace)))

    assert run.state == "partial"
    issue = run.issues.get()
    assert (issue.action, issue.collection.role if issue.collection else "") == ("share", "tasks")
    tasks = SyncedCollection.objects.get(role="tasks")
    assert (tasks.state, bool(tasks.state_reason), tasks.watermark) == ("lost", True, None)
    assert SyncedCollection.objects.get(role="projects").state == "ready"
    assert Task.objects.live().count() == 200, "nothing is taken for deleted"
    connection = Connection.objects.get()
    assert connection.state == Connection.State.CONNECTED

    sandbox.share(database_of(workspace))
    again = start_sync_run(connection=connection, actor=SYSTEM)
    work()

    again.refresh_from_db()
    assert (again.state, again.new, Task.objects.live().count()) == ("succeeded", 100, 300)
    assert SyncedCollection.objects.get(role="tasks").state == "ready"


def test_pages_deleted_in_the_middle_cost_no_others_and_are_found_by_the_next_full_check(
    read: Read, sandbox: Sandbox, workspace: NotionWorkspace, work: Callable[[], None]
) -> None:
    pages: list[str] = []

    def delete() -> None:
        pages.extend(task_ids(workspace))
        sandbox.trash(pages[10], workspace.editor)
        sandbox.trash(pages[290], workspace.editor)

    run = read(delete)

    assert (run.state, run.new, run.failed) == ("succeeded", 299, 0)
    assert not ExternalLink.objects.filter(remote_id=pages[290]).exists(), "gone before anybody read it"
    assert Task.objects.live().filter(external_links__remote_id__in=pages).count() in {298, 299}

    SyncRun.objects.all().delete()
    start_sync_run(connection=Connection.objects.get(), actor=SYSTEM, kind="full")
    work()

    assert Task.objects.get(external_links__remote_id=pages[10]).is_archived
    assert Task.objects.live().count() == 298


def test_a_page_unshared_in_the_middle_leaves_its_task_and_says_so_later(
    read: Read, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    run = read(lambda: sandbox.unshare(task_ids(workspace)[250]))

    assert (run.state, run.new, Task.objects.count()) == ("succeeded", 299, 299)


def test_a_page_that_others_waited_for_sets_their_relations_when_it_comes_alone(
    connect: Connect, workspace: NotionWorkspace, sandbox: Sandbox, work: Callable[[], None]
) -> None:
    late = an_id("late")
    waiting = workspace.add_task("Waits for a page nobody sees yet", blocked_by=[late])
    connection = connect(workspace)
    work()
    assert Task.objects.get().dependencies.count() == 0
    sandbox.clock.advance(600)
    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    sandbox.create(
        workspace.editor,
        {
            "parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id},
            "properties": {"Task": {"title": [{"text": {"content": "Here at last"}}]}},
        },
        late,
    )

    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)

    assert (
        Task.objects.get(external_links__remote_id=waiting).dependencies.get().depends_on.title
        == "Here at last"
    )
    run = SyncRun.objects.filter(kind="poll").latest("created_at")
    assert (run.state, run.new, run.changed, run.unchanged) == ("succeeded", 1, 1, 0)
